/**
 * An `ExportTraceServiceRequest` out of protobuf. Each level is walked twice, first for its context and then for what it
 * holds: fields may come in any order, and a span needs its resource and scope.
 */
import { readResourceContext, readScopeContext } from './decode-context.js';
import { type DecodeLimits, resolveDecodeLimits } from './decode-limits.js';
import { readSpan } from './decode-span.js';
import { type DecodedTraceRequest, type RejectReason, SpanCollector } from './rejected-spans.js';
import type { ResourceRecord } from './span-record.js';
import { TraceReader } from './trace-reader.js';

/** What the enclosing messages say about every span in them. */
interface Enclosing {
  readonly lossy: number;
  readonly rejection: RejectReason | undefined;
}

/**
 * Reads a request in time linear in its length. Spans with bad ids or beyond `limits` are counted in `rejected`; a
 * malformed request throws {@link OtlpDecodeError} and gives no span. The spans of one `ResourceSpans` share one resource
 * object, those of one `ScopeSpans` one scope object. No record refers to `bytes`.
 */
export function decodeTraceRequest(bytes: Uint8Array, limits?: Partial<DecodeLimits>): DecodedTraceRequest {
  const resolved = resolveDecodeLimits(limits);
  const reader = new TraceReader(bytes, resolved);
  const collector = new SpanCollector(resolved);
  while (reader.pos < reader.end) {
    const tag = reader.tag();
    if (tag === 0x0a) reader.skip(tag);
    else reader.skipUnknown(tag, 1);
  }
  const enclosing: Enclosing = { lossy: reader.state.lossy, rejection: undefined };
  eachMessage(reader, 0, 0x0a, () => readResourceSpans(reader, enclosing, collector));
  return collector.result();
}

function readResourceSpans(reader: TraceReader, outer: Enclosing, collector: SpanCollector): void {
  const start = reader.pos;
  const resource = readResourceContext(reader);
  const enclosing = enclose(reader, outer);
  eachMessage(reader, start, 0x12, () => readScopeSpans(reader, resource, enclosing, collector));
}

function readScopeSpans(
  reader: TraceReader,
  resource: ResourceRecord,
  outer: Enclosing,
  collector: SpanCollector,
): void {
  const start = reader.pos;
  const scope = readScopeContext(reader);
  const { lossy, rejection } = enclose(reader, outer);
  eachMessage(reader, start, 0x12, () => {
    const span = readSpan(reader, resource, scope, lossy);
    collector.add(rejection ?? span);
  });
}

function enclose(reader: TraceReader, outer: Enclosing): Enclosing {
  return { lossy: outer.lossy | reader.state.lossy, rejection: outer.rejection ?? reader.state.rejection };
}

/** Walks the current message again from `start` and reads each message under `wanted`. */
function eachMessage(reader: TraceReader, start: number, wanted: number, read: () => void): void {
  reader.pos = start;
  while (reader.pos < reader.end) {
    const tag = reader.tag();
    if (tag !== wanted) reader.skip(tag);
    else {
      const outerEnd = reader.enter();
      read();
      reader.leave(outerEnd);
    }
  }
}
