/** From a span's meaning to the draft of its entry: what is signed in clear, and the canonical bytes of all the rest. */
import { type Account, type AccountedSpan, accountFor, type Pricing } from '@infrafabric/accounting';
import { fitText, type SpanBody, TEXT_LIMITS } from '@infrafabric/format';
import type { AnyValue, KeyValue, ResourceRecord, ScopeRecord, SpanRecord } from '@infrafabric/otlp';
import { encodeResourceContext, encodeScopeContext, encodeSpan } from '@infrafabric/otlp/encode';
import { WITNESS_COMPONENT, WITNESS_TRACE_ID, WITNESS_TRACE_PARENT_ID } from '@infrafabric/semconv';
import type { SpanDraft } from './draft.js';

/**
 * Drafts the entry of one finished span, with the cost that it states and no computed one: {@link spanDrafter} prices. Never
 * throws for a span that `@infrafabric/otlp` decoded.
 */
export function draftSpan(record: SpanRecord): SpanDraft {
  return draft(record, undefined);
}

/** {@link draftSpan} with prices. A function of its own, so that `map` cannot take an index for the prices. */
export function spanDrafter(pricing: Pricing): (record: SpanRecord) => SpanDraft {
  return (record) => draft(record, pricing);
}

function draft(record: SpanRecord, pricing: Pricing | undefined): SpanDraft {
  return {
    type: 'span',
    body: spanBodyOf(record, pricing),
    resourceContext: contextOf(record.resource, encodeResourceContext),
    scopeContext: contextOf(record.scope, encodeScopeContext),
    span: encodeSpan(record),
  };
}

function spanBodyOf(record: SpanRecord, pricing: Pricing | undefined): SpanBody {
  const cut: string[] = [];
  const lossy = new Set(record.lossy);
  const fit = (member: Exclude<keyof typeof TEXT_LIMITS, 'usage'>, text: string): string => {
    const fitted = fitText(text, TEXT_LIMITS[member]);
    if (fitted.cut) cut.push(member);
    if (fitted.lossy) lossy.add(member);
    return fitted.text;
  };
  const optional = <M extends 'business' | 'business_parent' | 'component' | 'service'>(
    member: M,
    text: string | undefined,
  ): { [_ in M]?: string } =>
    text === undefined || text === '' ? {} : ({ [member]: fit(member, text) } as { [_ in M]: string });

  const attributes = record.attributes;
  const span: AccountedSpan = {
    attributes,
    scopeName: record.scope.name,
    statusCode: record.status.code,
  };
  const { usage, charge, fitting }: Account = accountFor(
    span,
    pricing && { pricing, startUnixNano: record.startUnixNano },
  );
  if (fitting?.cut === true) cut.push('usage');
  if (fitting?.lossy === true) lossy.add('usage');
  const body: SpanBody = {
    ...optional('business', textOf(attributes, WITNESS_TRACE_ID)),
    ...optional('business_parent', textOf(attributes, WITNESS_TRACE_PARENT_ID)),
    ...(charge === undefined ? {} : { charge }),
    ...optional(
      'component',
      textOf(attributes, WITNESS_COMPONENT) ?? textOf(record.resource.attributes, WITNESS_COMPONENT),
    ),
    end: String(record.endUnixNano),
    event: fit('event', record.name),
    kind: record.kind >>> 0,
    ...(record.parentSpanId === '' ? {} : { parent: record.parentSpanId }),
    ...optional('service', textOf(record.resource.attributes, 'service.name')),
    span: record.spanId,
    start: String(record.startUnixNano),
    status: record.status.code >>> 0,
    trace: record.traceId,
    ...(usage === undefined ? {} : { usage }),
  };
  return {
    ...body,
    ...(cut.length === 0 ? {} : { cut: cut.sort() }),
    ...(lossy.size === 0 ? {} : { lossy: [...lossy].sort() }),
  };
}

function textOf(attributes: readonly KeyValue[], key: string): string | undefined {
  // Not destructured: that runs the iterator protocol for every attribute of every span.
  const value: AnyValue | undefined = attributes.find((attribute) => attribute[0] === key)?.[1];
  return typeof value === 'string' ? value : undefined;
}

/** Spans share their resource and scope objects; so should they share the bytes. */
const contexts = new WeakMap<ResourceRecord | ScopeRecord, Uint8Array>();

function contextOf<R extends ResourceRecord | ScopeRecord>(record: R, encode: (record: R) => Uint8Array): Uint8Array {
  let bytes = contexts.get(record);
  if (bytes === undefined) {
    bytes = encode(record);
    contexts.set(record, bytes);
  }
  return bytes;
}
