/** One row of `entries`: whether it holds a canonical entry, and whether the columns beside it are what that entry says. */
import {
  encodeCanonicalJson,
  FormatError,
  hexOf,
  leafHashHex,
  parseCanonicalJson,
  textOfUtf8,
  utf8Of,
} from '@infrafabric/format';
import { differingColumn, expectedColumns } from '../columns.js';
import { type EntryView, viewEntry, viewHeld } from '../entry-view.js';
import type { Problems } from '../report.js';
import type { ChainSource, EntryRow } from '../source.js';

/** What could be read of a row. */
export interface EntryRead {
  readonly text: string;
  readonly hashHex: string;
  /** Undefined where the text is no entry. */
  readonly view: EntryView | undefined;
}

/** Judges rows one by one. */
export class EntryRows {
  readonly #source: ChainSource;
  readonly #problems: Problems;
  readonly #isDeep: boolean;

  /** @param isDeep also require canonical JSON of every entry */
  constructor(source: ChainSource, problems: Problems, isDeep: boolean) {
    this.#source = source;
    this.#problems = problems;
    this.#isDeep = isDeep;
  }

  /** Reads a row; undefined where it holds no text. @param prevHex what the entry should be linked to, which is not judged here */
  read(row: EntryRow, prevHex: string): EntryRead | undefined {
    const text = this.#text(row);
    if (text === undefined) return undefined;
    const view = this.view(row[0], text, prevHex);
    return {
      text,
      hashHex: leafHashHex(text),
      view: view?.inParts === true ? viewHeld(view, text, (at) => this.textAt(at)) : view,
    };
  }

  /** Reads an entry's text. */
  view(seq: number, text: string, prevHex: string): EntryView | undefined {
    try {
      // Canonical JSON escapes all of these; a decoder elsewhere might drop or forgive them.
      if (/[\0-\x1f]/.test(text)) throw new FormatError('entry.malformed', 'a raw control character');
      const view = viewEntry(text, prevHex);
      if (this.#isDeep && encodeCanonicalJson(parseCanonicalJson(text)) !== text) throw new Error('unreachable');
      return view;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      const code = error.code === 'entry.malformed' ? 'entry.malformed' : 'entry.not-canonical';
      this.#problems.add({ code, seq, message: `entry ${seq}: ${error.message}` });
      return undefined;
    }
  }

  /** Compares the columns of a row with what its entry says. */
  columns([seq, , columns]: EntryRow, view: EntryView): void {
    const differs = this.#differingColumn(seq, view, columns);
    if (differs === undefined) return;
    this.#problems.add({
      code: 'entry.column',
      seq,
      column: differs,
      message: `column ${differs} of entry ${seq} differs from what was signed`,
    });
  }

  /** Text of any entry. */
  textAt(seq: number): string | undefined {
    const [row] = [...this.#source.entries(seq, seq + 1)].flat();
    return typeof row?.[1] === 'string' ? row[1] : undefined;
  }

  #text([seq, entry]: EntryRow): string | undefined {
    if (typeof entry !== 'string') {
      this.#problems.add({
        code: 'entry.unreadable',
        seq,
        message: `entry ${seq} is no text, or longer than an entry may be`,
      });
      return undefined;
    }
    if (!entry.includes('\ufffd')) return entry;
    // The decoder has replaced malformed octets, or the text really holds U+FFFD: only the octets can tell.
    try {
      if (textOfUtf8(this.#source.entryOctets(seq).entry) === entry) return entry;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
    }
    this.#problems.add({
      code: 'entry.octets',
      seq,
      message: `entry ${seq} has octets that are not the UTF-8 of its text`,
    });
    return undefined;
  }

  #differingColumn(seq: number, view: EntryView, columns: EntryRow[2]): string | undefined {
    // Columns belong to the place where the row lies, whatever its entry says.
    const placed = view.seq === seq ? view : { ...view, seq };
    const same = columns === expectedColumns(placed);
    if (typeof columns !== 'string') return 'entry';
    // Where the decoder may have replaced octets, texts say neither that columns are the same nor which one differs.
    const octets = columns.includes('\ufffd') ? this.#columnOfOtherOctets(seq, view) : undefined;
    return octets ?? (same ? undefined : differingColumn(placed, columns));
  }

  #columnOfOtherOctets(seq: number, { type, span }: EntryView): string | undefined {
    const octets = this.#source.entryOctets(seq);
    const same = (stored: Uint8Array | null, text: string | undefined): boolean =>
      hexOf(stored ?? new Uint8Array()) === hexOf(utf8Of(text ?? ''));
    if (!same(octets.type, type)) return 'type';
    if (!same(octets.business, span?.business)) return 'business';
    return same(octets.businessParent, span?.businessParent) ? undefined : 'business_parent';
  }
}
