/**
 * Deletes payload rows so that their octets are nowhere in the file's pages. `secure_delete` zeroes what is deleted, but
 * not the copies that SQLite leaves behind when it moves rows from one page to another: it moves them when a page has
 * become too empty, and a row that stays now may be the one to be erased next year. So whatever a deletion may move is
 * zeros while it is moved.
 */
import { SCHEMA } from '@infrafabric/format';
import { type Connection, statement } from '../database.js';

/** Of a row, so much lies in its page at most, the rest on pages that never move: a page has 4,096 octets. */
const LOCAL_OCTETS = 4096;
/** One deletion moves rows of three neighbouring pages at most, so those that are moved lie so near in order of seq. */
const NEIGHBOURHOOD_OCTETS = 3 * LOCAL_OCTETS;
/** Rows read at once, while looking for neighbours. */
const STEP = 32;

const GUARD = 'payloads_no_update';
const GUARD_SQL: string = SCHEMA.find(({ name }) => name === GUARD)!.sql!;

type Row = [seq: number, salt: Uint8Array, head: Uint8Array];
const ROW = `seq, salt, substr(payload, 1, ${LOCAL_OCTETS})`;
const BEFORE = `SELECT ${ROW} FROM payloads WHERE seq < ? ORDER BY seq DESC LIMIT ${STEP}`;
const AFTER = `SELECT ${ROW} FROM payloads WHERE seq > ? ORDER BY seq LIMIT ${STEP}`;
// A blob of the same length is written where the old one lies, and pages of which nothing changes are not written.
const ZERO = `UPDATE payloads SET salt = zeroblob(octet_length(salt)),
  payload = CAST(zeroblob(min(octet_length(payload), ${LOCAL_OCTETS})) || substr(payload, ${LOCAL_OCTETS + 1}) AS BLOB)
WHERE seq = ?`;
const RESTORE = `UPDATE payloads SET salt = ?, payload = CAST(? || substr(payload, ${LOCAL_OCTETS + 1}) AS BLOB) WHERE seq = ?`;

/** Deletes the payloads of these entries, in ascending order. Call inside the write transaction, after they are in `erased`. */
export function deletePayloads(db: Connection, seqs: readonly number[]): void {
  // Within this transaction; the schema that is committed is the one that was there.
  db.exec(`DROP TRIGGER ${GUARD}`);
  const zero = statement(db, ZERO);
  const neighbours = neighboursOf(db, seqs);
  for (const seq of [...seqs, ...neighbours.keys()]) zero.run(seq);
  const remove = statement(db, 'DELETE FROM payloads WHERE seq = ?');
  for (const seq of seqs) remove.run(seq);
  const restore = statement(db, RESTORE);
  for (const [seq, salt, head] of neighbours.values()) restore.run(salt, head, seq);
  db.exec(GUARD_SQL);
}

/** The payloads that stay, of which some may be moved by these deletions. */
function neighboursOf(db: Connection, seqs: readonly number[]): ReadonlyMap<number, Row> {
  const targets = new Set(seqs);
  const found = new Map<number, Row>();
  const after = statement(db, AFTER).raw();
  const before = statement(db, BEFORE).raw();
  walk(seqs, targets, (at) => after.all(at) as Row[], found);
  walk([...seqs].reverse(), targets, (at) => before.all(at) as Row[], found);
  return found;
}

/** Goes through the rows behind each target, once, as far as its neighbourhood reaches. What goes as well takes no room. */
function walk(
  inOrder: readonly number[],
  targets: ReadonlySet<number>,
  rowsBehind: (seq: number) => readonly Row[],
  found: Map<number, Row>,
): void {
  const passed = new Set<number>();
  for (const target of inOrder) {
    if (passed.has(target)) continue;
    let left = NEIGHBOURHOOD_OCTETS;
    for (let at = target; left > 0; ) {
      const rows = rowsBehind(at);
      for (const row of rows) {
        at = row[0];
        if (targets.has(at)) {
          left = NEIGHBOURHOOD_OCTETS;
          passed.add(at);
          continue;
        }
        if (left <= 0) break;
        found.set(at, row);
        left -= row[1].length + row[2].length;
      }
      if (rows.length < STEP) break;
    }
  }
}
