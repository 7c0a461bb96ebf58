/**
 * Erases payloads: redaction entries, batch by batch, then whatever still holds an older copy. Begun again after a crash, it
 * passes over what is erased already and does the rest.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeBody, leafHashHex, parseEntry } from '@infrafabric/format';
import { type Connection, statement } from '../database.js';
import type { Appended, Draft } from '../draft.js';
import { LedgerError } from '../ledger-error.js';
import { surveyContexts } from './context-survey.js';
import { emptyWal } from './empty-wal.js';
import { Erasure } from './erase.js';
import type { Redacted, RedactOptions, RedactOutcome } from './redacted.js';
import { rewriteContexts } from './rewrite-contexts.js';
import { isUnfinished, noteFinished, noteUnfinished } from './unfinished.js';

/** @internal What a `Ledger` lends. */
export interface ErasingWriter {
  readonly db: Connection;
  readonly path: string;
  readonly home: string;
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
  readonly append: (decide: () => readonly Draft[], erasure: Erasure) => Promise<Appended[]>;
  readonly exclusively: (work: () => void) => Promise<void>;
  readonly origin: () => string;
}

const BATCH = 256;
const MAX_REASON_OCTETS = 4096;
const PAUSE_MS = { least: 5, most: 100 };

/** See `Ledger.redact`. */
export async function redact(
  writer: ErasingWriter,
  seqs: readonly number[],
  reason: string,
  options: RedactOptions = {},
): Promise<Redacted> {
  const targets = [...new Set(seqs)].sort((a, b) => a - b);
  const bad = targets.find((seq) => !Number.isSafeInteger(seq) || seq < 0);
  if (bad !== undefined) throw new RangeError(`a target is the seq of an entry, not ${bad}`);
  if (targets.length > 0) requireReason(reason);
  const { db, path } = writer;
  const erasure = new Erasure(
    targets.length === 0
      ? undefined
      : await writer.inTurn(async () => db.transaction(() => surveyContexts(db, targets, options.onSurvey))()),
  );
  const wasUnfinished = isUnfinished(path);
  if (targets.length > 0) noteUnfinished(path);
  const outcomes: RedactOutcome[] = [];
  const step = options.batch ?? BATCH;
  for (let done = 0; done < targets.length && options.signal?.aborted !== true; done += step) {
    const started = performance.now();
    outcomes.push(...(await redactBatch(writer, targets.slice(done, done + step), reason, erasure)));
    options.onProgress?.(outcomes.length);
    // Others wait for the write lock in ever longer steps, and would find it taken each time.
    const pauseMs = Math.min(PAUSE_MS.most, Math.max(PAUSE_MS.least, performance.now() - started));
    if (done + step < targets.length) await sleep(pauseMs);
  }
  const left = wasUnfinished
    ? { seqs: allErased(db), contexts: true }
    : { seqs: outcomes.map(({ seq }) => seq), contexts: erasure.contexts > 0 };
  const overwritten = !isUnfinished(path) || (await overwrite(writer, left, options.timeoutMs ?? 10_000));
  return { targets: outcomes, octets: erasure.octets, contexts: erasure.contexts, overwritten };
}

/** @throws RangeError, FormatError for text with a lone surrogate */
function requireReason(reason: string): void {
  // The format counts octets after escaping, without the quotes; `{"reason":""}` has 13 more.
  const octets = Buffer.byteLength(encodeBody({ reason })) - 13;
  if (reason.trim() === '' || octets > MAX_REASON_OCTETS)
    throw new RangeError(`a reason is text of 1 to ${MAX_REASON_OCTETS} octets`);
}

async function redactBatch(
  writer: ErasingWriter,
  targets: readonly number[],
  reason: string,
  erasure: Erasure,
): Promise<RedactOutcome[]> {
  let outcomes: (RedactOutcome | undefined)[] = [];
  // Looked at under the lock: another process may have erased some meanwhile.
  const appended = await writer.append(() => {
    const drafts: Draft[] = [];
    outcomes = targets.map((seq) => {
      const found = lookAt(writer.db, seq);
      if ('outcome' in found) return found;
      drafts.push({ type: 'redaction', body: { leaf: found.leafHex, reason, target: seq }, critical: true });
      return undefined;
    });
    return drafts;
  }, erasure);
  let next = 0;
  return outcomes.map(
    (outcome, i) => outcome ?? { outcome: 'erased', seq: targets[i]!, redaction: appended[next++]!.seq },
  );
}

/** What would become of a target: an outcome that writes nothing, or the leaf hash of what can be erased. */
export function lookAt(db: Connection, seq: number): RedactOutcome | { readonly leafHex: string } {
  const text = statement(db, 'SELECT entry FROM entries WHERE seq = ?').pluck().get(seq);
  if (typeof text !== 'string') return { outcome: 'no-entry', seq };
  const redaction = statement(db, 'SELECT redaction FROM erased WHERE seq = ?').pluck().get(seq);
  if (typeof redaction === 'number') return { outcome: 'already', seq, redaction };
  if (parseEntry(text).payload === undefined) return { outcome: 'no-payload', seq };
  // A redaction would turn a loss that nobody explained into one that is.
  if (statement(db, 'SELECT 1 FROM payloads WHERE seq = ?').get(seq) === undefined) return { outcome: 'missing', seq };
  return { leafHex: leafHashHex(text) };
}

/** Gets rid of older copies. What stands in the way is no reason to fail: the payloads are gone from the ledger. */
async function overwrite(
  writer: ErasingWriter,
  { seqs, contexts }: { seqs: Iterable<number>; contexts: boolean },
  timeoutMs: number,
): Promise<boolean> {
  const { db, path, home } = writer;
  if (db.pragma('secure_delete', { simple: true }) !== 1) return false;
  if (contexts) await writer.exclusively(() => rewriteContexts(db));
  const accounts = await forgetLabels(writer, home, seqs);
  const emptied = await writer.inTurn(() => emptyWal(db, path, timeoutMs));
  if (emptied && accounts) noteFinished(path);
  return emptied && accounts;
}

async function forgetLabels({ inTurn, origin }: ErasingWriter, home: string, seqs: Iterable<number>): Promise<boolean> {
  const { forgetInAccounts } = await import('../accounts/forget.js');
  try {
    return await inTurn(async () => forgetInAccounts(home, origin(), seqs));
  } catch (error) {
    if (error instanceof LedgerError || /^SQLITE_/.test(String((error as { code?: unknown }).code))) return false;
    throw error;
  }
}

/** Everything that was ever erased, for an erasure that did not come to its end. */
function* allErased(db: Connection): Generator<number> {
  const rows = statement(db, 'SELECT seq FROM erased WHERE seq > ? ORDER BY seq LIMIT 1000').pluck();
  for (let at = -1; ; ) {
    const seqs = rows.all(at) as number[];
    yield* seqs;
    if (seqs.length === 0) return;
    at = seqs.at(-1)!;
  }
}
