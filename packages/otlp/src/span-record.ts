/**
 * What a finished span means to this project, whatever door it came through. Pure data: no SDK class, no protobuf
 * object. The fields are those of `opentelemetry/proto/trace/v1/trace.proto`, none left out; docs/format.md §Payload
 * says how a record becomes bytes.
 */

/**
 * An OTLP `AnyValue`: `bigint` is an `int_value`, `number` a `double_value` (NaN and infinities included), a plain array an
 * `array_value`, {@link KeyValueList} a `kvlist_value`, `null` a value with no member set.
 */
export type AnyValue = string | boolean | bigint | number | Uint8Array | null | readonly AnyValue[] | KeyValueList;

/** An OTLP `KeyValueList`; order and duplicate keys are kept. */
export interface KeyValueList {
  readonly kvlist: readonly KeyValue[];
}

/** One attribute: key and value, in the order received. */
export type KeyValue = readonly [key: string, value: AnyValue];

/** OTLP `EntityRef` of a resource. */
export interface EntityRef {
  readonly schemaUrl: string;
  readonly type: string;
  readonly idKeys: readonly string[];
  readonly descriptionKeys: readonly string[];
}

/** OTLP `Resource` together with the `schema_url` of its `ResourceSpans`. */
export interface ResourceRecord {
  readonly attributes: readonly KeyValue[];
  readonly droppedAttributesCount: number;
  readonly entityRefs: readonly EntityRef[];
  readonly schemaUrl: string;
}

/** OTLP `InstrumentationScope` together with the `schema_url` of its `ScopeSpans`. */
export interface ScopeRecord {
  readonly name: string;
  readonly version: string;
  readonly attributes: readonly KeyValue[];
  readonly droppedAttributesCount: number;
  readonly schemaUrl: string;
}

/** OTLP `Span.Event`. */
export interface EventRecord {
  readonly timeUnixNano: bigint;
  readonly name: string;
  readonly attributes: readonly KeyValue[];
  readonly droppedAttributesCount: number;
}

/** OTLP `Span.Link`; ids are lowercase hex of any even length: links to contexts that are not valid are kept too. */
export interface LinkRecord {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceState: string;
  readonly attributes: readonly KeyValue[];
  readonly droppedAttributesCount: number;
  readonly flags: number;
}

/** One finished span, whole. */
export interface SpanRecord {
  /** 32 lowercase hex characters, not all zero. */
  readonly traceId: string;
  /** 16 lowercase hex characters, not all zero. */
  readonly spanId: string;
  /** 16 lowercase hex characters, not all zero, or '' for a root span (decoders read all zeros as ''). */
  readonly parentSpanId: string;
  readonly traceState: string;
  /** W3C trace flags and OTLP's is-remote bits, uint32. */
  readonly flags: number;
  readonly name: string;
  /** OTLP `SpanKind`: 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer. Unknown values are kept. */
  readonly kind: number;
  /** uint64 nanoseconds since the Unix epoch. */
  readonly startUnixNano: bigint;
  /** uint64 nanoseconds since the Unix epoch. */
  readonly endUnixNano: bigint;
  readonly attributes: readonly KeyValue[];
  readonly droppedAttributesCount: number;
  readonly events: readonly EventRecord[];
  readonly droppedEventsCount: number;
  readonly links: readonly LinkRecord[];
  readonly droppedLinksCount: number;
  /** OTLP `Status`: code 0 unset, 1 ok, 2 error. */
  readonly status: { readonly code: number; readonly message: string };
  readonly resource: ResourceRecord;
  readonly scope: ScopeRecord;
  /**
   * What could not be kept exactly, as sorted, distinct names of span fields (`name`, `attributes`, `events`, `links`,
   * `status`, `trace_state`, `start_time_unix_nano`, `end_time_unix_nano`, `resource`, `scope`, `unknown_fields`): a lone
   * surrogate or invalid UTF-8 became U+FFFD, a JSON number beyond 2^53 had already lost digits, a JSON `doubleValue` was
   * null where NaN or an infinity may have been, a field this version does not know was skipped. Usually empty.
   */
  readonly lossy: readonly string[];
}
