export { countSpans } from './count-spans.js';
export { decodeResourceContext, decodeScopeContext } from './decode-context.js';
export { OtlpDecodeError, type OtlpDecodeErrorCode } from './decode-error.js';
export { type DecodeLimits, defaultDecodeLimits, MAX_VALUE_DEPTH } from './decode-limits.js';
export { decodeTraceRequest } from './decode-request.js';
export { decodeSpan } from './decode-span.js';
export { encodeResourceContext, encodeScopeContext } from './encode-context.js';
export { assembleTraceRequest, type EncodedSpan, encodeTraceRequest } from './encode-request.js';
export { encodeSpan } from './encode-span.js';
export type { JsonValue } from './json-text.js';
export { parseTraceRequestJson } from './parse-json-request.js';
export { ProtoReader } from './proto-reader.js';
export { ProtoWriter } from './proto-writer.js';
export type { DecodedTraceRequest, RejectedSpan, RejectReason } from './rejected-spans.js';
export { type RenderJsonOptions, renderTraceRequestJson, traceRequestJsonObject } from './render-json.js';
export type {
  AnyValue,
  EntityRef,
  EventRecord,
  KeyValue,
  KeyValueList,
  LinkRecord,
  ResourceRecord,
  ScopeRecord,
  SpanRecord,
} from './span-record.js';
