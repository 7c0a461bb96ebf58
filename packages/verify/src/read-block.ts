/**
 * Entries read a block at a time, for chains in which nothing is wrong: a row by itself costs more to fetch and to decode
 * than to hash. What is the least bit unusual about a block makes it unread, and the chain is judged row by row.
 */
import { FormatError, sha256Hex, textOfUtf8 } from '@infrafabric/format';
import { expectedInBlock } from './columns.js';
import { type EntryView, viewEntry } from './entry-view.js';
import type { EntryBlock } from './source.js';

/** An entry whose row is what its bytes say. */
export interface ReadEntry {
  readonly text: string;
  readonly hashHex: string;
  readonly view: EntryView;
}

/**
 * The entries of a block whose first seq should be `seq`. Undefined unless each of its rows is readable, well-formed and
 * agrees with its columns; whether the entries belong where they lie is left to the chain.
 */
export function readBlock({ octets, columns }: EntryBlock, seq: number): readonly ReadEntry[] | undefined {
  try {
    const entries = entriesOf(octets, textOfUtf8(octets));
    // One octet below 0x20 for each entry: that in front of it.
    if (octetsBelow0x20(octets) !== entries.length) return undefined;
    // The rest of it may be in the next block.
    if (entries.some(({ view }) => view.inParts)) return undefined;
    return columnsHold(entries, textOfUtf8(columns), seq) ? entries : undefined;
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

function entriesOf(octets: Uint8Array, text: string): ReadEntry[] {
  const entries: ReadEntry[] = [];
  let prevHex: string | undefined;
  for (let octet = 0, unit = 0; octet < octets.length; ) {
    const octetEnd = nextOr(octets.indexOf(0, octet + 1), octets.length);
    const unitEnd = nextOr(text.indexOf('\0', unit + 1), text.length);
    const entry = text.slice(unit + 1, unitEnd);
    const hashHex = sha256Hex(octets.subarray(octet, octetEnd));
    entries.push({ text: entry, hashHex, view: viewEntry(entry, prevHex) });
    prevHex = hashHex;
    octet = octetEnd;
    unit = unitEnd;
  }
  return entries;
}

/**
 * No text that is expected of a row has a NUL in it, so the NULs that stand between the rows can be no part of a column,
 * and what is in one row can stand in for nothing in another.
 */
function columnsHold(entries: readonly ReadEntry[], columns: string, first: number): boolean {
  let at = 0;
  for (let i = 0; i < entries.length; i++) {
    const expected = expectedInBlock(first + i, entries[i]!.view);
    const end = nextOr(columns.indexOf('\0', at), columns.length);
    if (columns.slice(at, end) !== expected) return false;
    at = end + 1;
  }
  return at === columns.length + 1;
}

function nextOr(index: number, end: number): number {
  return index < 0 ? end : index;
}

function octetsBelow0x20(octets: Uint8Array): number {
  const before = Math.min(-octets.byteOffset & 3, octets.length);
  const words = new Int32Array(octets.buffer, octets.byteOffset + before, (octets.length - before) >> 2);
  let count = countBelow0x20(octets, 0, before);
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    // Bit 7 of some octet is set where one is below 0x20; it may also be in the one above, so such words are counted out.
    if (((word - 0x20202020) & ~word & 0x80808080) !== 0)
      count += countBelow0x20(octets, before + 4 * i, before + 4 * i + 4);
  }
  return count + countBelow0x20(octets, before + 4 * words.length, octets.length);
}

function countBelow0x20(octets: Uint8Array, from: number, to: number): number {
  let count = 0;
  for (let i = from; i < to; i++) if (octets[i]! < 0x20) count++;
  return count;
}
