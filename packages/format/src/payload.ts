/**
 * Digests of what lives beside the entries: payloads, salted so that erasing one leaves nothing to guess against, and the
 * resources and scopes that payloads share. docs/format.md §Payload is normative.
 */
import { sha256Hex } from '#sha256';
import { concatBytes, hexOf, utf8Of } from './bytes.js';

/** Octets of a payload's salt. */
export const SALT_OCTETS = 32;

/** A payload or context is at most this many octets: readers need a bound on what a file can make them load. */
export const MAX_PAYLOAD_OCTETS: number = 64 * 1024 * 1024;

/** What is hashed before a payload's salt: "if-witness/payload/v1\0". */
export const PAYLOAD_DOMAIN: Uint8Array = utf8Of('if-witness/payload/v1\0');

const RESOURCE = utf8Of('if-witness/resource/v1\0');
const SCOPE = utf8Of('if-witness/scope/v1\0');

/** What a payload's first 64 octets refer to. */
export type ContextKind = 'resource' | 'scope';

/** Digest that an entry carries: SHA-256("if-witness/payload/v1\0" ‖ salt ‖ payload), hex. */
export function payloadDigestHex(salt: Uint8Array, payload: Uint8Array): string {
  return sha256Hex(concatBytes(PAYLOAD_DOMAIN, salt, payload));
}

/** Digest by which payloads name a resource or scope context, hex. */
export function contextDigestHex(kind: ContextKind, context: Uint8Array): string {
  return sha256Hex(concatBytes(kind === 'resource' ? RESOURCE : SCOPE, context));
}

/** A span payload taken apart. */
export interface SpanPayload {
  readonly resourceDigestHex: string;
  readonly scopeDigestHex: string;
  /** Canonical OTLP protobuf `Span`. */
  readonly span: Uint8Array;
}

/** resource digest ‖ scope digest ‖ span. */
export function encodeSpanPayload(resourceDigest: Uint8Array, scopeDigest: Uint8Array, span: Uint8Array): Uint8Array {
  return concatBytes(resourceDigest, scopeDigest, span);
}

/** Inverse of {@link encodeSpanPayload}; undefined when there are fewer than 64 octets. */
export function decodeSpanPayload(payload: Uint8Array): SpanPayload | undefined {
  if (payload.length < 64) return undefined;
  return {
    resourceDigestHex: hexOf(payload.subarray(0, 32)),
    scopeDigestHex: hexOf(payload.subarray(32, 64)),
    span: payload.subarray(64),
  };
}
