import type Database from 'better-sqlite3';

export declare const SQLITE: string;
export declare const Sqlite: typeof Database;
