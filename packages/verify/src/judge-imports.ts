/**
 * The rules of `import` entries: each head's note, and the entries of the other ledger as a chain of their own. Only for
 * entries that are what was signed here. docs/format.md §import.
 */
import {
  concatBytes,
  type Entry,
  FormatError,
  type ImportedPart,
  type ImportHead,
  leafHashHex,
  MAX_ENTRY_OCTETS,
  MerkleFrontier,
  parseEntry,
  parseVkey,
  readImportBody,
  textOfUtf8,
  utf8Of,
  ZERO_HASH_HEX,
} from '@infrafabric/format';
import { type EntryView, viewEntry } from './entry-view.js';
import { openNote, readNote } from './open-note.js';
import type { ProblemCode, ProblemSink } from './report.js';
import type { ChainSource } from './source.js';

/** How many entries of other ledgers there are, and how many of them under a head without a key. */
export interface ImportFindings {
  readonly entries: number;
  readonly unverified: number;
}

/** Of a ledger without imports. */
export const NO_IMPORTS: ImportFindings = { entries: 0, unverified: 0 };

/** Judges the imports with `first` <= seq <= `last`, which are all of a ledger, so that there is no head before them. */
export function judgeImports(
  source: Pick<ChainSource, 'entries'>,
  { first, last }: { readonly first: number; readonly last: number },
  problems: ProblemSink,
): ImportFindings {
  const judge = new ImportJudge(problems);
  for (const rows of source.entries(first, last + 1)) {
    for (const [seq, text] of rows) {
      if (typeof text !== 'string') continue;
      const entry = text.endsWith(',"type":"span"}') ? undefined : parsed(text);
      if (entry?.type === 'import') judge.take(seq, entry);
      else judge.end();
    }
  }
  judge.end();
  return judge.findings;
}

interface Head {
  readonly seq: number;
  readonly origin: string;
  /** What a key signed; undefined where nothing was verified. */
  readonly signed: { readonly size: number; readonly rootHex: string } | undefined;
  /** The other ledger's tree so far; undefined where too much of it is missing to know. */
  tree: MerkleFrontier | undefined;
  lastSeq: number;
  lastLeaf: string;
}

/** Parts of an entry that is not whole yet. */
interface Open {
  readonly at: number;
  readonly first: ImportedPart;
  readonly payload: string | undefined;
  readonly pieces: Uint8Array[];
}

/** Judges imports one after the other; {@link ImportJudge.end} where something else stands between them. */
export class ImportJudge {
  readonly #problems: ProblemSink;
  readonly #onHeld: ((seq: number, text: string) => void) | undefined;
  readonly #heads = new Map<number, Head>();
  #open: Open | undefined;
  #entries = 0;
  #unverified = 0;

  /** @param onHeld given the entry that is imported, and the seq of the import, or of the first part of it */
  constructor(problems: ProblemSink, onHeld?: (seq: number, text: string) => void) {
    this.#problems = problems;
    this.#onHeld = onHeld;
  }

  get findings(): ImportFindings {
    return { entries: this.#entries, unverified: this.#unverified };
  }

  /** An entry of type `import` at its place. */
  take(seq: number, entry: Entry): void {
    const body = readImportBody(entry.body);
    if (body === undefined) this.#problem('import.malformed', seq, 'is neither a head nor an entry of another ledger');
    else if (body.kind === 'head') this.#head(seq, entry, body);
    else this.#part(seq, entry, body);
  }

  /** Nothing, or no import, follows. */
  end(): void {
    if (this.#open !== undefined) this.#problem('import.parts', this.#open.at, 'is not followed by all its parts');
    this.#open = undefined;
  }

  #problem(code: ProblemCode, seq: number, what: string): void {
    this.#problems.add({ code, seq, message: `the import in entry ${seq} ${what}` });
  }

  #head(seq: number, { payload }: Entry, { key, note, origin }: ImportHead): void {
    this.end();
    if (payload !== undefined) this.#problem('import.payload', seq, 'is a head, which has no payload');
    const opened = key === undefined ? readNote(utf8Of(note)) : openUnder(key, utf8Of(note));
    if (!opened.ok) this.#problem('import.note', seq, `names a checkpoint that is none: ${opened.message}`);
    else if (opened.checkpoint.origin !== origin)
      this.#problem('import.note', seq, `names a checkpoint of ${opened.checkpoint.origin}, not of ${origin}`);
    const signed = opened.ok && key !== undefined ? opened.checkpoint : undefined;
    const tree = signed === undefined ? undefined : new MerkleFrontier();
    this.#heads.set(seq, { seq, origin, signed, tree, lastSeq: -1, lastLeaf: ZERO_HASH_HEX });
  }

  #part(seq: number, { payload }: Entry, body: ImportedPart): void {
    const open = this.#open;
    if (open !== undefined && !isNext(open, body)) this.end();
    if (body.parts === undefined) {
      this.#entry(seq, body, body.octets, payload);
      return;
    }
    if (this.#open === undefined) {
      if (body.part === 0) this.#open = { at: seq, first: body, payload, pieces: [body.octets] };
      else this.#problem('import.parts', seq, 'is a part that does not follow the one before');
      return;
    }
    if (payload !== undefined) this.#problem('import.payload', seq, 'is a later part, which has no payload');
    this.#open.pieces.push(body.octets);
    if (this.#open.pieces.length < body.parts) return;
    const { at, first, payload: ofFirst, pieces } = this.#open;
    this.#open = undefined;
    this.#entry(at, first, concatBytes(...pieces), ofFirst);
  }

  #entry(seq: number, place: ImportedPart, octets: Uint8Array, payload: string | undefined): void {
    this.#entries++;
    const head = this.#heads.get(place.head);
    if (head === undefined || head.origin !== place.origin) {
      this.#problem('import.head', seq, `refers to entry ${place.head}, which is no head of ${place.origin} before it`);
      return;
    }
    if (head.signed === undefined) this.#unverified++;
    const text = octets.length > MAX_ENTRY_OCTETS ? undefined : textIn(octets);
    const held = text === undefined ? undefined : viewed(text);
    if (text === undefined || held === undefined) {
      this.#problem('import.entry', seq, 'holds octets that are no entry');
      return;
    }
    this.#onHeld?.(seq, text);
    if (payload !== undefined && payload !== held.payload)
      this.#problem('import.payload', seq, 'has another payload than the entry that it holds');
    if (held.seq === 0 && !isGenesisOf(head.origin, parsed(text)))
      this.#problem('import.entry', seq, `holds an entry 0 that is not the genesis of ${head.origin}`);
    this.#place(seq, head, place.seq, held, leafHashHex(text));
  }

  #place(seq: number, head: Head, claimed: number, held: EntryView, leafHex: string): void {
    if (held.seq !== claimed || held.seq <= head.lastSeq) {
      this.#problem(
        'import.seq',
        seq,
        `holds entry ${held.seq} where a later one should be, or says that it is another`,
      );
      return;
    }
    if (head.signed !== undefined && held.seq >= head.signed.size) {
      this.#problem('import.seq', seq, `holds entry ${held.seq}, which the note of its head does not cover`);
      return;
    }
    if (held.seq === head.lastSeq + 1 && held.prev !== head.lastLeaf)
      this.#problem('import.prev', seq, `holds an entry that does not follow the one before it`);
    this.#grow(seq, head, held, leafHex);
    head.lastSeq = held.seq;
    head.lastLeaf = leafHex;
  }

  /** Of one entry that is missing, the next one says what its leaf hash was. */
  #grow(seq: number, head: Head, held: EntryView, leafHex: string): void {
    const { tree, signed } = head;
    if (tree === undefined || signed === undefined) return;
    if (held.seq === tree.size + 1) tree.push(held.prev);
    if (held.seq !== tree.size) {
      head.tree = undefined;
      return;
    }
    tree.push(leafHex);
    if (tree.size === signed.size && tree.rootHex() !== signed.rootHex)
      this.#problem('import.root', seq, 'ends a run of entries that are not those that the note of its head signed');
  }
}

function isNext({ first, pieces }: Open, { head, origin, part, parts, seq }: ImportedPart): boolean {
  const same = head === first.head && origin === first.origin && seq === first.seq && parts === first.parts;
  return same && part === pieces.length;
}

function openUnder(vkey: string, note: Uint8Array): ReturnType<typeof openNote> {
  try {
    return openNote(note, parseVkey(vkey));
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { ok: false, fault: 'malformed', message: error.message };
  }
}

function textIn(octets: Uint8Array): string | undefined {
  try {
    return textOfUtf8(octets);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return undefined;
  }
}

function isGenesisOf(origin: string, entry: Entry | undefined): boolean {
  return entry?.type === 'genesis' && entry.body.origin === origin;
}

/** An entry in the form that one must have, mostly without parsing it. */
function viewed(text: string): EntryView | undefined {
  try {
    return viewEntry(text);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return undefined;
  }
}

function parsed(text: string): Entry | undefined {
  try {
    return parseEntry(text);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return undefined;
  }
}
