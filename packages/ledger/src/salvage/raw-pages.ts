/**
 * Rows of a SQLite file read page by page, past whatever tree they once hung in: what a root, an inner page or the header that
 * is damaged would hide. Pages of the write-ahead log count too. What is found is only a candidate: whether it is what was
 * signed, its hash says. https://www.sqlite.org/fileformat2.html §1.6, §2.1, §4.
 */
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { hexOf } from '@infrafabric/format';

/** Values as SQLite stores them; integers that are no safe ones are null. */
export type RawValue = number | Uint8Array | string | null;

/** Where a cell is. */
interface Place {
  readonly page: number;
  readonly cell: number;
}

const [LEAF_TABLE, LEAF_INDEX, INNER_INDEX] = [0x0d, 0x0a, 0x02];
/** No page of a ledger is larger, and the file must not choose how much is read. */
const MAX_RECORD_OCTETS = 64 * 1024 * 1024 + 65_536;
const WAL_HEADER = 32;
const FRAME_HEADER = 24;
const HEADER_OCTETS = 100;

/** An index of the rows of a ledger's tables that its pages hold. */
export class RawPages {
  readonly #main: File;
  readonly #wal: File | undefined;
  readonly #size: number;
  /** Page number → offset in the log, of the newest version there. */
  readonly #logged = new Map<number, number>();
  readonly #entries = new Map<number, Place>();
  readonly #payloads = new Map<number, Place>();
  readonly #checkpoints = new Map<number, Place>();
  readonly #contexts = new Map<string, Place>();

  /** Reads the whole file once. */
  constructor(path: string) {
    this.#main = new File(path);
    this.#wal = existsSync(`${path}-wal`) ? new File(`${path}-wal`) : undefined;
    this.#size = pageSizeOf(this.#main, this.#wal);
    this.#readLog();
    const last = Math.max(Math.ceil(this.#main.size / this.#size), ...this.#logged.keys());
    for (let page = 1; page <= last; page++) this.#index(page);
  }

  close(): void {
    this.#main.close();
    this.#wal?.close();
  }

  /** One more than the highest seq of an entry; 0 without any. */
  size(): number {
    let size = 0;
    for (const seq of this.#entries.keys()) if (seq >= size) size = seq + 1;
    return size;
  }

  /** Octets of an entry. */
  entry(seq: number): Uint8Array | undefined {
    return this.#text(this.#entries.get(seq), 7);
  }

  payload(seq: number): { salt: Uint8Array; payload: Uint8Array } | undefined {
    const [, salt, payload] = this.#values(this.#payloads.get(seq)) ?? [];
    return salt instanceof Uint8Array && payload instanceof Uint8Array ? { salt, payload } : undefined;
  }

  *checkpoints(): Generator<{ size: number; note: Uint8Array }> {
    for (const [size, place] of this.#checkpoints) {
      const note = this.#values(place)?.[1];
      if (note instanceof Uint8Array) yield { size, note };
    }
  }

  context(digestHex: string): Uint8Array | undefined {
    const context = this.#values(this.#contexts.get(digestHex))?.[2];
    return context instanceof Uint8Array ? context : undefined;
  }

  #text(place: Place | undefined, column: number): Uint8Array | undefined {
    const value = this.#values(place)?.[column];
    return typeof value === 'string' ? Buffer.from(value, 'latin1') : undefined;
  }

  /** Which tables its rows are of is told from their shape: the hash of each is compared later anyway. */
  #index(number: number): void {
    const page = this.#page(number);
    if (page === undefined) return;
    const start = number === 1 ? HEADER_OCTETS : 0;
    const type = page[start];
    if (type !== LEAF_TABLE && type !== LEAF_INDEX && type !== INNER_INDEX) return;
    const pointers = start + (type === INNER_INDEX ? 12 : 8);
    const count = Math.min(page.readUInt16BE(start + 3), Math.floor((this.#size - pointers) / 2));
    for (let i = 0; i < count; i++) {
      const cell = page.readUInt16BE(pointers + 2 * i);
      if (cell < pointers || cell >= this.#size - 4) continue;
      this.#indexCell({ page: number, cell }, page, type);
    }
  }

  #indexCell(place: Place, page: Buffer, type: number): void {
    try {
      const { record, rowid } = this.#record(page, place.cell, type);
      const kinds = kindsOf(record);
      if (type === LEAF_TABLE) {
        if (/^nit[nb]{2}[nt]{2}t$/.test(kinds)) this.#entries.set(rowid, place);
        else if (kinds === 'nbb') this.#payloads.set(rowid, place);
        else if (kinds === 'nb') this.#checkpoints.set(rowid, place);
      } else if (kinds === 'btb') {
        const [digest] = valuesOf(record);
        if (digest instanceof Uint8Array && digest.length === 32) this.#contexts.set(hexOf(digest), place);
      }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      // Not a cell, or not a whole one.
    }
  }

  #values(place: Place | undefined): RawValue[] | undefined {
    const page = place === undefined ? undefined : this.#page(place.page);
    if (place === undefined || page === undefined) return undefined;
    try {
      return valuesOf(this.#record(page, place.cell, page[place.page === 1 ? HEADER_OCTETS : 0]!).record);
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }

  /** The record of a cell, its overflow pages included. @throws RangeError where it is none. */
  #record(page: Buffer, cell: number, type: number): { record: Buffer; rowid: number } {
    const reader = new Varints(page, type === INNER_INDEX ? cell + 4 : cell);
    const octets = reader.next();
    const rowid = type === LEAF_TABLE ? reader.next() : 0;
    if (octets > MAX_RECORD_OCTETS) throw new RangeError('larger than any row');
    const most = type === LEAF_TABLE ? this.#size - 35 : Math.floor(((this.#size - 12) * 64) / 255) - 23;
    if (octets <= most) return { record: slice(page, reader.at, octets), rowid };
    const least = Math.floor(((this.#size - 12) * 32) / 255) - 23;
    const fitting = least + ((octets - least) % (this.#size - 4));
    const local = fitting <= most ? fitting : least;
    const pieces = [slice(page, reader.at, local)];
    let next = page.readUInt32BE(reader.at + local);
    for (let left = octets - local; left > 0; left -= this.#size - 4) {
      const overflow = this.#page(next);
      if (overflow === undefined) throw new RangeError('an overflow page is missing');
      pieces.push(overflow.subarray(4, 4 + Math.min(left, this.#size - 4)));
      next = overflow.readUInt32BE(0);
    }
    return { record: Buffer.concat(pieces), rowid };
  }

  #page(number: number): Buffer | undefined {
    if (number < 1) return undefined;
    const logged = this.#logged.get(number);
    const page =
      logged === undefined
        ? this.#main.read((number - 1) * this.#size, this.#size)
        : this.#wal!.read(logged, this.#size);
    return page.length === this.#size ? page : undefined;
  }

  /** The newest whole version of each page in the log. Of a commit that is cut, what is there may still be of use. */
  #readLog(): void {
    const wal = this.#wal;
    if (wal === undefined || wal.size < WAL_HEADER) return;
    const header = wal.read(0, WAL_HEADER);
    const step = FRAME_HEADER + this.#size;
    for (let at = WAL_HEADER; at + step <= wal.size; at += step) {
      const frame = wal.read(at, FRAME_HEADER);
      // Frames of an earlier round of the log have other salts.
      if (frame.compare(header, 16, 24, 8, 16) !== 0) return;
      this.#logged.set(frame.readUInt32BE(0), at + FRAME_HEADER);
    }
  }
}

class File {
  readonly #fd: number;
  readonly size: number;

  constructor(path: string) {
    this.#fd = openSync(path, 'r');
    this.size = fstatSync(this.#fd).size;
  }

  /** Shorter at the end of the file. */
  read(at: number, octets: number): Buffer {
    const buffer = Buffer.alloc(octets);
    return buffer.subarray(0, readSync(this.#fd, buffer, 0, octets, at));
  }

  close(): void {
    closeSync(this.#fd);
  }
}

class Varints {
  readonly #octets: Buffer;
  at: number;

  constructor(octets: Buffer, at: number) {
    this.#octets = octets;
    this.at = at;
  }

  /** @throws RangeError at the end, and for what is no safe integer. */
  next(): number {
    let value = 0;
    for (let i = 0; i < 9; i++) {
      const octet = this.#octets[this.at++];
      if (octet === undefined) throw new RangeError('a varint that does not end');
      value = i === 8 ? value * 256 + octet : value * 128 + (octet & 0x7f);
      if (i === 8 || octet < 0x80) break;
    }
    if (!Number.isSafeInteger(value)) throw new RangeError('too large');
    return value;
  }
}

function slice(octets: Buffer, at: number, length: number): Buffer {
  if (at + length > octets.length) throw new RangeError('beyond its page');
  return octets.subarray(at, at + length);
}

/** Serial types of a record and where its body starts. */
function headerOf(record: Buffer): { types: number[]; body: number } {
  const reader = new Varints(record, 0);
  const body = reader.next();
  const types: number[] = [];
  while (reader.at < body && types.length < 16) types.push(reader.next());
  if (reader.at !== body) throw new RangeError('no record');
  return { types, body };
}

/** A letter a column: n NULL, i integer, f float, b blob, t text. */
function kindsOf(record: Buffer): string {
  return headerOf(record)
    .types.map((type) => {
      if (type === 0) return 'n';
      if (type >= 12) return type % 2 === 0 ? 'b' : 't';
      return type === 7 ? 'f' : 'i';
    })
    .join('');
}

/** Text as latin1, so that its octets stay what they are. */
function valuesOf(record: Buffer): RawValue[] {
  const { types, body } = headerOf(record);
  let at = body;
  return types.map((type): RawValue => {
    const length = type >= 12 ? Math.floor((type - 12) / 2) : (INTEGER_OCTETS[type] ?? 0);
    const octets = slice(record, at, length);
    at += length;
    if (type >= 12) return type % 2 === 0 ? octets : octets.toString('latin1');
    return type === 8 ? 0 : type === 9 ? 1 : type >= 1 && type <= 6 ? octets.readIntBE(0, Math.min(6, length)) : null;
  });
}

const INTEGER_OCTETS = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0];

/** Of the file, else of its log, else the one that ledgers have. */
function pageSizeOf(main: File, wal: File | undefined): number {
  const ofMain = main.read(16, 2);
  const ofWal = wal?.read(8, 4);
  const sizes = [ofMain.length === 2 ? ofMain.readUInt16BE(0) : 0, ofWal?.length === 4 ? ofWal.readUInt32BE(0) : 0];
  return sizes.find((size) => size >= 512 && size <= 32_768 && (size & (size - 1)) === 0) ?? 4_096;
}
