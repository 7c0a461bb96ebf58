/** The stored checkpoints: each signs the tree over the entries before it, and is named by the entry that follows. */
import { sha256Hex } from '@infrafabric/format';
import type { ChainFindings, ChainOptions } from '../chain-findings.js';
import { CheckpointCursor } from '../checkpoint-cursor.js';
import type { EntryView } from '../entry-view.js';
import { readNote } from '../open-note.js';
import type { Problems } from '../report.js';
import type { ChainSource, CheckpointRow } from '../source.js';
import type { ChainState } from './chain-state.js';
import type { EntryTypes } from './entry-types.js';
import type { Links } from './links.js';

/** Signatures of so many checkpoints are checked unless more or fewer are asked for. */
const SIGNATURE_SAMPLE = 10_000;

/** Judges checkpoints, but for their signatures. */
export class Checkpoints {
  readonly #problems: Problems;
  readonly #state: ChainState;
  readonly #links: Links;
  readonly #rotations: EntryTypes['rotations'];
  readonly #cursor: CheckpointCursor;
  readonly #sampleEvery: number;
  readonly #sampled: { size: number; note: Uint8Array }[] = [];
  #newest: { size: number; rootHex: string; note: Uint8Array } | undefined;
  #judged = 0;
  /** The next checkpoint is the first of a key's epoch. */
  #epochBegins = false;
  #rootFailed = false;
  #lastGoodSize = 0;

  constructor(
    source: ChainSource,
    problems: Problems,
    options: ChainOptions,
    { state, links, types }: { readonly state: ChainState; readonly links: Links; readonly types: EntryTypes },
  ) {
    this.#problems = problems;
    this.#state = state;
    this.#links = links;
    this.#rotations = types.rotations;
    this.#cursor = new CheckpointCursor(source, options.range?.from ?? 0);
    this.#sampleEvery = Math.max(
      1,
      Math.ceil(source.checkpointCount() / (options.signatureSample ?? SIGNATURE_SAMPLE)),
    );
  }

  /** How many were judged. */
  get count(): number {
    return this.#judged;
  }

  /** The newest that could be read. */
  get newest(): ChainFindings['newest'] {
    return this.#newest;
  }

  /** Those whose signatures are to be checked. */
  get sampled(): ChainFindings['sampled'] {
    return this.#sampled;
  }

  /** The newest note as text, for evidence. */
  newestNoteText(): string | undefined {
    return this.#newest === undefined ? undefined : new TextDecoder().decode(this.#newest.note);
  }

  /** Judges the text of each stored checkpoint once the tree has reached its size. */
  judgeUpTo(size: number): void {
    for (let row = this.#cursor.next(size); row !== undefined; row = this.#cursor.next(size)) this.#judge(row, size);
  }

  /** The first entry after a checkpoint carries the hash of its note; no other entry carries one. */
  judgeNamedBy(seq: number, view: EntryView): void {
    const row = seq === 0 ? undefined : this.#cursor.lastIfSize(seq);
    if (view.checkpoint === undefined) {
      if (row !== undefined) {
        this.#problems.add({
          code: 'checkpoint.extra',
          seq,
          message: `entry ${seq} knows of no checkpoint at size ${seq}, but one is stored`,
        });
      }
    } else if (row === undefined) {
      this.#problems.add({
        code: 'checkpoint.missing',
        seq,
        message: `the checkpoint of size ${seq}, which entry ${seq} names, is missing`,
      });
    } else if (row.note === null || sha256Hex(row.note) !== view.checkpoint) {
      this.#problems.add({
        code: 'checkpoint.altered',
        seq,
        message: `the checkpoint of size ${seq} is not the one that entry ${seq} names`,
      });
    }
  }

  /** The signature of the newest is checked whatever the sample. */
  sampleNewest(): void {
    if (this.#newest === undefined || this.#sampled.at(-1)?.size === this.#newest.size) return;
    this.#sampled.push({ size: this.#newest.size, note: this.#newest.note });
  }

  /** Nothing follows: the last checkpoint covers all entries, and no more than there are. */
  judgeEnd(size: number): void {
    const { beyond } = this.#cursor;
    if (size > 0 && this.#cursor.lastIfSize(size) === undefined && beyond === undefined) {
      const covered = this.#newest?.size ?? 0;
      this.#problems.add({
        code: 'entry.uncovered',
        seq: covered,
        message: `entries from ${covered} on are covered by no checkpoint`,
      });
    }
    if (beyond !== undefined) {
      this.#problems.add({
        code: 'entry.missing',
        seq: size,
        message: `a checkpoint covers ${beyond.size} entries, but only ${size} are there: the end was cut off`,
      });
    }
  }

  #judge({ size, note }: CheckpointRow, reached: number): void {
    this.#judged++;
    const seq = Math.max(0, size - 1);
    const closes = this.#closesEpoch(size);
    const read = note === null ? ({ ok: false, message: 'wrong storage class' } as const) : readNote(note);
    if (!read.ok) {
      this.#problems.add({
        code: 'checkpoint.malformed',
        seq,
        message: `the checkpoint of size ${size}: ${read.message}`,
      });
      return;
    }
    const { checkpoint } = read;
    if (checkpoint.size !== size || size < 1) {
      this.#problems.add({
        code: 'checkpoint.size',
        seq,
        message: `the checkpoint stored for size ${size} says ${checkpoint.size}`,
      });
    }
    const { origin } = this.#state;
    if (origin !== undefined && checkpoint.origin !== origin) {
      this.#problems.add({
        code: 'checkpoint.origin',
        seq,
        message: `the checkpoint of size ${size} is of another ledger`,
      });
    }
    // Only rows that were skipped can lie below; the tree that it covers is not there.
    if (size < reached) return;
    this.#newest = { size, rootHex: checkpoint.rootHex, note: note! };
    const isEdge = closes || this.#epochBegins;
    this.#epochBegins = closes;
    if (isEdge || this.#judged === 1 || this.#judged % this.#sampleEvery === 0)
      this.#sampled.push({ size, note: note! });
    this.#root(size, checkpoint.rootHex);
  }

  #closesEpoch(size: number): boolean {
    const rotation = this.#rotations.at(-1);
    if (rotation?.seq !== size - 1) return false;
    rotation.closed = true;
    return true;
  }

  #root(size: number, rootHex: string): void {
    const { frontier, isShifted } = this.#state;
    if (isShifted || this.#rootFailed) return;
    if (frontier.size === size && frontier.rootHex() === rootHex) {
      this.#lastGoodSize = size;
      return;
    }
    this.#rootFailed = true;
    this.#unexplainedRoot(size);
  }

  /** Signed root and entries differ. Where a link broke, that says more; else the change is consistent up to here. */
  #unexplainedRoot(size: number): void {
    if (this.#problems.anyInvalid || this.#links.isBreakOpen) return;
    const first = this.#lastGoodSize;
    this.#state.named.push([first, size - 1]);
    this.#problems.add({
      code: 'checkpoint.root',
      seq: size - 1,
      message: `entries ${first} to ${size - 1} are not those that the checkpoint of size ${size} signed; the last of them does not fit, at the latest`,
    });
  }
}
