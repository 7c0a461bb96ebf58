/** Blocks of rows are read whole or not at all; what is read is what its rows say one by one. */
import { type Envelope, encodeEntry, encodeSpanBody, leafHashHex } from '@infrafabric/format';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { expectedInBlock } from '../dist/columns.js';
import { viewEntry } from '../dist/entry-view.js';
import { readBlock } from '../dist/read-block.js';

const FIRST = 65_530;
const ZEROS = '0'.repeat(64);

interface Row {
  readonly entry: string;
  readonly columns: string;
}

function rowOf(seq: number, business: string | undefined, parent: string | undefined): Row {
  const head: Envelope = { at: '1753000000000000000', prev: ZEROS, seq, type: 'span' };
  const entry = encodeEntry(
    head,
    encodeSpanBody({
      ...(business === undefined ? {} : { business }),
      ...(parent === undefined ? {} : { business_parent: parent }),
      end: '2',
      event: 'request',
      kind: 3,
      span: seq.toString(16).padStart(16, '0'),
      start: '1',
      status: 0,
      trace: seq.toString(16).padStart(32, 'a'),
    }),
  );
  return { entry, columns: expectedInBlock(seq, viewEntry(entry)) };
}

/** A block of rows, its octets `offset` behind where a word of memory begins. */
function blockOf(rows: readonly Row[], offset = 0): { octets: Uint8Array; columns: Uint8Array } {
  const octets = Buffer.from(rows.map(({ entry }) => `\0${entry}`).join(''));
  const placed = new Uint8Array(octets.length + offset).subarray(offset);
  placed.set(octets);
  return { octets: placed, columns: Buffer.from(rows.map(({ columns }) => columns).join('\0')) };
}

const text = fc.option(
  fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 20 }).filter((value) => !value.includes('\0')),
    fc.constantFrom('\ufffd', '"', '\\', '\n', ' ', ''),
  ),
  { nil: undefined },
);
const rows = fc
  .array(fc.tuple(text, text), { minLength: 1, maxLength: 12 })
  .map((texts) => texts.map(([business, parent], i) => rowOf(FIRST + i, business, parent)));

test('gives each entry with its hash and its view', () => {
  fc.assert(
    fc.property(rows, fc.nat(3), (block, offset) => {
      const read = readBlock(blockOf(block, offset), FIRST);
      const expected = block.map(({ entry }) => ({ text: entry, hashHex: leafHashHex(entry), view: viewEntry(entry) }));
      expect(read).toEqual(expected);
    }),
  );
});

test('is not read when any octet of its columns is another', () => {
  fc.assert(
    fc.property(rows, fc.nat(), fc.integer({ min: 1, max: 255 }), (block, at, change) => {
      const { octets, columns } = blockOf(block);
      columns[at % columns.length]! ^= change;
      expect(readBlock({ octets, columns }, FIRST)).toBeUndefined();
    }),
    { numRuns: 1_000 },
  );
});

test('is not read, or gives another hash, when any octet of an entry is another', () => {
  fc.assert(
    fc.property(rows, fc.nat(), fc.integer({ min: 1, max: 255 }), (block, at, change) => {
      const { octets, columns } = blockOf(block);
      octets[at % octets.length]! ^= change;
      const read = readBlock({ octets, columns }, FIRST) ?? [];
      expect(read.map(({ hashHex }) => hashHex)).not.toEqual(block.map(({ entry }) => leafHashHex(entry)));
    }),
    { numRuns: 1_000 },
  );
});

const THREE = [0, 1, 2].map((i) => rowOf(FIRST + i, 'flow', undefined));
const changed = (change: Partial<Row>): Row[] => [THREE[0]!, { ...THREE[1]!, ...change }, THREE[2]!];

test.each([
  ['a control character', changed({ entry: THREE[1]!.entry.replace('request', 'req\test') })],
  ['a NUL in it', changed({ entry: THREE[1]!.entry.replace('request', 'req\0est') })],
  ['a NUL at its end', changed({ entry: `${THREE[1]!.entry}\0` })],
  ['no entry', changed({ entry: '' })],
  ['other columns', changed({ columns: THREE[0]!.columns })],
  ['more columns', changed({ columns: `${THREE[1]!.columns}\0` })],
])('is not read when a row has %s', (_what, block) => {
  expect(readBlock(blockOf(block), FIRST)).toBeUndefined();
});

test('is not read as rows of another place, or with one row more or less', () => {
  const { octets, columns } = blockOf(THREE);
  expect(readBlock({ octets, columns }, FIRST + 1)).toBeUndefined();
  expect(readBlock({ octets, columns: blockOf(THREE.slice(0, 2)).columns }, FIRST)).toBeUndefined();
  expect(readBlock({ octets: blockOf(THREE.slice(0, 2)).octets, columns }, FIRST)).toBeUndefined();
});

test('is not read when ids together have the right length, but neither by itself', () => {
  const { entry } = THREE[0]!;
  const view = viewEntry(entry);
  const { traceHex, spanHex } = view.span!;
  const cut = entry
    .replace(spanHex, `${traceHex.slice(-2)}${spanHex}`)
    .replace(`"trace":"${traceHex}"`, `"trace":"${traceHex.slice(0, -2)}"`);
  expect(viewEntry(cut).span).toMatchObject({ traceHex: traceHex.slice(0, -2) });
  expect(readBlock(blockOf([{ entry: cut, columns: THREE[0]!.columns }]), FIRST)).toBeUndefined();
});
