/** From an event to the span that says it. No OpenTelemetry SDK: loading one would take longer than all the rest. */
import type { AnyValue, KeyValue, ResourceRecord, ScopeRecord, SpanRecord } from '@infrafabric/otlp';
import {
  WITNESS_COMPONENT,
  WITNESS_COST_USD,
  WITNESS_PAYLOAD,
  WITNESS_TRACE_ID,
  WITNESS_TRACE_PARENT_ID,
} from '@infrafabric/semconv';
import { VERSION } from '../version.js';
import { USAGE_KEYS } from './event-values.js';
import type { Placement } from './place-span.js';
import type { WitnessEvent } from './witness-event.js';

const SCOPE: ScopeRecord = {
  name: '@infrafabric/cli',
  version: VERSION,
  attributes: [],
  droppedAttributesCount: 0,
  schemaUrl: '',
};

/** OTLP `SPAN_KIND_INTERNAL`. */
const KIND_INTERNAL = 1;

/** What a span needs besides its event. */
export interface SpanCircumstances {
  readonly placement: Placement;
  readonly resource: ResourceRecord;
  readonly spanId: string;
  readonly nowUnixNano: bigint;
}

/** The span of an event. */
export function spanOfEvent(
  event: WitnessEvent,
  { placement, resource, spanId, nowUnixNano }: SpanCircumstances,
): SpanRecord {
  const attributes = attributesOf(event, placement);
  const status = event.status ?? { code: 0, message: '' };
  const lossy: string[] = [];
  if (!attributes.every(([key, value]) => key.isWellFormed() && isWellFormed(value))) lossy.push('attributes');
  if (!event.event.isWellFormed()) lossy.push('name');
  if (!status.message.isWellFormed()) lossy.push('status');
  return {
    traceId: placement.traceId,
    spanId,
    parentSpanId: placement.parentSpanId,
    traceState: placement.traceState,
    flags: placement.flags,
    name: event.event,
    kind: event.kind ?? KIND_INTERNAL,
    startUnixNano: event.startUnixNano ?? event.endUnixNano ?? nowUnixNano,
    endUnixNano: event.endUnixNano ?? latest(event.startUnixNano, nowUnixNano),
    attributes,
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: placement.links,
    droppedLinksCount: 0,
    status,
    resource,
    scope: SCOPE,
    lossy,
  };
}

function attributesOf(event: WitnessEvent, { businessId, businessParentId }: Placement): KeyValue[] {
  const attributes: KeyValue[] = [];
  const add = (key: string, value: AnyValue | undefined): void => {
    if (value !== undefined) attributes.push([key, value]);
  };
  const count = (n: number | undefined): bigint | undefined => (n === undefined ? undefined : BigInt(n));
  add(WITNESS_TRACE_ID, businessId);
  add(WITNESS_TRACE_PARENT_ID, businessParentId);
  add(WITNESS_COMPONENT, event.component);
  add(WITNESS_PAYLOAD, event.payload);
  add(USAGE_KEYS.model, event.model);
  add(USAGE_KEYS.provider, event.provider);
  add(USAGE_KEYS.tokensIn, count(event.tokensIn));
  add(USAGE_KEYS.tokensOut, count(event.tokensOut));
  add(WITNESS_COST_USD, event.costUsd);
  return [...attributes, ...(event.attributes ?? [])];
}

/** A start in the future, as a test rig may give one, has no end before it. */
function latest(start: bigint | undefined, now: bigint): bigint {
  return start !== undefined && start > now ? start : now;
}

function isWellFormed(value: AnyValue): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return true;
  if ('kvlist' in value) return value.kvlist.every(([key, member]) => key.isWellFormed() && isWellFormed(member));
  return value.every(isWellFormed);
}
