/** The part of an entry that does not depend on its place: body, payload, salt, digest. Done before the write lock. */
import {
  bytesOfHex,
  contextDigestHex,
  encodeBody,
  encodeCanonicalJson,
  encodeSpanBody,
  encodeSpanPayload,
  FormatError,
  MAX_PAYLOAD_OCTETS,
  payloadDigestHex,
  SALT_OCTETS,
  utf8Of,
} from '@infrafabric/format';
import type { Draft, SpanDraft } from './draft.js';
import type { SpanIds } from './seen-spans.js';

/** A resource or scope as the store keeps it. */
export interface Context {
  readonly kind: 'resource' | 'scope';
  readonly digestHex: string;
  readonly bytes: Uint8Array;
}

/** What an entry's `payload` binds. */
export interface PreparedPayload {
  readonly salt: Uint8Array;
  readonly payload: Uint8Array;
  readonly digestHex: string;
}

/** A span ready to be sealed. */
export interface PreparedSpan extends PreparedPayload {
  readonly type: 'span';
  /** Canonical JSON, UTF-8. */
  readonly body: Uint8Array;
  readonly ids: SpanIds;
  readonly business: string | undefined;
  readonly businessParent: string | undefined;
  readonly contexts: readonly [Context, Context];
}

/** An entry of another type ready to be sealed. */
export interface PreparedControl {
  readonly type: Exclude<Draft['type'], 'span'> | 'rotation';
  readonly critical: true | undefined;
  readonly body: Uint8Array;
}

/** One of them with a payload. */
export type PreparedPrivate = PreparedControl & PreparedPayload;

/** An `import` entry ready to be sealed: made by import/prepare-import.ts, never of a draft. */
export interface PreparedImport extends PreparedControl, Partial<PreparedPayload> {
  readonly type: 'import';
  /** Of the span that it holds, if it holds one. */
  readonly held: HeldIds | undefined;
  /** Those that its payload names. */
  readonly contexts: readonly Context[];
}

/** By what a span is looked up. */
export type HeldIds = Pick<PreparedSpan, 'ids' | 'business' | 'businessParent'>;

/** Anything ready to be sealed. */
export type Prepared = PreparedSpan | PreparedControl | PreparedPrivate | PreparedImport;

/** Prepares a batch; `randomBytes` gives all its salts at once. @throws FormatError for what cannot be written exactly. */
export function prepareAll(drafts: readonly Draft[], randomBytes: (octets: number) => Uint8Array): Prepared[] {
  const salted = drafts.reduce((count, draft) => count + (isSalted(draft) ? 1 : 0), 0);
  const salts = randomBytes(salted * SALT_OCTETS);
  const contextOf = contextCache();
  let used = 0;
  return drafts.map((draft): Prepared => {
    if (!isSalted(draft)) return prepareControl(draft as Exclude<Draft, SpanDraft>);
    const salt = salts.subarray(used, used + SALT_OCTETS);
    used += SALT_OCTETS;
    if (draft.type === 'span') return prepareSpan(draft, salt, contextOf);
    const payload = utf8Of(encodeCanonicalJson(draft.payload!));
    return { ...prepareControl(draft), salt, payload, digestHex: payloadDigestHex(salt, payload) };
  });
}

function isSalted(draft: Draft): boolean {
  return draft.type === 'span' || draft.payload !== undefined;
}

function prepareControl({ type, critical, body }: Exclude<Draft, SpanDraft>): PreparedControl {
  // The type says so; a caller in JavaScript would leave a ledger that nobody can verify.
  if ((type as string) === 'rotation') throw new RangeError('call Ledger.rotate: a rotation is no draft');
  return { type, critical, body: utf8Of(encodeBody(body)) };
}

function prepareSpan(draft: SpanDraft, salt: Uint8Array, contextOf: ReturnType<typeof contextCache>): PreparedSpan {
  const contexts = [contextOf('resource', draft.resourceContext), contextOf('scope', draft.scopeContext)] as const;
  const payload = encodeSpanPayload(bytesOfHex(contexts[0].digestHex), bytesOfHex(contexts[1].digestHex), draft.span);
  if (Math.max(payload.length, draft.resourceContext.length, draft.scopeContext.length) > MAX_PAYLOAD_OCTETS) {
    throw new FormatError('payload.too-large', `a payload may have ${MAX_PAYLOAD_OCTETS} octets, this one is longer`);
  }
  return {
    type: 'span',
    body: utf8Of(encodeSpanBody(draft.body)),
    ids: { traceId: bytesOfHex(draft.body.trace), spanId: bytesOfHex(draft.body.span) },
    business: draft.body.business,
    businessParent: draft.body.business_parent,
    contexts,
    salt,
    payload,
    digestHex: payloadDigestHex(salt, payload),
  };
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

/** Whether a prepared draft has a payload. */
export function hasPayload(prepared: Prepared): prepared is Prepared & PreparedPayload {
  return 'payload' in prepared && prepared.payload !== undefined;
}

/** Ids of the span that a prepared entry is, or holds. */
export function idsOf(prepared: Prepared): HeldIds | undefined {
  return isSpan(prepared) ? prepared : 'held' in prepared ? prepared.held : undefined;
}

/** Whether a prepared draft is a span. */
export function isSpan(prepared: Prepared): prepared is PreparedSpan {
  return prepared.type === 'span';
}
