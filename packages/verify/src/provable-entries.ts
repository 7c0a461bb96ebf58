/**
 * What of a damaged ledger is still provable: the entries that a checkpoint covers which the held key signed, also beside
 * entries that are lost. Of a lost entry the next one says the leaf hash; behind several the stored tree goes on, if the signed
 * root proves it right. docs/format.md §Verification, §import. Never throws for what a file holds.
 */
import {
  FormatError,
  LOWEST_STORED_LEVEL,
  leafHashHex,
  MerkleFrontier,
  parseEntry,
  parseVkey,
  type VerifierKey,
} from '@infrafabric/format';
import { type EntryView, viewEntry } from './entry-view.js';
import { openNote, readNote } from './open-note.js';
import { storedPeaks } from './stored-nodes.js';

/** What can be read of a damaged ledger, whatever it is. */
export interface DamagedLedger {
  /** One more than the highest seq of which anything can be read. */
  size(): number;
  text(seq: number): string | undefined;
  /** Ascending. */
  checkpoints(): readonly { readonly size: number; readonly note: Uint8Array }[];
  node(level: number, node: number): Uint8Array | undefined;
}

/** Consecutive seqs, both ends included. */
export interface SeqRange {
  readonly first: number;
  readonly last: number;
}

/** What of a ledger is provable, and what is not. */
export interface Provable {
  /** The newest checkpoint that what can be read agrees with, and the key that opens it; undefined where there is none. */
  readonly newest: { readonly size: number; readonly note: Uint8Array; readonly vkey: string } | undefined;
  /** Entries there were, as far as checkpoints that the key signed, and rows that can be read, tell. */
  readonly signedSize: number;
  /** Whether an entry is provably one of those that the key signed. */
  isProven(seq: number): boolean;
  readonly proven: number;
  /** Nothing can be read of them. */
  readonly missing: readonly SeqRange[];
  /** They can be read, and are not what was signed. */
  readonly damaged: readonly SeqRange[];
  /** They can be read; what would prove them is lost. */
  readonly unproven: readonly SeqRange[];
  /** Seqs whose payloads proven redactions name. */
  readonly redacted: ReadonlySet<number>;
}

const [ABSENT, READABLE, DAMAGED, PROVEN] = [0, 1, 2, 3];

/** @param key the key that is held: of genesis, or of a later epoch. */
export function provableEntries(
  source: DamagedLedger,
  key: VerifierKey,
  vkey: string,
  onProgress?: (entries: number) => void,
): Provable {
  const finder = new Finder(source, key, vkey);
  finder.run(onProgress);
  return finder.result();
}

interface Seen {
  readonly view: EntryView;
  readonly hashHex: string;
}

/** A run of leaves that is known without a gap; only within one is a root more than a guess. */
interface Segment {
  readonly from: number;
  /** Checkpoints whose root the leaves give, ascending. */
  readonly met: { readonly size: number; readonly note: Uint8Array }[];
}

class Finder {
  readonly #source: DamagedLedger;
  readonly #size: number;
  readonly #states: Uint8Array;
  /** Whether the entry behind is bound to this one's octets. */
  readonly #linked: Uint8Array;
  readonly #keys: [VerifierKey, string][];
  readonly #notes: readonly { readonly size: number; readonly note: Uint8Array }[];
  readonly #segments: Segment[] = [];
  readonly #redactions: [seq: number, target: number][] = [];
  #tree: MerkleFrontier | undefined = new MerkleFrontier();
  /** The tree if the newest entry is what it seems, where the one behind it says otherwise. */
  #otherwise: MerkleFrontier | undefined;
  #nextNote = 0;
  #newest: Provable['newest'];

  constructor(source: DamagedLedger, key: VerifierKey, vkey: string) {
    this.#source = source;
    this.#size = source.size();
    this.#states = new Uint8Array(this.#size);
    this.#linked = new Uint8Array(this.#size);
    this.#keys = [[key, vkey]];
    this.#notes = source.checkpoints();
    this.#segments.push({ from: 0, met: [] });
  }

  run(onProgress?: (entries: number) => void): void {
    let current = this.#see(0);
    let next = this.#see(1);
    for (let seq = 0; seq < this.#size; seq++) {
      const afterNext = this.#see(seq + 2);
      this.#take(seq, current, next, afterNext);
      current = next;
      next = afterNext;
      if (seq % 1_000 === 0) onProgress?.(seq);
    }
    this.#prove();
  }

  result(): Provable {
    const signed = this.#notes.findLast(({ note }) => this.#keyOf(note) !== undefined);
    const signedSize = Math.max(this.#size, signed?.size ?? 0);
    let proven = 0;
    for (const state of this.#states) if (state === PROVEN) proven++;
    return {
      newest: this.#newest,
      signedSize,
      isProven: (seq) => this.#states[seq] === PROVEN,
      proven,
      missing: this.#rangesOf(ABSENT, signedSize),
      damaged: this.#rangesOf(DAMAGED, this.#size),
      unproven: this.#rangesOf(READABLE, this.#size),
      redacted: new Set(this.#redactions.filter(([seq]) => this.#states[seq] === PROVEN).map(([, target]) => target)),
    };
  }

  #see(seq: number): Seen | undefined {
    const text = seq < this.#size ? this.#source.text(seq) : undefined;
    if (text === undefined) return undefined;
    try {
      const view = viewEntry(text);
      // An entry that says that it belongs elsewhere does.
      if (view.seq !== seq) return undefined;
      if (view.type === 'redaction') this.#redaction(seq, text);
      return { view, hashHex: leafHashHex(text) };
    } catch (error) {
      if (error instanceof FormatError) return undefined;
      throw error;
    }
  }

  #redaction(seq: number, text: string): void {
    const { target } = parseEntry(text).body;
    if (typeof target === 'number') this.#redactions.push([seq, target]);
  }

  #take(seq: number, entry: Seen | undefined, next: Seen | undefined, afterNext: Seen | undefined): void {
    const claim = next?.view.prev;
    const isLinked = entry !== undefined && claim === entry.hashHex;
    let leaf = entry?.hashHex;
    this.#otherwise = undefined;
    if (entry !== undefined) this.#states[seq] = READABLE;
    if (isLinked) this.#linked[seq] = 1;
    else if (claim !== undefined) {
      // One link that is broken means the entry before it, two in a row the one between them.
      const nextIsBroken = afterNext !== undefined && afterNext.view.prev !== next!.hashHex;
      if (entry === undefined || !nextIsBroken) {
        if (entry !== undefined && this.#tree !== undefined) {
          this.#otherwise = this.#tree.clone();
          this.#otherwise.push(entry.hashHex);
        }
        if (entry !== undefined) this.#states[seq] = DAMAGED;
        leaf = claim;
      }
    }
    this.#grow(seq, leaf);
    this.#meet(seq + 1, entry);
  }

  #grow(seq: number, leaf: string | undefined): void {
    if (leaf === undefined) this.#tree = undefined;
    this.#tree?.push(leaf!);
    if (this.#tree !== undefined || (seq + 1) % 2 ** LOWEST_STORED_LEVEL !== 0) return;
    const peaks = storedPeaks(this.#source, seq + 1);
    if (peaks === undefined) return;
    this.#tree = new MerkleFrontier(seq + 1, peaks);
    this.#segments.push({ from: seq + 1, met: [] });
  }

  /** Checkpoints whose size is reached. A rotation that one of them closes hands the ledger on to the next key. */
  #meet(size: number, last: Seen | undefined): void {
    for (; (this.#notes[this.#nextNote]?.size ?? Number.POSITIVE_INFINITY) <= size; this.#nextNote++) {
      const checkpoint = this.#notes[this.#nextNote]!;
      if (checkpoint.size !== size) continue;
      const rootHex = rootOf(checkpoint.note);
      if (rootHex === undefined) continue;
      const trees = [this.#tree, this.#otherwise];
      if (trees.every((tree) => tree?.rootHex() !== rootHex)) {
        // More is damaged than was guessed. Behind the next stored nodes it is known again.
        if (this.#keyOf(checkpoint.note) !== undefined) this.#tree = undefined;
        continue;
      }
      if (this.#tree?.rootHex() !== rootHex) this.#settleOtherwise(size - 1);
      this.#segments.at(-1)!.met.push(checkpoint);
      if (last?.view.type === 'rotation' && this.#keyOf(checkpoint.note) !== undefined) this.#rotated(size - 1);
    }
  }

  /** The root says that the entry is what it seems: it is the one behind it that is damaged. */
  #settleOtherwise(seq: number): void {
    this.#states[seq] = READABLE;
    this.#tree = this.#otherwise;
  }

  #rotated(seq: number): void {
    const vkey = parseEntry(this.#source.text(seq)!).body.key;
    try {
      if (typeof vkey === 'string') this.#keys.push([parseVkey(vkey), vkey]);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
    }
  }

  /** Of each segment the newest checkpoint that a key signed proves it up to there; what is linked to proven entries is, too. */
  #prove(): void {
    for (const { from, met } of this.#segments) {
      const signed = met.findLast(({ note }) => this.#keyOf(note) !== undefined);
      if (signed === undefined) continue;
      for (let seq = from; seq < signed.size; seq++) if (this.#states[seq] === READABLE) this.#states[seq] = PROVEN;
      this.#newest = { ...signed, vkey: this.#keyOf(signed.note)! };
    }
    for (let seq = this.#size - 2; seq >= 0; seq--) {
      const isBound = this.#states[seq + 1] === PROVEN && this.#linked[seq] === 1;
      if (isBound && this.#states[seq] === READABLE) this.#states[seq] = PROVEN;
    }
  }

  #keyOf(note: Uint8Array): string | undefined {
    return this.#keys.findLast(([key]) => {
      const opened = openNote(note, key);
      return opened.ok && opened.checkpoint.origin === key.name;
    })?.[1];
  }

  #rangesOf(state: number, end: number): SeqRange[] {
    const ranges: { first: number; last: number }[] = [];
    for (let seq = 0; seq < end; seq++) {
      if ((this.#states[seq] ?? ABSENT) !== state) continue;
      const open = ranges.at(-1);
      if (open?.last === seq - 1) open.last = seq;
      else ranges.push({ first: seq, last: seq });
    }
    return ranges;
  }
}

function rootOf(note: Uint8Array): string | undefined {
  const read = readNote(note);
  return read.ok ? read.checkpoint.rootHex : undefined;
}
