/** A span for OTLP output when its payload is gone: what the entry signs in clear. */
import type { KeyValue, ResourceRecord, SpanRecord } from '@infrafabric/otlp';
import { WITNESS_COMPONENT, WITNESS_TRACE_ID, WITNESS_TRACE_PARENT_ID } from '@infrafabric/semconv';
import type { SpanEntry } from './span-entry.js';

/** Ids, name, times, status and the witness attributes; no events, no links, no other attribute. */
export function bareSpanOf(entry: SpanEntry): SpanRecord {
  const resource: ResourceRecord = {
    attributes: textAttributes([['service.name', entry.service]]),
    droppedAttributesCount: 0,
    entityRefs: [],
    schemaUrl: '',
  };
  return {
    traceId: entry.traceId,
    spanId: entry.spanId,
    parentSpanId: entry.parentSpanId ?? '',
    traceState: '',
    flags: 0,
    name: entry.event,
    kind: entry.kind,
    startUnixNano: entry.startUnixNano,
    endUnixNano: entry.endUnixNano,
    attributes: textAttributes([
      [WITNESS_TRACE_ID, entry.businessId],
      [WITNESS_TRACE_PARENT_ID, entry.businessParentId],
      [WITNESS_COMPONENT, entry.component],
    ]),
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    status: { code: entry.status, message: '' },
    resource,
    scope: { name: '', version: '', attributes: [], droppedAttributesCount: 0, schemaUrl: '' },
    lossy: [],
  };
}

function textAttributes(pairs: readonly (readonly [string, string | undefined])[]): KeyValue[] {
  return pairs.flatMap(([key, text]) => (text === undefined ? [] : [[key, text]]));
}
