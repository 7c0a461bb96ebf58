/**
 * Which calls of a ledger count, and what they come to: derived from the entries, kept in a file of the witness home, and
 * brought up to date whenever somebody asks. The file is as trusted as the home it lies in; a ledger is judged by `verify`,
 * never by this.
 */
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { leafHashHex, sha256Hex, type TextAt } from '@infrafabric/format';
import { type Connection, openMemory, openScratch, statement } from '../database.js';
import { LedgerError, ledgerErrorOf } from '../ledger-error.js';
import { makePrivateDirectory } from '../private-file.js';
import { LedgerReader } from '../reader.js';
import { witnessPaths } from '../witness-home.js';
import type { CountedCall, GroupOf, RollupRow, Scope, TimeRange, Verdict } from './answers.js';
import { type Relevant, relevantOf } from './call-of-entry.js';
import { CallStore } from './call-store.js';
import type { EntrySource } from './entry-source.js';
import { Recount } from './recount.js';
import { ACCOUNTS_SCHEMA, ACCOUNTS_VERSION, BUCKET_NANO } from './schema.js';
import { addSums, decodeSums, noSums } from './sums.js';

export type { CountedCall, GroupOf, RollupRow, Scope, TimeRange, Verdict } from './answers.js';
export type { EntrySource } from './entry-source.js';
export { addCall, addSums, type CallFacts, noSums, SUM_MEMBERS, type Sums, totalPico } from './sums.js';

/** Where the accounts of a ledger lie. */
export function accountsFile(home: string, origin: string): string {
  return join(home, 'accounts', `${sha256Hex(origin)}.db`);
}

/** Entries at once. A long trace is counted anew with each chunk that adds to it, so small ones would be slow. */
const CHUNK = 4_000;

/** How to open the accounts of a ledger. */
export interface AccountsOptions {
  readonly home?: string | undefined;
  /** Makes them anew, in memory, and believes no file. */
  readonly scratch?: boolean;
  /** False leaves them as old as they are. */
  readonly catchUp?: boolean;
  /** Told how many entries are accounted for, while that takes long. */
  readonly onProgress?: (entries: number) => void;
}

/** Derived accounts of one ledger. Not for several ledgers, not for concurrent use of one object. */
export class Accounts {
  readonly #db: Connection;
  readonly #calls: CallStore;
  readonly #source: EntrySource;

  private constructor(db: Connection, source: EntrySource) {
    this.#db = db;
    this.#source = source;
    this.#calls = new CallStore(db);
  }

  /**
   * The accounts of a ledger, brought up to the state that `source` shows. In memory where the home cannot be written.
   * @throws LedgerError `corrupt` for an entry that cannot be read: a sum must not pass over it.
   */
  static open(source: EntrySource, options: AccountsOptions = {}): Accounts {
    const origin = source.genesis()?.entry.body.origin;
    const file =
      typeof origin === 'string' ? accountsFile(witnessPaths({ home: options.home }).home, origin) : undefined;
    const db = file === undefined || options.scratch === true ? openMemory() : openFile(file);
    const accounts = new Accounts(db, source);
    try {
      if (options.catchUp !== false) accounts.catchUp(options.onProgress);
      return accounts;
    } catch (error) {
      db.close();
      if (isDamage(error) && file !== undefined && options.scratch !== true) {
        removeFile(file);
        return Accounts.open(source, options);
      }
      throw ledgerErrorOf(error, file ?? source.path);
    }
  }

  close(): void {
    this.#db.close();
  }

  /** Entries that are accounted for. */
  get size(): number {
    return Number(this.#state('size') ?? 0);
  }

  /** Takes in what was appended since; starts again when the ledger is not the one that was read before. */
  catchUp(onProgress?: (entries: number) => void): void {
    while (!this.catchUpSome()) onProgress?.(this.size);
  }

  /** Takes in some thousand entries; true when nothing is left. */
  catchUpSome(): boolean {
    const size = this.#source.entryCount();
    if (hasTables(this.#db) && this.#isUsable(size) && this.size >= size) return true;
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const from = this.#usableSize(size);
      const done = from >= size ? from : this.#takeIn(from);
      this.#db.exec('COMMIT');
      return done >= size;
    } finally {
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
    }
  }

  /** Sums by quarter of an hour; a bound that is no quarter is met exactly by looking at single calls. */
  *rollups(
    range: TimeRange = {},
    scope: Pick<Scope, 'component' | 'model' | 'provider' | 'service'> = {},
  ): Generator<RollupRow> {
    const groups = this.#groupsOf(scope);
    const [since, until] = [range.sinceUnixNano ?? -BUCKET_NANO, range.untilUnixNano];
    const first = ceilBucket(since);
    const last = until === undefined ? undefined : floorBucket(until);
    if (last !== undefined && last < first) {
      yield* this.#edge(since, until!, groups);
      return;
    }
    if (first > since && range.sinceUnixNano !== undefined) yield* this.#edge(since, first, groups);
    const rows = statement(
      this.#db,
      'SELECT bucket, grp, currency, sums FROM rollup WHERE bucket >= ? AND bucket < ? ORDER BY bucket',
    )
      .raw()
      .all(Number(first / BUCKET_NANO), last === undefined ? Number.MAX_SAFE_INTEGER : Number(last / BUCKET_NANO)) as [
      number,
      number,
      string,
      string,
    ][];
    for (const [bucket, grp, currency, sums] of rows) {
      const group = groups.get(grp);
      if (group !== undefined)
        yield { ...group, bucketUnixNano: BigInt(bucket) * BUCKET_NANO, currency, sums: decodeSums(sums) };
    }
    if (last !== undefined && last < until!) yield* this.#edge(last, until!, groups);
  }

  /** Calls that count, in order of their start. */
  *calls(range: TimeRange = {}, scope: Scope = {}): Generator<CountedCall> {
    const groups = this.#groupsOf(scope);
    const flows = this.#flows();
    const businesses = scope.business === undefined ? undefined : descendantsOf(scope.business, flows);
    for (const call of this.#calls.counted(range)) {
      const group = groups.get(call.group);
      if (group === undefined) continue;
      if (businesses !== undefined && (call.business === undefined || !businesses.has(call.business))) continue;
      if (scope.session !== undefined && call.session !== scope.session) continue;
      if (scope.user !== undefined && call.user !== scope.user) continue;
      const { group: _, ...rest } = call;
      yield { ...group, ...rest, rootBusiness: call.business === undefined ? undefined : rootOf(call.business, flows) };
    }
  }

  /** What was spent, in US dollars: sums of the calls that count. Has the shape of a budget's `SpentSource`. */
  spent(
    scope: Scope,
    sinceUnixNano: bigint | undefined,
    untilUnixNano: bigint | undefined,
  ): { pico: bigint; estimatedPico: bigint; unpriced: number; unknown: number } {
    const range = { sinceUnixNano, untilUnixNano };
    const inGroups = scope.business === undefined && scope.session === undefined && scope.user === undefined;
    const sums = noSums();
    for (const row of inGroups ? this.rollups(range, scope) : this.calls(range, scope))
      if (row.currency === 'USD') addSums(sums, row.sums);
    return {
      pico: sums.reported + sums.computed + sums.estimated,
      estimatedPico: sums.estimated,
      unpriced: Number(sums.unpriced),
      unknown: Number(sums.callsUnknown),
    };
  }

  /** Whether a span counts, and why not; undefined for an entry that speaks of no usage. */
  verdictOf(seq: number): Verdict | undefined {
    return this.#calls.verdictOf(seq);
  }

  /** Spans with usage that do not count, by seq. */
  notCounted(): ReadonlySet<number> {
    return this.#calls.notCounted();
  }

  *#edge(since: bigint, until: bigint, groups: ReadonlyMap<number, GroupOf>): Generator<RollupRow> {
    for (const call of this.#calls.counted({ sinceUnixNano: since, untilUnixNano: until })) {
      const group = groups.get(call.group);
      if (group !== undefined)
        yield { ...group, bucketUnixNano: floorBucket(call.startUnixNano), currency: call.currency, sums: call.sums };
    }
  }

  #groupsOf(scope: Scope): Map<number, GroupOf> {
    const holds = (group: GroupOf): boolean =>
      (['component', 'model', 'provider', 'service'] as const).every(
        (key) => scope[key] === undefined || group[key] === scope[key],
      );
    return new Map([...this.#calls.groups()].filter(([, group]) => holds(group)));
  }

  #flows(): ReadonlyMap<string, string> {
    return new Map(statement(this.#db, 'SELECT business, parent FROM flows').raw().all() as [string, string][]);
  }

  #state(name: string): string | undefined {
    return statement(this.#db, 'SELECT value FROM state WHERE name = ?').pluck().get(name) as string | undefined;
  }

  #setState(size: number, leafHex: string): void {
    const set = statement(this.#db, 'INSERT OR REPLACE INTO state (name, value) VALUES (?, ?)');
    set.run('version', ACCOUNTS_VERSION);
    set.run('size', String(size));
    set.run('leaf', leafHex);
  }

  /** Whether the file goes on from this ledger: the newest entry that it saw is there still, and all before it so too. */
  #isUsable(size: number): boolean {
    if (this.#state('version') !== ACCOUNTS_VERSION) return false;
    if (this.size === 0) return true;
    const newest = (source: Pick<EntrySource, 'entryText'>): boolean => {
      const text = source.entryText(this.size - 1);
      return text !== undefined && leafHashHex(text) === this.#state('leaf');
    };
    if (this.size <= size) return newest(this.#source);
    // Somebody saw more than this state of the ledger has: it has grown since, or an older copy was put in its place.
    const now = LedgerReader.open(this.#source.path);
    try {
      return newest(now);
    } finally {
      now.close();
    }
  }

  /** Entries that need not be read again; makes the file anew where it says nothing about this ledger. */
  #usableSize(size: number): number {
    if (hasTables(this.#db)) {
      if (this.#isUsable(size)) return this.size;
      for (const table of ['state', 'groups', 'calls', 'flows', 'rollup'])
        this.#db.exec(`DROP TABLE IF EXISTS ${table}`);
    }
    this.#db.exec(ACCOUNTS_SCHEMA);
    this.#setState(0, '');
    return 0;
  }

  #takeIn(from: number): number {
    const recount = new Recount(this.#db, this.#calls, this.#source);
    const rows = this.#source.entryTexts(from, CHUNK);
    for (const [seq, text] of rows) {
      const relevant = readRelevant(seq, text, (at) => this.#source.entryText(at));
      if (relevant !== undefined) recount.take(relevant);
    }
    recount.finish();
    const last = rows.at(-1);
    if (last === undefined)
      throw new LedgerError('corrupt', `entry ${from} is missing`, { hint: 'run if-witness verify' });
    this.#setState(last[0] + 1, leafHashHex(last[1]));
    return last[0] + 1;
  }
}

function readRelevant(seq: number, text: string, textAt: TextAt): Relevant | undefined {
  try {
    return relevantOf(seq, text, textAt);
  } catch (cause) {
    throw new LedgerError('corrupt', `entry ${seq} cannot be read`, { cause, hint: 'run if-witness verify' });
  }
}

/** A home that cannot be written is no reason not to answer, nor is a file that is no database: it is made again. */
function openFile(file: string): Connection {
  try {
    makePrivateDirectory(dirname(file));
    try {
      return openScratch(file);
    } catch (error) {
      if (!(error instanceof LedgerError) || error.code !== 'corrupt') throw error;
      removeFile(file);
      return openScratch(file);
    }
  } catch {
    return openMemory();
  }
}

function removeFile(file: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
}

function isDamage(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return code === 'SQLITE_CORRUPT' || code === 'SQLITE_NOTADB';
}

function hasTables(db: Connection): boolean {
  return db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'state'").get() !== undefined;
}

function floorBucket(nano: bigint): bigint {
  return nano - (nano % BUCKET_NANO);
}

function ceilBucket(nano: bigint): bigint {
  return nano <= 0n ? 0n : floorBucket(nano + BUCKET_NANO - 1n);
}

/** A flow and all that belong to it; flows may name each other in a circle. */
function descendantsOf(business: string, flows: ReadonlyMap<string, string>): ReadonlySet<string> {
  const children = new Map<string, string[]>();
  for (const [child, parent] of flows) children.set(parent, [...(children.get(parent) ?? []), child]);
  const found = new Set([business]);
  for (const flow of found) for (const child of children.get(flow) ?? []) found.add(child);
  return found;
}

function rootOf(business: string, flows: ReadonlyMap<string, string>): string {
  const passed = new Set([business]);
  let root = business;
  for (let next = flows.get(root); next !== undefined && !passed.has(next); next = flows.get(next)) {
    passed.add(next);
    root = next;
  }
  return root;
}
