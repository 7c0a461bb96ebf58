/**
 * Which contexts lose their last payload when some are erased. To look for another payload that names a context can take
 * the whole ledger, so most of it happens before the write lock is taken: payloads are never added below the size that was
 * surveyed, so what the survey did not find can only be above. What it found is looked at again under the lock.
 */
import { type Connection, statement } from '../database.js';

/** What a survey found. Contexts are named by the latin1 text of their digest's octets. */
export interface ContextSurvey {
  /** Payloads of entries from this seq on were not surveyed. */
  readonly size: number;
  /** A payload that names the context and is not to be erased. Contexts without one are in `last` alone. */
  readonly keepers: ReadonlyMap<string, number>;
  /** The last of the payloads to be erased that names the context. */
  readonly last: ReadonlyMap<string, number>;
}

/** Nothing is known: what is asked is looked for in all payloads. */
export const NO_SURVEY: ContextSurvey = { size: 0, keepers: new Map(), last: new Map() };

/** Octets at the beginning of a payload that name its contexts. */
const NAMES = 'substr(payload, 1, 64)';
/** Payloads of the same process lie close together: so many on either side are looked at first. */
const NEAR = 128;
/** Of so many contexts; a look at all payloads is cheaper for more. */
const NEAR_CONTEXTS = 256;
const CHUNK = 2_000;

/** Digests that a payload begins with. Of a payload that names no contexts they are those of none. */
export function namesIn(head: Uint8Array | null | undefined): readonly string[] {
  if (head === null || head === undefined || head.length < 64) return [];
  const text = Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString('latin1');
  return [text.slice(0, 32), text.slice(32, 64)];
}

/** Surveys the contexts of payloads that are to be erased, in ascending order. Call in one read transaction. */
export function surveyContexts(
  db: Connection,
  targets: readonly number[],
  onProgress: (payloads: number) => void = () => undefined,
): ContextSurvey {
  const size = 1 + Number(statement(db, 'SELECT max(seq) FROM entries').pluck().get());
  const last = new Map<string, number>();
  const head = statement(db, `SELECT ${NAMES} FROM payloads WHERE seq = ?`).pluck();
  const known = statement(db, 'SELECT 1 FROM contexts WHERE digest = ?').pluck();
  const others = new Set<string>();
  for (const seq of targets) {
    for (const name of namesIn(head.get(seq) as Uint8Array | undefined)) {
      if (others.has(name)) continue;
      if (last.has(name) || known.get(Buffer.from(name, 'latin1')) !== undefined) last.set(name, seq);
      else others.add(name);
    }
  }
  return { size, last, keepers: findKeepers(db, new Set(targets), last, size, onProgress) };
}

type Named = [seq: number, head: Uint8Array | null];

function findKeepers(
  db: Connection,
  targets: ReadonlySet<number>,
  last: ReadonlyMap<string, number>,
  size: number,
  onProgress: (payloads: number) => void,
): ReadonlyMap<string, number> {
  const keepers = new Map<string, number>();
  const sought = new Set(last.keys());
  const take = (rows: readonly Named[]): void => {
    for (const [seq, head] of rows) {
      if (targets.has(seq)) continue;
      for (const name of namesIn(head)) if (sought.delete(name)) keepers.set(name, seq);
    }
  };
  const near = statement(db, `SELECT seq, ${NAMES} FROM payloads WHERE seq BETWEEN ? AND ?`).raw();
  for (const name of [...sought].slice(0, NEAR_CONTEXTS)) {
    const seq = last.get(name)!;
    if (sought.has(name)) take(near.all(seq - NEAR, seq + NEAR) as Named[]);
  }
  const before = statement(
    db,
    `SELECT seq, ${NAMES} FROM payloads WHERE seq < ? ORDER BY seq DESC LIMIT ${CHUNK}`,
  ).raw();
  let seen = 0;
  for (let at = size; sought.size > 0; ) {
    const rows = before.all(at) as Named[];
    take(rows);
    seen += rows.length;
    onProgress(seen);
    if (rows.length < CHUNK) break;
    at = rows.at(-1)![0];
  }
  return keepers;
}

/**
 * Whether a payload names the context, now that some were erased, up to the entry `erasedTo`. Call inside the write
 * transaction.
 */
export function isNamed(db: Connection, name: string, survey: ContextSurvey, erasedTo: number): boolean {
  const names = (seq: number): boolean =>
    namesIn(
      statement(db, `SELECT ${NAMES} FROM payloads WHERE seq = ?`).pluck().get(seq) as Uint8Array | undefined,
    ).includes(name);
  const last = survey.last.get(name);
  const keeper = survey.keepers.get(name);
  const foretold = keeper ?? (last !== undefined && last > erasedTo ? last : undefined);
  if (foretold !== undefined && names(foretold)) return true;
  // Another process erased what was to keep it, or nothing is known of it: all payloads are looked at.
  const from = foretold === undefined && last !== undefined ? survey.size : 0;
  const digest = Buffer.from(name, 'latin1');
  const sql = `SELECT 1 FROM payloads WHERE seq >= ? AND (substr(payload, 1, 32) = ? OR substr(payload, 33, 32) = ?) LIMIT 1`;
  return statement(db, sql).pluck().get(from, digest, digest) !== undefined;
}
