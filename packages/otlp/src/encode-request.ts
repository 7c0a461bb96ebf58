/** Spans into an `ExportTraceServiceRequest`, from records or from pieces that were encoded, and perhaps stored, before. */
import { OtlpDecodeError } from './decode-error.js';
import { encodeSpan } from './encode-span.js';
import { groupByContext, type InContext, type ScopeRun, withContexts } from './group-by-context.js';
import { ProtoReader } from './proto-reader.js';
import { ProtoWriter } from './proto-writer.js';
import type { SpanRecord } from './span-record.js';

/** One encoded span with its encoded contexts: what `encodeSpan` and the two context encoders return. */
export interface EncodedSpan {
  readonly resourceContext: Uint8Array;
  readonly scopeContext: Uint8Array;
  readonly span: Uint8Array;
}

/**
 * A canonical request that holds the spans in their order. Neighbours with the same resource (and scope) share one
 * `ResourceSpans` (`ScopeSpans`). Throws RangeError as `encodeSpan` does.
 */
export function encodeTraceRequest(records: readonly SpanRecord[]): Uint8Array {
  return writeRequest(withContexts(records, encodeSpan));
}

/**
 * The same request from encoded pieces. The spans are copied as they are, not read. Throws {@link OtlpDecodeError} for a
 * context that the context encoders would not write.
 */
export function assembleTraceRequest(parts: readonly EncodedSpan[]): Uint8Array {
  return writeRequest(
    parts.map(({ resourceContext, scopeContext, span: item }) => ({ resourceContext, scopeContext, item })),
  );
}

function writeRequest(list: Iterable<InContext<Uint8Array>>): Uint8Array {
  const writer = new ProtoWriter(4096);
  for (const { resourceContext, scopes } of groupByContext(list)) {
    const start = writer.open(0x0a);
    const schemaUrlAt = splitContext(resourceContext);
    writer.raw(resourceContext.subarray(0, schemaUrlAt));
    for (const scope of scopes) writeScopeSpans(writer, scope);
    writer.raw(resourceContext.subarray(schemaUrlAt));
    writer.close(start);
  }
  return writer.finish();
}

function writeScopeSpans(writer: ProtoWriter, { scopeContext, items }: ScopeRun<Uint8Array>): void {
  const start = writer.open(0x12);
  const schemaUrlAt = splitContext(scopeContext);
  writer.raw(scopeContext.subarray(0, schemaUrlAt));
  for (const span of items) {
    writer.varint(0x12);
    writer.lengthDelimited(span);
  }
  writer.raw(scopeContext.subarray(schemaUrlAt));
  writer.close(start);
}

/** Where field 3 begins, and so where field 2, the spans, belongs. */
function splitContext(context: Uint8Array): number {
  const reader = new ProtoReader(context);
  let schemaUrlAt = context.length;
  let lastTag = 0;
  while (reader.pos < reader.end) {
    const at = reader.pos;
    const tag = reader.tag();
    if ((tag !== 0x0a && tag !== 0x1a) || tag <= lastTag) {
      throw new OtlpDecodeError(
        'not_canonical',
        'a context holds a resource or scope, then a schema_url, nothing else',
      );
    }
    if (tag === 0x1a) schemaUrlAt = at;
    lastTag = tag;
    reader.skip(tag);
  }
  return schemaUrlAt;
}
