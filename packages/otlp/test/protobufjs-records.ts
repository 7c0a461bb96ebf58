/**
 * What protobufjs reads, as span records: the second opinion of the decoding tests. Properties come in the order of the
 * decoders' own objects, so that two records can be compared as text.
 */
import type { AnyValue, KeyValue, SpanRecord } from '../dist/index.js';
import { messageType } from './otlp-proto.js';

interface Json {
  readonly [key: string]: unknown;
}

/** The spans that protobufjs finds, without `lossy`, and how many a decoder has to reject for which id. */
export interface Outcome {
  readonly spans: Omit<SpanRecord, 'lossy'>[];
  readonly rejected: Record<string, number>;
}

/** Decodes with protobufjs. Throws when protobufjs does. */
export function decodeWithProtobufjs(bytes: Uint8Array): Outcome {
  const type = messageType('ExportTraceServiceRequest');
  const request = type.toObject(type.decode(bytes), { longs: String, defaults: true, oneofs: true }) as Json;
  const outcome: Outcome = { spans: [], rejected: {} };
  for (const resourceSpans of list(request.resourceSpans)) {
    const resource = resourceRecord(resourceSpans);
    for (const scopeSpans of list(resourceSpans.scopeSpans)) {
      const scope = scopeRecord(scopeSpans);
      for (const span of list(scopeSpans.spans)) {
        const record = { ...spanRecord(span), resource, scope };
        const reason = badId(record);
        if (reason === undefined) outcome.spans.push({ ...record, parentSpanId: noZeros(record.parentSpanId) });
        else outcome.rejected[reason] = (outcome.rejected[reason] ?? 0) + 1;
      }
    }
  }
  return outcome;
}

function badId(record: { traceId: string; spanId: string; parentSpanId: string }): string | undefined {
  if (record.traceId.length !== 32 || noZeros(record.traceId) === '') return 'trace_id';
  if (record.spanId.length !== 16 || noZeros(record.spanId) === '') return 'span_id';
  return [0, 16].includes(record.parentSpanId.length) ? undefined : 'parent_span_id';
}

function noZeros(id: string): string {
  return /^0*$/.test(id) ? '' : id;
}

function list(value: unknown): Json[] {
  return value as Json[];
}

function hex(value: unknown): string {
  return Buffer.from(value as Uint8Array).toString('hex');
}

function resourceRecord(json: Json): SpanRecord['resource'] {
  const resource = (json.resource ?? {}) as Json;
  return {
    attributes: attributes(resource.attributes ?? []),
    droppedAttributesCount: (resource.droppedAttributesCount ?? 0) as number,
    entityRefs: list(resource.entityRefs ?? []).map((entity) => ({
      schemaUrl: entity.schemaUrl as string,
      type: entity.type as string,
      idKeys: entity.idKeys as string[],
      descriptionKeys: entity.descriptionKeys as string[],
    })),
    schemaUrl: json.schemaUrl as string,
  };
}

function scopeRecord(json: Json): SpanRecord['scope'] {
  const scope = (json.scope ?? {}) as Json;
  return {
    name: (scope.name ?? '') as string,
    version: (scope.version ?? '') as string,
    attributes: attributes(scope.attributes ?? []),
    droppedAttributesCount: (scope.droppedAttributesCount ?? 0) as number,
    schemaUrl: json.schemaUrl as string,
  };
}

function spanRecord(json: Json): Omit<SpanRecord, 'lossy' | 'resource' | 'scope'> {
  const status = (json.status ?? { code: 0, message: '' }) as Json;
  return {
    traceId: hex(json.traceId),
    spanId: hex(json.spanId),
    parentSpanId: hex(json.parentSpanId),
    traceState: json.traceState as string,
    flags: json.flags as number,
    name: json.name as string,
    kind: json.kind as number,
    startUnixNano: BigInt(json.startTimeUnixNano as string),
    endUnixNano: BigInt(json.endTimeUnixNano as string),
    attributes: attributes(json.attributes),
    droppedAttributesCount: json.droppedAttributesCount as number,
    events: list(json.events).map((event) => ({
      timeUnixNano: BigInt(event.timeUnixNano as string),
      name: event.name as string,
      attributes: attributes(event.attributes),
      droppedAttributesCount: event.droppedAttributesCount as number,
    })),
    droppedEventsCount: json.droppedEventsCount as number,
    links: list(json.links).map((link) => ({
      traceId: hex(link.traceId),
      spanId: hex(link.spanId),
      traceState: link.traceState as string,
      attributes: attributes(link.attributes),
      droppedAttributesCount: link.droppedAttributesCount as number,
      flags: link.flags as number,
    })),
    droppedLinksCount: json.droppedLinksCount as number,
    status: { code: status.code as number, message: status.message as string },
  };
}

function attributes(value: unknown): KeyValue[] {
  return list(value).map((entry) => [entry.key as string, anyValue((entry.value ?? {}) as Json)]);
}

function anyValue(json: Json): AnyValue {
  switch (json.value) {
    case undefined:
      return null;
    case 'intValue':
      return BigInt(json.intValue as string);
    case 'bytesValue':
      return Uint8Array.from(json.bytesValue as Uint8Array);
    case 'arrayValue':
      return list((json.arrayValue as Json).values).map(anyValue);
    case 'kvlistValue':
      return { kvlist: attributes((json.kvlistValue as Json).values) };
    default:
      return json[json.value as string] as AnyValue;
  }
}
