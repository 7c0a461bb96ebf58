/**
 * The generic attack: one bit of one octet of a ledger file flipped, at every position. Whatever comes of it must be
 * INVALID, an error, or provably the same content.
 */
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { VerifierKey } from '@infrafabric/format';
import { LedgerError } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { verifyLedger } from '@infrafabric/verify';
import Sqlite from 'better-sqlite3';
import { contentOf } from './content.js';
import { type Built, buildLedger, chainProblems, newDirectory, randomOf, rowByRow } from './ledger-files.js';

/** A ledger of four entries under two checkpoints, its file rewritten with this page size. */
export async function smallLedger(pageSize: number): Promise<Built> {
  const built = await buildLedger({ batches: [3] });
  const db = new Sqlite(built.path);
  try {
    // A page size can only be changed outside WAL mode.
    db.pragma('journal_mode = DELETE');
    db.pragma(`page_size = ${pageSize}`);
    db.exec('VACUUM');
    db.pragma('journal_mode = WAL');
  } finally {
    db.close();
  }
  return built;
}

/** How many positions ended how. */
export interface Classes {
  readonly positions: number;
  readonly classes: Readonly<Record<string, number>>;
  /** Positions after which a changed content was called VALID, or something else than a `LedgerError` was thrown. */
  readonly holes: readonly string[];
}

/** Flips one random bit at each position that `where` chooses. */
export function flipEveryByte({ path, key }: Built, where: (octet: number, position: number) => boolean): Classes {
  const octets = readFileSync(path);
  const content = contentOf(path);
  const copy = join(newDirectory(), 'witness.db');
  writeFileSync(copy, octets);
  const random = randomOf(1);
  const classes: Record<string, number> = {};
  const holes: string[] = [];
  const fd = openSync(copy, 'r+');
  try {
    for (const [position, octet] of octets.entries()) {
      const bit = 1 << Math.floor(random() * 8);
      if (!where(octet, position)) continue;
      writeSync(fd, Uint8Array.of(octet ^ bit), 0, 1, position);
      const outcome = outcomeOf(copy, key, content);
      classes[outcome] = (classes[outcome] ?? 0) + 1;
      if (/^HOLE/.test(outcome)) holes.push(`octet ${position} ^ ${bit}: ${outcome}`);
      writeSync(fd, Uint8Array.of(octet), 0, 1, position);
      for (const suffix of ['-wal', '-shm']) if (existsSync(copy + suffix)) rmSync(copy + suffix);
    }
  } finally {
    closeSync(fd);
  }
  return { positions: Object.values(classes).reduce((sum, count) => sum + count, 0), classes, holes };
}

/** What the verifier makes of a file; `contents` are those that it may hold and be VALID. */
export function outcomeOf(path: string, key: VerifierKey, ...contents: readonly string[]): string {
  let reader: LedgerReader | undefined;
  try {
    reader = LedgerReader.open(path);
    const { verdict } = verifyLedger(reader, { key });
    if (verdict !== 'VALID') return verdict;
    if (chainProblems(rowByRow(reader)).length > 0) return 'HOLE: VALID in blocks of rows alone';
    reader.close();
    return contents.includes(contentOf(path)) ? 'same content' : 'HOLE: changed and VALID';
  } catch (error) {
    if (error instanceof LedgerError) return `error ${error.code}`;
    return `HOLE: ${error}`;
  } finally {
    reader?.close();
  }
}
