/** From the spool into the ledger: append, and only after commit remove. Dying in between leaves duplicates, which it knows. */
import { FormatError } from '@infrafabric/format';
import type { Ledger, SpanDraft, Spool } from '@infrafabric/ledger';
import { type DecodedTraceRequest, decodeTraceRequest, OtlpDecodeError, type SpanRecord } from '@infrafabric/otlp';

/** Small files share a commit of about this many spans. */
const GROUP_SPANS = 512;

/** Makes the draft of a span. */
type DraftSpan = (record: SpanRecord) => SpanDraft;

interface Waiting {
  readonly name: string;
  readonly request: DecodedTraceRequest;
}

/** Drains what is in the spool now, oldest first, until it is empty or the time is up. @throws LedgerError, and what the file system throws. */
export async function drainSpool(
  spool: Spool,
  ledger: Ledger,
  draftSpan: DraftSpan,
  budgetMs: number,
): Promise<number> {
  const deadline = Date.now() + budgetMs;
  let drained = 0;
  let group: Waiting[] = [];
  for (const name of spool.list()) {
    if (Date.now() >= deadline) break;
    const request = read(spool, name);
    if (request === undefined) continue;
    group.push({ name, request });
    if (spansOf(group) < GROUP_SPANS) continue;
    drained += await append(spool, ledger, draftSpan, group);
    group = [];
  }
  return drained + (await append(spool, ledger, draftSpan, group));
}

/** A waiting request; undefined when it is gone or unreadable, and then set aside. */
function read(spool: Spool, name: string): DecodedTraceRequest | undefined {
  const bytes = spool.read(name);
  if (bytes === undefined) return undefined;
  try {
    return decodeTraceRequest(bytes);
  } catch (error) {
    if (!(error instanceof OtlpDecodeError)) throw error;
    spool.setAside(name);
    return undefined;
  }
}

async function append(spool: Spool, ledger: Ledger, draftSpan: DraftSpan, group: readonly Waiting[]): Promise<number> {
  try {
    await ledger.append(group.flatMap(({ request }) => request.spans.map(draftSpan)));
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return appendOneByOne(spool, ledger, draftSpan, group);
  }
  for (const { name, request } of group) {
    if (request.rejected.length === 0) spool.remove(name);
    else spool.setAside(name);
  }
  return spansOf(group);
}

/** One of them holds what cannot be written, such as a payload that is too large; it must not keep the others waiting. */
async function appendOneByOne(
  spool: Spool,
  ledger: Ledger,
  draftSpan: DraftSpan,
  group: readonly Waiting[],
): Promise<number> {
  const [first, ...rest] = group;
  if (first === undefined) return 0;
  if (rest.length === 0) {
    spool.setAside(first.name);
    return 0;
  }
  let drained = 0;
  for (const waiting of group) drained += await append(spool, ledger, draftSpan, [waiting]);
  return drained;
}

function spansOf(group: readonly Waiting[]): number {
  return group.reduce((sum, { request }) => sum + request.spans.length, 0);
}
