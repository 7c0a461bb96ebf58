/** Digests of what lives beside the entries; docs/format.md §Payload. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bytesOfHex,
  concatBytes,
  contextDigestHex,
  decodeSpanPayload,
  encodeSpanPayload,
  hexOf,
  payloadDigestHex,
  SALT_OCTETS,
} from '../dist/index.js';

const bytes = fc.uint8Array({ maxLength: 100 });
const salts = fc.uint8Array({ minLength: SALT_OCTETS, maxLength: SALT_OCTETS });
const digests = fc.uint8Array({ minLength: 32, maxLength: 32 });

function sha256Of(label: string, ...parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256').update(label).update(Buffer.of(0));
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

describe('digests', () => {
  test('are SHA-256 over a label, a zero octet and the parts', () => {
    fc.assert(
      fc.property(salts, bytes, (salt, payload) => {
        expect(payloadDigestHex(salt, payload)).toBe(sha256Of('if-witness/payload/v1', salt, payload));
        expect(contextDigestHex('resource', payload)).toBe(sha256Of('if-witness/resource/v1', payload));
        expect(contextDigestHex('scope', payload)).toBe(sha256Of('if-witness/scope/v1', payload));
      }),
    );
  });

  test('of the same octets differ by what they are', () => {
    const none = new Uint8Array();
    const all = [payloadDigestHex(none, none), contextDigestHex('resource', none), contextDigestHex('scope', none)];
    expect(new Set(all).size).toBe(3);
  });

  test('do not tell where the salt ends: only its length does', () => {
    const salt = new Uint8Array(SALT_OCTETS).fill(7);
    const payload = Uint8Array.of(1, 2, 3);
    const moved = concatBytes(salt.subarray(-1), payload);
    expect(payloadDigestHex(salt.subarray(0, -1), moved)).toBe(payloadDigestHex(salt, payload));
  });
});

describe('a span payload', () => {
  test('is taken apart as it was put together', () => {
    fc.assert(
      fc.property(digests, digests, bytes, (resource, scope, span) => {
        const payload = encodeSpanPayload(resource, scope, span);
        expect(payload).toHaveLength(64 + span.length);
        expect(decodeSpanPayload(payload)).toEqual({
          resourceDigestHex: hexOf(resource),
          scopeDigestHex: hexOf(scope),
          span,
        });
      }),
    );
  });

  test('has at least the two digests', () => {
    expect(decodeSpanPayload(new Uint8Array(63))).toBeUndefined();
    expect(decodeSpanPayload(bytesOfHex('00'.repeat(64)))?.span).toHaveLength(0);
  });
});
