/** From a span's meaning to the draft of its entry: what is signed in clear, and the canonical bytes of all the rest. */
import type { Pricing } from '@infrafabric/accounting';
import type { ResourceRecord, ScopeRecord, SpanRecord } from '@infrafabric/otlp';
import { encodeResourceContext, encodeScopeContext, encodeSpan } from '@infrafabric/otlp/encode';
import type { SpanDraft } from './draft.js';
import { spanBodyOf } from './span-body-of.js';

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
