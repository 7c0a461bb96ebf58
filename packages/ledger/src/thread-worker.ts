/** The other side of {@link LedgerThread}: decodes requests, accounts for their spans and appends them. */
import { parentPort, workerData } from 'node:worker_threads';
import { MAX_PAYLOAD_OCTETS } from '@infrafabric/format';
import { decodeTraceRequest, OtlpDecodeError } from '@infrafabric/otlp';
import type { SpanDraft } from './draft.js';
import { draftSpan } from './draft-span.js';
import { Ledger } from './ledger.js';
import { LedgerError } from './ledger-error.js';
import type { Gap, LedgerThreadOptions, RequestSummary, ThreadRequest, ThreadResponse } from './thread.js';

const port = parentPort!;
const options = workerData as LedgerThreadOptions;
const NOTHING: RequestSummary = { appended: 0, duplicates: 0, rejected: [] };
let opened: Promise<Ledger> | undefined;
let queue: Promise<void> = Promise.resolve();

port.on('message', (request: ThreadRequest) => {
  queue = queue.then(() => answer(request));
});

async function answer(request: ThreadRequest): Promise<void> {
  let response: ThreadResponse;
  try {
    response = { id: request.id, summary: await carryOut(request) };
  } catch (error) {
    const { code, message, hint } = error instanceof LedgerError ? error : new LedgerError('io', String(error));
    response = { id: request.id, error: { code, message, ...(hint === undefined ? {} : { hint }) } };
  }
  port.postMessage(response);
}

async function carryOut(request: ThreadRequest): Promise<RequestSummary> {
  switch (request.type) {
    case 'spans':
      return appendSpans(request.request);
    case 'gap':
      return appendGap(request.gap);
    case 'close':
      await closeLedger();
      return NOTHING;
  }
}

async function appendSpans(bytes: Uint8Array): Promise<RequestSummary> {
  const { spans, rejected } = decode(bytes);
  const drafts = spans.map(draftSpan);
  const storable = drafts.filter(isStorable);
  const tooLarge = drafts.length - storable.length;
  const results = await (await ledger()).append(storable).catch(reopenLater);
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
  opened ??= Ledger.open({ ...options, longLived: true });
  opened.catch(() => {
    opened = undefined;
  });
  return opened;
}

/** After a failure the file may have been replaced or mended: the next request opens it anew. */
async function reopenLater(error: unknown): Promise<never> {
  if (!(error instanceof LedgerError) || error.code !== 'locked') await closeLedger();
  throw error;
}

async function closeLedger(): Promise<void> {
  const closing = opened;
  opened = undefined;
  await closing?.then((open) => open.close()).catch(() => undefined);
}
