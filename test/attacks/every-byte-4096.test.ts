/**
 * A ledger file as the writer leaves it, in pages of 4,096: every third octet that is not zero, all of them with SLOW=1. In
 * pages of 512 every octet is flipped each time.
 */
import { expect, test } from 'vitest';
import { flipEveryByte, smallLedger } from './every-byte.js';

const ALL = process.env.SLOW === '1';

test('a flipped bit never gives a VALID of something changed', { timeout: 900_000 }, async () => {
  const built = await smallLedger(4_096);
  const { positions, classes, holes } = flipEveryByte(
    built,
    (octet, position) => ALL || (octet !== 0 && position % 3 === 0),
  );
  console.log(`pages of 4,096: ${positions} positions (${ALL ? 'all' : 'every third that is not zero'}):`, classes);
  expect(holes).toEqual([]);
  expect(Object.keys(classes).sort()).toEqual(['INVALID', 'error corrupt', 'same content']);
});
