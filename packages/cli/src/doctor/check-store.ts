/** SQLite, sizes, the disk, the clock, the remembered head, the spool, the last verification. */
import { statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { APPLICATION_ID, SCHEMA_VERSION, schemaOf } from '@infrafabric/format';
import {
  isSafeSqlite,
  LedgerError,
  readHead,
  Spool,
  spoolDirectory,
  sqliteVersion,
  type WitnessPaths,
} from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { readNote } from '@infrafabric/verify';
import { lastVerify } from '../verify/last-verify.js';
import { type Finding, fine, problem } from './finding.js';

const MIB = 1024 * 1024;
/** The WAL is brought in every 16 MB or so; much more means that something holds an old state open. */
const WAL_TOO_LARGE = 128 * MIB;
const DISK_LOW = 256 * MIB;
/** Clocks of machines that talk to each other differ by less. */
const CLOCK_SLACK_MS = 5 * 60_000;
const EARLIEST_SANE_MS = Date.UTC(2025, 0, 1);
/** Older verifications are mentioned, and are no problem. */
const DAY_MS = 86_400_000;

/** The SQLite library in use, and whether there is one. */
export function checkSqlite(versionOf: () => string = sqliteVersion): Finding {
  let version: string;
  try {
    version = versionOf();
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    return problem('SQLite', error.message, error.hint ?? 'install better-sqlite3 again');
  }
  if (isSafeSqlite(version)) return fine('SQLite', version);
  return problem(
    'SQLite',
    `${version} can lose committed data; 3.51.3 is the oldest that is safe`,
    'install better-sqlite3 12.11.1 or newer',
  );
}

/** What the file says when it is opened. */
export interface OpenedLedger {
  readonly finding: Finding;
  /** Octets of the newest checkpoint. */
  readonly note: Uint8Array | undefined;
  /** Receive time of the newest entry. */
  readonly newestMs: number | undefined;
}

/** Whether the ledger can be read and is one. */
export function openLedger({ ledger }: WitnessPaths): OpenedLedger {
  let reader: LedgerReader | undefined;
  try {
    reader = LedgerReader.open(ledger);
    const { applicationId, userVersion } = reader.summary();
    if (applicationId !== APPLICATION_ID)
      return unreadable('it is a database, but not a ledger', 'name the ledger with --ledger');
    if (schemaOf(userVersion) === undefined) {
      return unreadable(
        `its schema has version ${userVersion}, this program knows ${SCHEMA_VERSION}`,
        'use the if-witness that wrote it, or a newer one',
      );
    }
    const size = reader.entryCount();
    const newest = size > 0 ? reader.entry(size - 1) : undefined;
    const note = reader.newestNote();
    if (newest === undefined || note === undefined)
      return unreadable('it has no genesis entry or no checkpoint', 'run if-witness verify, then restore a backup');
    const finding = fine('ledger', `${size.toLocaleString('en')} entries, ${mebibytes(statSync(ledger).size)}`);
    return { finding, note, newestMs: Number(BigInt(newest.entry.at) / 1_000_000n) };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const hint = error instanceof LedgerError ? error.hint : undefined;
    return unreadable(error.message, hint ?? 'run if-witness verify, then restore a backup');
  } finally {
    reader?.close();
  }
}

function unreadable(found: string, mend: string): OpenedLedger {
  return { finding: problem('ledger', found, mend), note: undefined, newestMs: undefined };
}

/** Size of the write-ahead log. */
export function checkWal({ ledger }: WitnessPaths): Finding {
  const size = statSync(`${ledger}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  if (size < WAL_TOO_LARGE) return fine('WAL', mebibytes(size));
  return problem(
    'WAL',
    `${mebibytes(size)}: some process keeps an old state open`,
    'find it (lsof on the ledger file) and end it; the next writer then empties the WAL',
  );
}

/** Room for more. */
export function checkDisk({ home, ledger }: WitnessPaths): Finding {
  const { bavail, bsize } = statfsSync(existing(dirname(ledger)) ?? existing(home) ?? '/');
  const free = bavail * bsize;
  if (free >= DISK_LOW) return fine('disk', `${mebibytes(free)} free`);
  return problem(
    'disk',
    `only ${mebibytes(free)} free`,
    'free some space: without it events wait in the spool, and then are refused',
  );
}

/** The clock, against itself and against the newest entry. */
export function checkClock(newestMs: number | undefined, nowMs: number = Date.now()): Finding {
  const now = new Date(nowMs).toISOString();
  const mend = 'set the clock (timedatectl); entries keep the time that it had, and their order is by seq';
  if (nowMs < EARLIEST_SANE_MS) return problem('clock', `it says ${now}`, mend);
  if (newestMs !== undefined && newestMs > nowMs + CLOCK_SLACK_MS) {
    return problem('clock', `it says ${now}, but the newest entry is of ${new Date(newestMs).toISOString()}`, mend);
  }
  return fine('clock', now);
}

/** The remembered head against the newest checkpoint. */
export function checkHead({ ledger }: WitnessPaths, note: Uint8Array | undefined): Finding {
  const head = readHead(ledger);
  if (head === undefined) return fine('head', 'none is remembered; the next log writes one');
  const remembered = readNote(head);
  if (!remembered.ok) {
    return problem(
      'head',
      `${ledger}.head is damaged: ${remembered.message}`,
      'restore it from a backup, or compare the ledger with an anchor before you remove it',
    );
  }
  const newest = note === undefined ? undefined : readNote(note);
  if (newest?.ok !== true) return fine('head', `of ${remembered.checkpoint.size} entries`);
  const [then, now] = [remembered.checkpoint, newest.checkpoint];
  if (then.origin !== now.origin)
    return problem(
      'head',
      `it is of another ledger, ${then.origin}`,
      'put the right file back, or run if-witness verify',
    );
  if (then.size > now.size || (then.size === now.size && then.rootHex !== now.rootHex)) {
    return problem(
      'head',
      `the ledger has ${now.size} entries, its remembered head ${then.size}: an older copy, or its end was cut`,
      'restore the newest copy of the ledger and its WAL; run if-witness verify for the evidence',
    );
  }
  return fine(
    'head',
    then.size === now.size ? 'is that of the ledger' : `of ${then.size} entries, the ledger has ${now.size}`,
  );
}

/** What waits to be brought into the ledger. */
export function checkSpool({ home, ledger }: WitnessPaths): Finding {
  const spool = new Spool(spoolDirectory(home, ledger));
  try {
    const waiting = spool.list().length;
    if (waiting === 0 && spool.bytes() === 0) return fine('spool', 'empty');
    if (waiting === 0)
      return problem(
        'spool',
        `requests were set aside because not all of them can be read: ${spool.directory}`,
        'look at the .bad files there, then remove them',
      );
    return problem(
      'spool',
      `${waiting} requests wait in ${spool.directory}`,
      'log one more event: it brings them in; if they stay, see the lines above',
    );
  } catch (error) {
    return problem(
      'spool',
      `${spool.directory}: ${(error as Error).message}`,
      'check owner and mode of that directory',
    );
  }
}

/** When the ledger was last verified. */
export function checkLastVerify({ home, ledger }: WitnessPaths, nowMs: number = Date.now()): Finding {
  const last = lastVerify(home, ledger);
  if (last === undefined) return fine('last verify', 'never; run if-witness verify');
  const found = `${last.code} at ${last.at}, ${last.entries.toLocaleString('en')} entries`;
  if (last.code === 'invalid')
    return problem(
      'last verify',
      found,
      'run if-witness verify; keep the file as evidence, then if-witness doctor --repair, or restore a backup',
    );
  const days = Math.floor((nowMs - Date.parse(last.at)) / DAY_MS);
  return fine('last verify', days > 0 ? `${found}, ${days} days ago` : found);
}

function existing(path: string): string | undefined {
  return statSync(path, { throwIfNoEntry: false }) === undefined ? undefined : path;
}

function mebibytes(octets: number): string {
  if (octets < MIB) return `${Math.ceil(octets / 1024)} KiB`;
  return `${(octets / MIB).toLocaleString('en', { maximumFractionDigits: 1 })} MiB`;
}
