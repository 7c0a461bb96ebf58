/** One span out of OTLP/JSON, where ids are hex. */
import type { JsonWalk } from './json-walk.js';
import { Lossy, lossyNames } from './lossy.js';
import { parseAttributes } from './parse-json-value.js';
import type { RejectReason } from './rejected-spans.js';
import type { EventRecord, LinkRecord, ResourceRecord, ScopeRecord, SpanRecord } from './span-record.js';

const spanKinds: readonly string[] = [
  'SPAN_KIND_UNSPECIFIED',
  'SPAN_KIND_INTERNAL',
  'SPAN_KIND_SERVER',
  'SPAN_KIND_CLIENT',
  'SPAN_KIND_PRODUCER',
  'SPAN_KIND_CONSUMER',
];
const statusCodes: readonly string[] = ['STATUS_CODE_UNSET', 'STATUS_CODE_OK', 'STATUS_CODE_ERROR'];

type Draft<T> = { -readonly [K in keyof T]: T[K] };

/** Reads a span. `contextLossy` holds the bits of the resource, the scope and what encloses them. */
export function parseSpan(
  walk: JsonWalk,
  json: unknown,
  resource: ResourceRecord,
  scope: ScopeRecord,
  contextLossy: number,
): SpanRecord | RejectReason {
  const { state } = walk;
  state.begin();
  const span: Draft<SpanRecord> = {
    traceId: '',
    spanId: '',
    parentSpanId: '',
    traceState: '',
    flags: 0,
    name: '',
    kind: 0,
    startUnixNano: 0n,
    endUnixNano: 0n,
    attributes: [],
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    status: { code: 0, message: '' },
    resource,
    scope,
    lossy: [],
  };
  for (const [name, member] of walk.members(json)) {
    walk.enter(name);
    state.field = 0;
    switch (name) {
      case 'traceId':
      case 'trace_id':
        span.traceId = hex(walk, member);
        break;
      case 'spanId':
      case 'span_id':
        span.spanId = hex(walk, member);
        break;
      case 'traceState':
      case 'trace_state':
        state.field = Lossy.trace_state;
        span.traceState = walk.text(member);
        break;
      case 'parentSpanId':
      case 'parent_span_id':
        span.parentSpanId = hex(walk, member);
        break;
      case 'flags':
        span.flags = walk.uint32(member);
        break;
      case 'name':
        state.field = Lossy.name;
        span.name = walk.text(member);
        break;
      case 'kind':
        span.kind = walk.enumValue(member, spanKinds);
        break;
      case 'startTimeUnixNano':
      case 'start_time_unix_nano':
        state.field = Lossy.start_time_unix_nano;
        span.startUnixNano = walk.uint64(member);
        break;
      case 'endTimeUnixNano':
      case 'end_time_unix_nano':
        state.field = Lossy.end_time_unix_nano;
        span.endUnixNano = walk.uint64(member);
        break;
      case 'attributes':
        state.field = Lossy.attributes;
        span.attributes = parseAttributes(walk, member);
        break;
      case 'droppedAttributesCount':
      case 'dropped_attributes_count':
        span.droppedAttributesCount = walk.uint32(member);
        break;
      case 'events':
        state.field = Lossy.events;
        span.events = parseItems(walk, member, state.limits.maxEvents, 'too_many_events', parseEvent);
        break;
      case 'droppedEventsCount':
      case 'dropped_events_count':
        span.droppedEventsCount = walk.uint32(member);
        break;
      case 'links':
        state.field = Lossy.links;
        span.links = parseItems(walk, member, state.limits.maxLinks, 'too_many_links', parseLink);
        break;
      case 'droppedLinksCount':
      case 'dropped_links_count':
        span.droppedLinksCount = walk.uint32(member);
        break;
      case 'status':
        state.field = Lossy.status;
        span.status = parseStatus(walk, member);
        break;
      default:
        state.markUnknown();
    }
    walk.leave();
  }
  // As in protobuf, all zeros mean that there is no parent.
  if (/^0{16}$/.test(span.parentSpanId)) span.parentSpanId = '';
  span.lossy = lossyNames(state.lossy | contextLossy);
  return state.rejection ?? badId(span) ?? span;
}

function badId({ traceId, spanId, parentSpanId }: SpanRecord): RejectReason | undefined {
  if (!/^[0-9a-f]{32}$/.test(traceId) || /^0+$/.test(traceId)) return 'trace_id';
  if (!/^[0-9a-f]{16}$/.test(spanId) || /^0+$/.test(spanId)) return 'span_id';
  if (!/^([0-9a-f]{16})?$/.test(parentSpanId)) return 'parent_span_id';
  return undefined;
}

/** An id's text in lower case; what it holds is judged later, because a bad id costs only its span. */
function hex(walk: JsonWalk, json: unknown): string {
  if (json === null) return '';
  if (typeof json !== 'string') throw walk.error('an id as a hex string');
  return json.toLowerCase();
}

function parseItems<T>(
  walk: JsonWalk,
  json: unknown,
  most: number,
  reason: RejectReason,
  parse: (walk: JsonWalk, json: unknown) => T,
): T[] {
  const items: T[] = [];
  walk.list(json).forEach((element, i) => {
    if (!walk.state.countItem(items.length, most, reason)) return;
    walk.enter(i);
    if (element === null) throw walk.error('an object');
    items.push(parse(walk, element));
    walk.leave();
  });
  return items;
}

function parseEvent(walk: JsonWalk, json: unknown): EventRecord {
  const event: Draft<EventRecord> = { timeUnixNano: 0n, name: '', attributes: [], droppedAttributesCount: 0 };
  for (const [name, member] of walk.members(json)) {
    walk.enter(name);
    if (name === 'timeUnixNano' || name === 'time_unix_nano') event.timeUnixNano = walk.uint64(member);
    else if (name === 'name') event.name = walk.text(member);
    else if (name === 'attributes') event.attributes = parseAttributes(walk, member);
    else if (isDroppedAttributesCount(name)) event.droppedAttributesCount = walk.uint32(member);
    else walk.state.markUnknown();
    walk.leave();
  }
  return event;
}

function parseLink(walk: JsonWalk, json: unknown): LinkRecord {
  const link: Draft<LinkRecord> = {
    traceId: '',
    spanId: '',
    traceState: '',
    attributes: [],
    droppedAttributesCount: 0,
    flags: 0,
  };
  for (const [name, member] of walk.members(json)) {
    walk.enter(name);
    if (name === 'traceId' || name === 'trace_id') link.traceId = hex(walk, member);
    else if (name === 'spanId' || name === 'span_id') link.spanId = hex(walk, member);
    else if (name === 'traceState' || name === 'trace_state') link.traceState = walk.text(member);
    else if (name === 'attributes') link.attributes = parseAttributes(walk, member);
    else if (isDroppedAttributesCount(name)) link.droppedAttributesCount = walk.uint32(member);
    else if (name === 'flags') link.flags = walk.uint32(member);
    else walk.state.markUnknown();
    walk.leave();
  }
  // Any length, as in protobuf, but only whole bytes.
  const isHex = /^([0-9a-f]{2})*$/;
  if (!isHex.test(link.traceId) || !isHex.test(link.spanId)) walk.state.reject('link_id');
  return link;
}

function parseStatus(walk: JsonWalk, json: unknown): SpanRecord['status'] {
  const status = { code: 0, message: '' };
  for (const [name, member] of walk.members(json)) {
    walk.enter(name);
    if (name === 'code') status.code = walk.enumValue(member, statusCodes);
    else if (name === 'message') status.message = walk.text(member);
    else walk.state.markUnknown();
    walk.leave();
  }
  return status;
}

/** Either spelling of the field that spans, events, links, resources and scopes all have. */
export function isDroppedAttributesCount(name: string): boolean {
  return name === 'droppedAttributesCount' || name === 'dropped_attributes_count';
}
