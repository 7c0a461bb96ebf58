/** Which cosignatures a bundle takes along: whatever policy its reader has, it is met by the same checkpoint as in the ledger. */
import { encodeSignatureLine, utf8Of } from '@infrafabric/format';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cosignedToWrite } from '../dist/bundle/cosigned-notes.js';
import type { LedgerReader } from '../dist/reader.js';

const WITNESSES = 5;
const line = (name: string): string =>
  encodeSignatureLine({ name, keyIdHex: '01020304', signature: new Uint8Array(72) });

/** A table of cosignatures: by size from 1 on, a set of witnesses as bits. */
function kept(
  table: readonly number[],
  size = table.length,
  more: readonly string[] = [],
): ReadonlyMap<number, number> {
  const rows = table.flatMap((set, i) =>
    Array.from({ length: WITNESSES }, (_, at) => at)
      .filter((at) => (set >> at) & 1)
      .map((at) => ({ size: i + 1, witness: utf8Of(`w${at}+01020304`), line: utf8Of(line(`w${at}`)) })),
  );
  const strange = more.map((text) => ({ size: 1, witness: utf8Of('x'), line: utf8Of(text) }));
  const reader = { cosignatures: () => [[...strange, ...rows]] } as unknown as LedgerReader;
  const lines = cosignedToWrite(reader, 'origin', size);
  return new Map(
    [...lines].map(([at, found]) => [at, found.reduce((set, { name }) => set | (1 << Number(name[1])), 0)]),
  );
}

test('the largest checkpoint that meets a policy is among them, whatever it asks for, and none is there for nothing', () => {
  const set = fc.nat({ max: 2 ** WITNESSES - 1 });
  fc.assert(
    fc.property(fc.array(set, { maxLength: 12 }), fc.array(set, { minLength: 1, maxLength: 3 }), (table, anyOf) => {
      const found = kept(table);
      // Every monotone policy is met by whoever has all of one of some sets.
      const meets = (by: number): boolean => by > 0 && anyOf.some((needed) => (by & needed) === needed);
      const largest = (sizes: Iterable<readonly [number, number]>): number =>
        Math.max(0, ...[...sizes].filter(([, by]) => meets(by)).map(([size]) => size));
      expect(largest(found)).toBe(largest(table.map((by, i) => [i + 1, by] as const)));
      for (const [size, by] of found) {
        expect(by).toBe(table[size - 1]);
        expect(table.slice(size).some((later) => (later & by) === by)).toBe(false);
      }
    }),
  );
});

test('what lies beyond the checkpoint, is no line, or has the name of the ledger stays where it is', () => {
  expect(kept([1, 2, 4], 2)).toEqual(
    new Map([
      [2, 2],
      [1, 1],
    ]),
  );
  expect(kept([], 9, ['nonsense', '— w1 AAAA', line('origin')])).toEqual(new Map());
});
