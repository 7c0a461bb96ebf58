/** Every process derives the same OpenTelemetry ids from a business trace id; docs/format.md §Business trace ids. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isTraceId, spanIdOfBusinessId, traceIdOfBusinessId } from '../dist/index.js';
import { text } from './arbitraries.js';

/** The rule, written down once more. */
function derived(what: string, business: string, octets: number): string {
  return createHash('sha256')
    .update(`if-witness/${what}/v1`)
    .update(Buffer.of(0))
    .update(business.toWellFormed())
    .digest()
    .subarray(0, octets)
    .toString('hex');
}

describe('a business trace id', () => {
  test('that is no trace id is hashed into one', () => {
    fc.assert(
      fc.property(text, (business) => {
        expect(traceIdOfBusinessId(business)).toBe(derived('trace-id', business, 16));
        expect(spanIdOfBusinessId(business)).toBe(derived('span-id', business, 8));
        expect(isTraceId(traceIdOfBusinessId(business))).toBe(true);
      }),
    );
  });

  test('that is a trace id stays as it is', () => {
    const id = '0af7651916cd43dd8448eb211c80319c';
    expect(traceIdOfBusinessId(id)).toBe(id);
    expect(spanIdOfBusinessId(id)).toBe(derived('span-id', id, 8));
  });

  test.each([
    ['all zeros', '0'.repeat(32)],
    ['upper case', '0AF7651916CD43DD8448EB211C80319C'],
    ['31 digits', '0af7651916cd43dd8448eb211c80319'],
    ['33 digits', '0af7651916cd43dd8448eb211c80319c0'],
    ['a newline at the end', '0af7651916cd43dd8448eb211c80319c\n'],
    ['dashes', '0af76519-16cd-43dd-8448-eb211c80319c'],
    ['digits of another script', '٠'.repeat(32)],
    ['nothing', ''],
  ])('is no trace id with %s', (_, business) => {
    expect(isTraceId(business)).toBe(false);
    expect(traceIdOfBusinessId(business)).toBe(derived('trace-id', business, 16));
  });

  test('is not normalised: look-alikes are other traces', () => {
    const ids = ['caf\u00e9', 'cafe\u0301', 'Caf\u00e9', 'café ', 'cаfé'].map(traceIdOfBusinessId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('with a lone surrogate is the one with U+FFFD', () => {
    expect(traceIdOfBusinessId('a\ud800')).toBe(traceIdOfBusinessId('a\ufffd'));
  });
});
