/** Every octet of a small ledger file, in pages of 512: hardly one is unused, and trees have inner and overflow pages. */
import { statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { flipEveryByte, smallLedger } from './every-byte.js';

test('a flipped bit never gives a VALID of something changed', { timeout: 900_000 }, async () => {
  const built = await smallLedger(512);
  const { positions, classes, holes } = flipEveryByte(built, () => true);
  console.log(`pages of 512: ${positions} positions (all):`, classes);
  expect(holes).toEqual([]);
  expect(positions).toBe(statSync(built.path).size);
  expect(Object.keys(classes).sort()).toEqual(['INVALID', 'error corrupt', 'same content']);
});
