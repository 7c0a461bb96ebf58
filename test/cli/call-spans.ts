/** Spans of calls as instrumentations send them, for tests of what commands make of them. */
import type { KeyValue, SpanRecord } from '@infrafabric/otlp';

const START_UNIX_NANO = 1_762_855_200_000_000_000n;

/** What differs from span to span. */
export interface CallSpan {
  readonly spanId: number;
  readonly name: string;
  readonly parent?: number;
  /** After the start of all. */
  readonly startMs?: number;
  readonly endMs?: number;
  readonly attributes?: readonly KeyValue[];
  readonly payload?: object;
  /** Business trace id; default `flow`. */
  readonly flow?: string;
  /** OTLP status code. */
  readonly status?: number;
}

/** A span of one trace, whatever its flow. Events last no time. */
export function callSpan(span: CallSpan): SpanRecord {
  const { spanId, name, parent, startMs = spanId, endMs = startMs, payload, flow = 'flow' } = span;
  const id = (n: number): string => n.toString(16).padStart(16, '0');
  return {
    traceId: 'cafe0000000000000000000000000001',
    spanId: id(spanId),
    parentSpanId: parent === undefined ? '' : id(parent),
    traceState: '',
    flags: 1,
    name,
    kind: 1,
    startUnixNano: START_UNIX_NANO + BigInt(startMs) * 1_000_000n,
    endUnixNano: START_UNIX_NANO + BigInt(endMs) * 1_000_000n,
    attributes: [
      ['witness.trace.id', flow],
      ...(payload === undefined ? [] : [['witness.payload', JSON.stringify(payload)] as const]),
      ...(span.attributes ?? []),
    ],
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    status: { code: span.status ?? 0, message: '' },
    resource: { attributes: [['service.name', 'pbx']], droppedAttributesCount: 0, entityRefs: [], schemaUrl: '' },
    scope: { name: 'test', version: '', attributes: [], droppedAttributesCount: 0, schemaUrl: '' },
    lossy: [],
  };
}
