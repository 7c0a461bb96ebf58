/** Spans into OTLP/JSON: the proto3 JSON mapping with OTLP's exceptions (ids in hex, enums as integers). */
import { encodeBase64 } from './base64.js';
import { groupByContext, withContexts } from './group-by-context.js';
import { type JsonValue, writeJson } from './json-text.js';
import type {
  AnyValue,
  EntityRef,
  EventRecord,
  KeyValue,
  LinkRecord,
  ResourceRecord,
  ScopeRecord,
  SpanRecord,
} from './span-record.js';

type JsonMembers = { readonly [key: string]: JsonValue };

/** How {@link renderTraceRequestJson} writes. */
export interface RenderJsonOptions {
  /** Spaces per level, as for `JSON.stringify`; 0, the default, writes one line. */
  readonly indent?: number;
}

/**
 * The text of a request that `parseTraceRequestJson` reads back into the same records (but for `lossy`): 64-bit integers as
 * strings, NaN and the infinities as strings, -0 as the number -0. Jaeger's upload accepts it.
 */
export function renderTraceRequestJson(records: readonly SpanRecord[], options: RenderJsonOptions = {}): string {
  return writeJson(traceRequestJsonObject(records), options.indent ?? 0);
}

/**
 * The same request as plain objects. `JSON.stringify` of it writes -0 as 0; {@link renderTraceRequestJson} does not.
 * Neighbours with the same resource (and scope) share one `resourceSpans` (`scopeSpans`) element.
 */
export function traceRequestJsonObject(records: readonly SpanRecord[]): {
  readonly resourceSpans: readonly JsonValue[];
} {
  const runs = groupByContext(withContexts(records, (record) => record));
  return {
    resourceSpans: runs.map(({ scopes }) => {
      const { resource } = scopes[0]!.items[0]!;
      return withoutDefaults({
        resource: resourceJson(resource),
        scopeSpans: scopes.map(({ items }) => {
          const { scope } = items[0]!;
          return {
            scope: scopeJson(scope),
            spans: items.map(spanJson),
            ...withoutDefaults({ schemaUrl: scope.schemaUrl }),
          };
        }),
        schemaUrl: resource.schemaUrl,
      });
    }),
  };
}

function resourceJson(resource: ResourceRecord): JsonMembers {
  const { droppedAttributesCount } = resource;
  const entityRefs = resource.entityRefs.map(entityRefJson);
  return {
    attributes: attributesJson(resource.attributes),
    ...withoutDefaults({ droppedAttributesCount, entityRefs }),
  };
}

function entityRefJson({ schemaUrl, type, idKeys, descriptionKeys }: EntityRef): JsonMembers {
  return withoutDefaults({ schemaUrl, type, idKeys, descriptionKeys });
}

function scopeJson({ name, version, attributes, droppedAttributesCount }: ScopeRecord): JsonMembers {
  return withoutDefaults({ name, version, attributes: attributesJson(attributes), droppedAttributesCount });
}

function spanJson(span: SpanRecord): JsonMembers {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...withoutDefaults({ traceState: span.traceState, parentSpanId: span.parentSpanId, flags: span.flags }),
    // Readers such as Jaeger's upload expect these even at their defaults.
    name: span.name,
    kind: span.kind,
    startTimeUnixNano: String(span.startUnixNano),
    endTimeUnixNano: String(span.endUnixNano),
    attributes: attributesJson(span.attributes),
    ...withoutDefaults({
      droppedAttributesCount: span.droppedAttributesCount,
      events: span.events.map(eventJson),
      droppedEventsCount: span.droppedEventsCount,
      links: span.links.map(linkJson),
      droppedLinksCount: span.droppedLinksCount,
    }),
    status: withoutDefaults({ message: span.status.message, code: span.status.code }),
  };
}

function eventJson({ timeUnixNano, name, attributes, droppedAttributesCount }: EventRecord): JsonMembers {
  return {
    timeUnixNano: String(timeUnixNano),
    ...withoutDefaults({ name, attributes: attributesJson(attributes), droppedAttributesCount }),
  };
}

function linkJson({ traceId, spanId, traceState, attributes, droppedAttributesCount, flags }: LinkRecord): JsonMembers {
  const optional = { traceState, attributes: attributesJson(attributes), droppedAttributesCount, flags };
  return { traceId, spanId, ...withoutDefaults(optional) };
}

function attributesJson(attributes: readonly KeyValue[]): JsonValue[] {
  return attributes.map(([key, value]) => ({ key, value: anyValueJson(value) }));
}

function anyValueJson(value: AnyValue): JsonMembers {
  if (value === null) return {};
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'bigint') return { intValue: String(value) };
  if (typeof value === 'number') return { doubleValue: Number.isFinite(value) ? value : String(value) };
  if (value instanceof Uint8Array) return { bytesValue: encodeBase64(value) };
  if ('kvlist' in value) return { kvlistValue: { values: attributesJson(value.kvlist) } };
  return { arrayValue: { values: value.map(anyValueJson) } };
}

/** Drops members that are '', 0 or an empty array, as proto3 JSON does. */
function withoutDefaults(members: JsonMembers): JsonMembers {
  const kept = Object.entries(members).filter(
    ([, value]) => value !== '' && value !== 0 && !(Array.isArray(value) && value.length === 0),
  );
  return Object.fromEntries(kept);
}
