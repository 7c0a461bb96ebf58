/**
 * What `import` entries say: the head of another ledger, and its entries, octet for octet, kept as evidence. An entry that
 * does not fit is in parts. docs/format.md §import is normative.
 */
import { base64Of, bytesOfBase64, concatBytes, textOfUtf8 } from './bytes.js';
import type { CanonicalObject } from './canonical-json.js';
import { type Entry, MAX_ENTRY_OCTETS, parseEntry } from './entry.js';
import { FormatError } from './format-error.js';

/** What an import starts with: the other ledger's newest checkpoint. */
export interface ImportHead {
  readonly kind: 'head';
  /** Vkey under which the importer opened the note; absent where nothing was verified. */
  readonly key: string | undefined;
  readonly note: string;
  readonly origin: string;
}

/** An entry of another ledger, or a part of one. */
export interface ImportedPart {
  readonly kind: 'entry';
  /** Octets of the entry, or of this part of it. */
  readonly octets: Uint8Array;
  /** Seq of the head here. */
  readonly head: number;
  readonly origin: string;
  /** Its seq in the other ledger. */
  readonly seq: number;
  /** From 0; undefined for an entry in one piece. */
  readonly part: number | undefined;
  /** Undefined for an entry in one piece, which is `parts` of 1. */
  readonly parts: number | undefined;
}

/** Octets of an entry that surely fit an import; a longer one is cut into parts of so many. */
export const IMPORT_PART_OCTETS = 48_000;
/** An entry has at most this many parts. */
export const MAX_IMPORT_PARTS = 16;

/** Reads the body of an `import` entry; undefined when it is neither a head nor an entry. */
export function readImportBody(body: CanonicalObject): ImportHead | ImportedPart | undefined {
  const { entry, head, key, note, origin, part, parts, seq } = body;
  if (typeof origin !== 'string') return undefined;
  if (typeof note === 'string' && entry === undefined)
    return key === undefined || typeof key === 'string' ? { kind: 'head', key, note, origin } : undefined;
  if (typeof entry !== 'string' || note !== undefined || !isCount(head) || !isCount(seq)) return undefined;
  const isWhole = part === undefined && parts === undefined;
  const isPart = isCount(part) && isCount(parts) && parts >= 2 && parts <= MAX_IMPORT_PARTS && part < parts;
  if (!isWhole && !isPart) return undefined;
  const octets = octetsOf(entry);
  if (octets === undefined || octets.length === 0) return undefined;
  return { kind: 'entry', octets, head, origin, seq, part: part as number, parts: parts as number };
}

/** Bodies of the `import` entries that hold one entry of another ledger, in order. */
export function importBodies(
  octets: Uint8Array,
  place: Pick<ImportedPart, 'head' | 'origin' | 'seq'>,
): CanonicalObject[] {
  const { head, origin, seq } = place;
  if (octets.length <= IMPORT_PART_OCTETS) return [{ entry: base64Of(octets), head, origin, seq }];
  const parts = Math.ceil(octets.length / IMPORT_PART_OCTETS);
  return Array.from({ length: parts }, (_, part) => {
    const piece = octets.subarray(part * IMPORT_PART_OCTETS, (part + 1) * IMPORT_PART_OCTETS);
    return { entry: base64Of(piece), head, origin, part, parts, seq };
  });
}

/** An entry of another ledger, as an import holds it. */
export interface HeldEntry {
  readonly text: string;
  readonly entry: Entry;
  /** Of the ledger that it is from. */
  readonly origin: string;
}

/** Text of an entry of the ledger in which an import is; undefined where there is none. */
export type TextAt = (seq: number) => string | undefined;

/**
 * The entry that an import holds. With parts it is held by the first, and `textAt` gives the others. Undefined for heads,
 * for other parts, and for what is no entry.
 */
export function heldEntry(holder: Entry, textAt: TextAt): HeldEntry | undefined {
  const body = holder.type === 'import' ? readImportBody(holder.body) : undefined;
  if (body?.kind !== 'entry' || (body.part ?? 0) !== 0) return undefined;
  const octets = body.parts === undefined ? body.octets : joined(holder.seq, body, textAt);
  return octets === undefined ? undefined : readHeld(octets, body);
}

/**
 * The span that an import holds, also where it imports an import of one. Undefined where there is none, or none with
 * well-formed ids.
 */
export function heldSpan(holder: Entry, textAt: TextAt): HeldEntry | undefined {
  const held = heldEntry(holder, textAt);
  return held && innermostSpan(held);
}

/** The span that an entry says: its own, or the one that it imports. */
export function spanOfEntry(entry: Entry, textAt: TextAt): Entry | undefined {
  return entry.type === 'span' ? entry : heldSpan(entry, textAt)?.entry;
}

/** The span entry that an entry is, or imports in one piece; undefined as {@link heldSpan}. */
export function spanIn(entry: Entry): Entry | undefined {
  return innermostSpan({ text: '', entry, origin: '' })?.entry;
}

function innermostSpan(outermost: HeldEntry): HeldEntry | undefined {
  let held: HeldEntry | undefined = outermost;
  // Each layer of base64 adds a third to at most 65,535 octets, so there are few.
  while (held?.entry.type === 'import') {
    const body = readImportBody(held.entry.body);
    held = body?.kind === 'entry' && body.parts === undefined ? readHeld(body.octets, body) : undefined;
  }
  return held?.entry.type === 'span' && hasIds(held.entry.body) ? held : undefined;
}

function joined(holder: number, first: ImportedPart, textAt: TextAt): Uint8Array | undefined {
  const pieces = [first.octets];
  for (let part = 1; part < first.parts!; part++) {
    const text = textAt(holder + part);
    const entry = text === undefined ? undefined : parsed(text);
    const body = entry?.type === 'import' ? readImportBody(entry.body) : undefined;
    if (body?.kind !== 'entry' || body.part !== part || body.parts !== first.parts) return undefined;
    if (body.head !== first.head || body.seq !== first.seq) return undefined;
    pieces.push(body.octets);
  }
  return concatBytes(...pieces);
}

function readHeld(octets: Uint8Array, { origin, seq }: ImportedPart): HeldEntry | undefined {
  if (octets.length > MAX_ENTRY_OCTETS) return undefined;
  try {
    const text = textOfUtf8(octets);
    const entry = parseEntry(text);
    return entry.seq === seq ? { text, entry, origin } : undefined;
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

function parsed(text: string): Entry | undefined {
  try {
    return parseEntry(text);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

function hasIds({ business, business_parent, span, trace }: CanonicalObject): boolean {
  const isText = (value: unknown): boolean => value === undefined || typeof value === 'string';
  const isHex = (value: unknown, digits: number): boolean =>
    typeof value === 'string' && value.length === digits && /^[0-9a-f]*$/.test(value);
  return isHex(trace, 32) && isHex(span, 16) && isText(business) && isText(business_parent);
}

function octetsOf(base64: string): Uint8Array | undefined {
  try {
    return bytesOfBase64(base64);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
