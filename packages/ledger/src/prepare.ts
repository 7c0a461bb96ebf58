/** The part of an entry that does not depend on its place: body text, payload, salt, digest. Done before the write lock. */
import {
  bytesOfHex,
  contextDigestHex,
  encodeBody,
  encodeSpanBody,
  encodeSpanPayload,
  FormatError,
  MAX_PAYLOAD_OCTETS,
  payloadDigestHex,
  SALT_OCTETS,
} from '@infrafabric/format';
import type { Draft, SpanDraft } from './draft.js';
import type { SpanIds } from './seen-spans.js';

/** A resource or scope as the store keeps it. */
export interface Context {
  readonly kind: 'resource' | 'scope';
  readonly digestHex: string;
  readonly bytes: Uint8Array;
}

/** A span ready to be sealed. */
export interface PreparedSpan {
  readonly draft: SpanDraft;
  readonly bodyJson: string;
  readonly ids: SpanIds;
  readonly contexts: readonly [Context, Context];
  readonly salt: Uint8Array;
  readonly payload: Uint8Array;
  readonly digestHex: string;
}

/** Any draft ready to be sealed. */
export type Prepared = PreparedSpan | { readonly draft: Exclude<Draft, SpanDraft>; readonly bodyJson: string };

/** Prepares a batch; `randomBytes` gives all its salts at once. @throws FormatError for what cannot be written exactly. */
export function prepareAll(drafts: readonly Draft[], randomBytes: (octets: number) => Uint8Array): Prepared[] {
  const spans = drafts.reduce((count, { type }) => count + (type === 'span' ? 1 : 0), 0);
  const salts = randomBytes(spans * SALT_OCTETS);
  const contextOf = contextCache();
  let salted = 0;
  return drafts.map((draft): Prepared => {
    if (draft.type !== 'span') return { draft, bodyJson: encodeBody(draft.body) };
    const salt = salts.subarray(salted, salted + SALT_OCTETS);
    salted += SALT_OCTETS;
    const contexts = [contextOf('resource', draft.resourceContext), contextOf('scope', draft.scopeContext)] as const;
    const payload = encodeSpanPayload(bytesOfHex(contexts[0].digestHex), bytesOfHex(contexts[1].digestHex), draft.span);
    if (Math.max(payload.length, draft.resourceContext.length, draft.scopeContext.length) > MAX_PAYLOAD_OCTETS) {
      throw new FormatError('payload.too-large', `a payload may have ${MAX_PAYLOAD_OCTETS} octets, this one is longer`);
    }
    return {
      draft,
      bodyJson: encodeSpanBody(draft.body),
      ids: { traceId: bytesOfHex(draft.body.trace), spanId: bytesOfHex(draft.body.span) },
      contexts,
      salt,
      payload,
      digestHex: payloadDigestHex(salt, payload),
    };
  });
}

/** Spans of a request share their resource and scope objects, so each is hashed once a batch. */
function contextCache(): (kind: Context['kind'], bytes: Uint8Array) => Context {
  const known = { resource: new Map<Uint8Array, Context>(), scope: new Map<Uint8Array, Context>() };
  return (kind, bytes) => {
    let context = known[kind].get(bytes);
    if (context === undefined) {
      context = { kind, bytes, digestHex: contextDigestHex(kind, bytes) };
      known[kind].set(bytes, context);
    }
    return context;
  };
}

/** Whether a prepared draft is a span. */
export function isSpan(prepared: Prepared): prepared is PreparedSpan {
  return prepared.draft.type === 'span';
}
