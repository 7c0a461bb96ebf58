/** The other side of {@link LedgerThread}: decodes requests, accounts for their spans and appends them. */
import { statSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { MAX_PAYLOAD_OCTETS } from '@infrafabric/format';
import { decodeTraceRequest, OtlpDecodeError } from '@infrafabric/otlp';
import { AfterCommits } from './after-commits.js';
import { Aside } from './aside.js';
import type { SpanDraft } from './draft.js';
import { spanDrafter } from './draft-span.js';
import { Ledger } from './ledger.js';
import { LedgerError, ledgerErrorOf } from './ledger-error.js';
import { type PackedSpans, unpackSpans } from './pack-spans.js';
import { HomePricing } from './pricing.js';
import type {
  Gap,
  GroupCommit,
  LedgerThreadOptions,
  RequestSummary,
  ThreadAnswer,
  ThreadRequest,
  ThreadResponse,
} from './thread.js';
import { witnessPaths } from './witness-home.js';

type PackedRequest = Extract<ThreadRequest, { type: 'packed' }>;
type SingleRequest = Exclude<ThreadRequest, PackedRequest>;

const port = parentPort!;
const options = workerData as LedgerThreadOptions;
const pricing = new HomePricing(witnessPaths(options).home);
const NOTHING: RequestSummary = { appended: 0, duplicates: 0, rejected: [] };
let opened: Promise<Ledger> | undefined;
/** Of the ledger that was open first. */
let origin: string | undefined;
let queue: Promise<void> = Promise.resolve();

const after = new AfterCommits({
  module: options.afterCommit,
  ledger: async () => opened,
  inTurn: (work) => {
    queue = queue.then(work);
  },
  tell: (notice) => tell({ notice }),
  onJudging: (judging) => tell({ judging }),
});
let aside: Aside | undefined;

port.on('message', receive);

/** What is done about what was committed, here or aside. */
function afterwards(open: Ledger): void {
  if (options.ingest !== true) after.committed(open);
  else {
    aside ??= new Aside(options, (notice) => tell({ notice }));
    aside.committed();
  }
}

function receive(request: ThreadRequest): void {
  if (request.type !== 'packed') queue = queue.then(commitAllGathered).then(() => answer(request));
  else if (gathering.push(request) === 1) commitSoon();
}

/** What came before a request of another kind is done before it. */
async function commitAllGathered(): Promise<void> {
  while (gathering.length > 0) await commitGathered();
}

/** After everything that has arrived by then. Not as a microtask: commits without end would let nothing else happen here. */
function commitSoon(): void {
  setImmediate(() => {
    queue = queue.then(commitGathered);
  });
}

async function answer(request: SingleRequest): Promise<void> {
  let answered: ThreadAnswer;
  try {
    if (request.type === 'rotate') {
      const rotated = await (await ledger()).rotate({ ifOlderThanMs: request.ifOlderThanMs }).catch(reopenLater);
      answered = { id: request.id, summary: NOTHING, ...(rotated === undefined ? {} : { rotated }) };
    } else answered = { id: request.id, summary: await carryOut(request) };
  } catch (error) {
    answered = { id: request.id, error: errorOf(error) };
  }
  tell({ answers: [answered] });
}

function errorOf(error: unknown): Extract<ThreadAnswer, { error: object }>['error'] {
  const { code, message, hint } = error instanceof LedgerError ? error : new LedgerError('io', String(error));
  return { code, message, ...(hint === undefined ? {} : { hint }) };
}

/** Spans that share a commit at most, unless one request has more. */
const MAX_GROUP_SPANS = 4096;
let gathering: PackedRequest[] = [];

/** One commit for everything that has come by now. There is no timer: what comes during a commit shares the next one. */
async function commitGathered(): Promise<void> {
  if (gathering.length === 0) return;
  const started = performance.now();
  const group: PackedRequest[] = [];
  let spans = 0;
  for (const request of gathering) {
    if (group.length > 0 && spans + request.packed.count > MAX_GROUP_SPANS) break;
    group.push(request);
    spans += request.packed.count;
  }
  gathering = gathering.slice(group.length);
  if (gathering.length > 0) commitSoon();
  const answers = await appendGroup(group);
  const committed = answers.some((each) => 'summary' in each);
  const commit: GroupCommit = { requests: group.length, spans, seconds: (performance.now() - started) / 1000 };
  // They go back: a new block for every request would cost its zeros, and be garbage for long.
  const blocks = group.map(({ packed }) => new Uint8Array(packed.octets.buffer as ArrayBuffer));
  port.postMessage(
    { answers, ...(committed ? { commit } : {}), blocks } satisfies ThreadResponse,
    blocks.map(({ buffer }) => buffer),
  );
}

async function appendGroup(group: readonly PackedRequest[]): Promise<ThreadAnswer[]> {
  try {
    const summaries = await appendPacked(group.map(({ packed }) => packed));
    return group.map(({ id }, i) => ({ id, summary: summaries[i]! }));
  } catch (error) {
    // What one of them may hold that cannot be written must not fail the others.
    if (error instanceof LedgerError || group.length === 1)
      return group.map(({ id }) => ({ id, error: errorOf(error) }));
    const answers: ThreadAnswer[] = [];
    for (const request of group) answers.push(...(await appendGroup([request])));
    return answers;
  }
}

/** Appends in one commit; one summary for each of the packs. */
async function appendPacked(packs: readonly PackedSpans[]): Promise<RequestSummary[]> {
  const open = await ledger();
  const results = await open.appendPrepared(packs.flatMap(unpackSpans)).catch(reopenLater);
  afterwards(open);
  let end = 0;
  return packs.map(({ count }) => {
    let duplicates = 0;
    for (const start = end; end < start + count; end++) if (results[end]!.outcome === 'duplicate') duplicates++;
    return { appended: count - duplicates, duplicates, rejected: [] };
  });
}

function tell(message: ThreadResponse): void {
  port.postMessage(message);
}

async function carryOut(request: Exclude<SingleRequest, { type: 'rotate' }>): Promise<RequestSummary> {
  switch (request.type) {
    case 'spans':
      return appendSpans(request.request);
    case 'gap':
      return appendGap(request.gap);
    case 'probe':
      await (await ledger()).probe().catch(reopenLater);
      return NOTHING;
    case 'close':
      await aside?.close();
      await after.judge();
      await closeLedger();
      return NOTHING;
  }
}

async function appendSpans(bytes: Uint8Array): Promise<RequestSummary> {
  const { spans, rejected } = decode(bytes);
  await pricing.refresh();
  const drafts = spans.map(spanDrafter(pricing));
  const storable = drafts.filter(isStorable);
  const tooLarge = drafts.length - storable.length;
  const open = await ledger();
  const results = await open.append(storable).catch(reopenLater);
  afterwards(open);
  const duplicates = results.filter(({ outcome }) => outcome === 'duplicate').length;
  const refused = tooLarge === 0 ? rejected : [...rejected, { reason: 'payload_too_large', count: tooLarge }];
  return { appended: results.length - duplicates, duplicates, rejected: refused };
}

/** The bound is far above any request that a door lets in; this is for what comes from a spool. */
function isStorable({ span, resourceContext, scopeContext }: SpanDraft): boolean {
  return (
    span.length + 64 <= MAX_PAYLOAD_OCTETS &&
    Math.max(resourceContext.length, scopeContext.length) <= MAX_PAYLOAD_OCTETS
  );
}

async function appendGap({ count, reason, source, sinceUnixNano, untilUnixNano }: Gap): Promise<RequestSummary> {
  const body = { count, reason, since: String(sinceUnixNano), source, until: String(untilUnixNano) };
  await (await ledger()).append([{ type: 'gap', body }]).catch(reopenLater);
  return { ...NOTHING, appended: 1 };
}

function decode(bytes: Uint8Array): Pick<ReturnType<typeof decodeTraceRequest>, 'spans' | 'rejected'> {
  try {
    return decodeTraceRequest(bytes);
  } catch (error) {
    if (!(error instanceof OtlpDecodeError)) throw error;
    // Bytes that can never be read must not be kept and tried for ever.
    return { spans: [], rejected: [{ reason: 'trace_id', message: error.message, count: 1 }] };
  }
}

function ledger(): Promise<Ledger> {
  opened ??= openLedger();
  opened.catch(() => {
    opened = undefined;
  });
  return opened;
}

/**
 * A volume that was unmounted leaves an empty directory behind: another ledger that was begun there would be a fork of the
 * history, so what is opened again must be what was open before.
 */
async function openLedger(): Promise<Ledger> {
  const { ledger: path } = witnessPaths(options);
  if (origin !== undefined && (statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0) throw goneError(path);
  const open = await Ledger.open({ ...options, longLived: true, backfill: options.ingest === true });
  try {
    const found = open.origin();
    if (origin !== undefined && found !== origin) throw goneError(path);
    origin = found;
    return open;
  } catch (error) {
    await open.close();
    throw ledgerErrorOf(error, path);
  }
}

function goneError(path: string): LedgerError {
  return new LedgerError('gone', `the ledger ${origin} is not there any more: ${path}`, {
    hint: 'put the file back; to go on with another ledger, restart this process',
  });
}

/** After a failure the file may have been replaced or mended: the next request opens it anew. */
async function reopenLater(error: unknown): Promise<never> {
  if (!(error instanceof LedgerError) || error.code !== 'locked') await closeLedger();
  throw error;
}

async function closeLedger(): Promise<void> {
  const closing = opened;
  opened = undefined;
  await after.close();
  await closing?.then((open) => open.close()).catch(() => undefined);
}
