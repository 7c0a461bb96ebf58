/**
 * What a batch with redaction entries does to the store, in the transaction that appends them: each target's payload goes,
 * salt included, and with it every context that no payload names any more. docs/format.md §redaction.
 */
import { leafHashHex, parseEntry } from '@infrafabric/format';
import { type Connection, statement } from '../database.js';
import { LedgerError } from '../ledger-error.js';
import { type ContextSurvey, isNamed, NO_SURVEY, namesIn } from './context-survey.js';
import { deletePayloads } from './delete-payloads.js';

/** Counts what is erased, and knows which contexts go with it. */
export class Erasure {
  readonly survey: ContextSurvey;
  /** Octets of payloads and salts. */
  octets = 0;
  contexts = 0;

  constructor(survey: ContextSurvey = NO_SURVEY) {
    this.survey = survey;
  }
}

/** A redaction entry in its place. */
export interface SealedRedaction {
  readonly seq: number;
  /** The entry as stored. */
  readonly octets: Uint8Array;
}

/** Erases what the redactions of a batch name. Call inside the write transaction. @throws LedgerError `redaction`. */
export function eraseTargets(db: Connection, redactions: readonly SealedRedaction[], erasure: Erasure): void {
  const targets = new Map<number, number>();
  for (const redaction of redactions) {
    const target = targetOf(db, redaction);
    if (!targets.has(target)) targets.set(target, redaction.seq);
  }
  const insert = statement(db, 'INSERT OR IGNORE INTO erased (seq, redaction) VALUES (?, ?)');
  const payload = statement(
    db,
    'SELECT octet_length(salt) + octet_length(payload), substr(payload, 1, 64) FROM payloads WHERE seq = ?',
  ).raw();
  const names = new Set<string>();
  const there: number[] = [];
  for (const [target, seq] of [...targets].sort(([a], [b]) => a - b)) {
    insert.run(target, seq);
    const [octets, head] = (payload.get(target) ?? []) as [number, Uint8Array] | [];
    if (octets === undefined) continue;
    there.push(target);
    erasure.octets += octets;
    for (const name of namesIn(head)) names.add(name);
  }
  deletePayloads(db, there);
  const remove = statement(db, 'DELETE FROM contexts WHERE digest = ?');
  for (const name of names) {
    if (isNamed(db, name, erasure.survey, there.at(-1)!)) continue;
    erasure.contexts += remove.run(Buffer.from(name, 'latin1')).changes;
  }
}

/** What a redaction names, if it may: an entry without these rules would make the ledger INVALID. @throws LedgerError */
function targetOf(db: Connection, { seq, octets }: SealedRedaction): number {
  const { body, critical } = parseEntry(Buffer.from(octets).toString());
  const { target, leaf, reason } = body;
  const text = statement(db, 'SELECT entry FROM entries WHERE seq = ? AND seq < ?').pluck().get(target, seq);
  if (typeof target !== 'number' || typeof text !== 'string') throw refused(`entry ${target} is not there`);
  if (leaf !== leafHashHex(text)) throw refused(`its leaf is not that of entry ${target}`);
  if (parseEntry(text).payload === undefined) throw refused(`entry ${target} has no payload`);
  if (critical !== true || typeof reason !== 'string') throw refused('it is not critical, or says no reason');
  return target;
}

function refused(why: string): LedgerError {
  return new LedgerError('redaction', `a redaction that may not be: ${why}`, { hint: 'use Ledger.redact' });
}
