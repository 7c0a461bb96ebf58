/** An entry as `trace --format json` and `export --format json` print it. docs/commands.md has the schema. */
import { decimalUsd } from '@infrafabric/accounting';
import { type Entry, leafHashHex } from '@infrafabric/format';
import type { AnyValue, EventRecord, KeyValue, LinkRecord, SpanRecord } from '@infrafabric/otlp';
import { WITNESS_PAYLOAD } from '@infrafabric/semconv';
import { type JsonOut, RawJson } from '../json-text.js';
import { exactMs, isoOfUnixNano } from './nano-text.js';
import type { ImportedFrom, SpanEntry } from './span-entry.js';
import { kindName, statusName, tokensIn, tokensOut } from './span-names.js';
import type { WholeSpan } from './span-payloads.js';

type Members = Readonly<Record<string, JsonOut | undefined>>;

/** A span's entry with what its payload adds; `erasedBy` is the redaction entry where one erased it. */
export function spanEntryJson(entry: SpanEntry, span: WholeSpan, erasedBy?: number): Members {
  const { charge } = entry;
  const isUsd = charge?.costPico !== undefined && charge.currency === 'USD';
  const isOther = charge?.costPico !== undefined && !isUsd;
  return {
    seq: entry.seq,
    hash: entry.hashHex,
    type: entry.imported === undefined ? 'span' : 'import',
    imported: entry.imported && importedJson(entry.imported),
    received: isoOfUnixNano(entry.receivedUnixNano),
    event: entry.event,
    component: entry.component ?? null,
    service: entry.service ?? null,
    trace_id: entry.businessId ?? null,
    parent_trace_id: entry.businessParentId ?? null,
    otel: {
      trace_id: entry.traceId,
      span_id: entry.spanId,
      parent_span_id: entry.parentSpanId ?? null,
      kind: kindName(entry.kind),
      status: statusName(entry.status),
    },
    start: isoOfUnixNano(entry.startUnixNano),
    end: isoOfUnixNano(entry.endUnixNano),
    duration_ms: new RawJson(exactMs(entry.endUnixNano - entry.startUnixNano)),
    tokens_in: tokensIn(entry) ?? null,
    tokens_out: tokensOut(entry) ?? null,
    model: entry.model ?? null,
    provider: entry.provider ?? null,
    cost: isUsd ? decimalUsd(charge.costPico) : null,
    cost_source: charge?.source ?? null,
    cost_adjusted_by: entry.adjustedBy,
    cost_other: isOther ? `${decimalUsd(charge.costPico)} ${charge.currency}` : undefined,
    ...(typeof span === 'string'
      ? { payload: null, attributes: null, payload_state: span, payload_erased_by: erasedBy }
      : detailsOf(span)),
    conflict: entry.conflict,
  };
}

function importedJson({ origin, seq, hashHex, receivedUnixNano }: ImportedFrom): Members {
  return { origin, seq, hash: hashHex, received: isoOfUnixNano(receivedUnixNano) };
}

/** An entry of any other type. */
export function controlEntryJson(seq: number, text: string, entry: Entry): Members {
  return {
    seq,
    hash: leafHashHex(text),
    type: entry.type,
    received: isoOfUnixNano(BigInt(entry.at)),
    body: jsonOfBody(text),
  };
}

/** The body as it is written in the entry, number for number. */
function jsonOfBody(text: string): JsonOut {
  // A body is canonical JSON, whose integers a double holds exactly.
  return new RawJson(JSON.stringify((JSON.parse(text) as { body: unknown }).body));
}

/** What only the payload says. */
function detailsOf({ attributes, events, links, status }: SpanRecord): Members {
  const payload = attributes.find(([key]) => key === WITNESS_PAYLOAD)?.[1];
  const others = attributes.filter(([key, value]) => key !== WITNESS_PAYLOAD || value !== payload);
  return {
    payload: payload === undefined ? null : payloadJson(payload),
    attributes: objectOf(others),
    status_message: status.message === '' ? undefined : status.message,
    events: events.length === 0 ? undefined : events.map(eventJson),
    links: links.length === 0 ? undefined : links.map(linkJson),
  };
}

function eventJson({ timeUnixNano, name, attributes }: EventRecord): Members {
  return { time: isoOfUnixNano(timeUnixNano), name, attributes: objectOf(attributes) };
}

function linkJson({ traceId, spanId, attributes }: LinkRecord): Members {
  return { trace_id: traceId, span_id: spanId, attributes: objectOf(attributes) };
}

/** Payload text that is JSON is put in as it is; other text stays text. */
function payloadJson(payload: AnyValue): JsonOut {
  if (typeof payload !== 'string') return valueJson(payload);
  try {
    JSON.parse(payload);
    return new RawJson(payload);
  } catch {
    return payload;
  }
}

function objectOf(pairs: readonly KeyValue[]): JsonOut {
  const members = new Map<string, JsonOut>();
  for (const [key, value] of pairs) if (!members.has(key)) members.set(key, valueJson(value));
  return Object.fromEntries(members);
}

function valueJson(value: AnyValue): JsonOut {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'bigint') return new RawJson(String(value));
  if (typeof value === 'number')
    return Number.isFinite(value) ? (Object.is(value, -0) ? new RawJson('-0') : value) : String(value);
  if (value instanceof Uint8Array) return { base64: Buffer.from(value).toString('base64') };
  return 'kvlist' in value ? objectOf(value.kvlist) : value.map(valueJson);
}
