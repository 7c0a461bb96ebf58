/**
 * Judges a bundle line by line, in memory that grows by the number of its entries and not by their size: the tree over entries
 * and hashes, what entries say of each other, payloads, keys. Pure: no ledger, no file, no network; the same in a browser.
 * docs/format.md §Bundle is normative. Never throws for what a file holds.
 */
import {
  type BundleCheckpoint,
  type BundleContext,
  type BundleEnd,
  type BundleEntry,
  type BundleHash,
  type BundleHeader,
  type Checkpoint,
  contextDigestHex,
  FormatError,
  MerkleFrontier,
  parseBundleLine,
  sha256Hex,
  utf8Of,
  ZERO_HASH_HEX,
} from '@infrafabric/format';
import { type BundleCosignatures, judgeBundleCosignatures } from './bundle-cosignatures.js';
import { BundleEntries } from './bundle-entries.js';
import { type BundleKeyFindings, judgeBundleKeys } from './bundle-keys.js';
import { BundleLines } from './bundle-lines.js';
import type { BundleOptions } from './bundle-options.js';
import { type BundleAnchor, type BundleProblemCode, BundleProblems, type BundleReport } from './bundle-report.js';
import { concludeBundle } from './bundle-verdict.js';
import { failedCosignatures } from './cosigned-sizes.js';
import { openNote, readNote, withoutCosigners } from './open-note.js';

/** Runs kept for the report. */
const MAX_RUNS = 1_000;

/** Judges a bundle whose octets are at hand, whole or in pieces. */
export function verifyBundle(pieces: Iterable<Uint8Array>, options: BundleOptions = {}): BundleReport {
  const judge = new BundleJudge(options);
  for (const piece of pieces) judge.add(piece);
  return judge.conclude();
}

/** Judges a bundle as it arrives: {@link BundleJudge.add} each piece, then {@link BundleJudge.conclude} once. */
export class BundleJudge {
  readonly #options: BundleOptions;
  readonly #problems = new BundleProblems();
  readonly #lines = new BundleLines();
  readonly #frontier = new MerkleFrontier();
  readonly #entries: BundleEntries;
  /** Older checkpoints by size, and at the end the newest. */
  readonly #notes = new Map<number, Uint8Array>();
  readonly #anchors: readonly OpenAnchor[];
  readonly #runs: { first: number; last: number }[] = [];
  #runCount = 0;
  #header: BundleHeader | undefined;
  #checkpoint: Checkpoint | undefined;
  #end: BundleEnd | undefined;
  /** Leaf hash of what stands at the end of the tree so far; undefined where it is inside of a larger subtree. */
  #prevHex: string | undefined = ZERO_HASH_HEX;
  #lastRunEnd = -2;
  #hashes = 0;
  /** The file is no bundle, or one of another version: nothing behind that is looked at. */
  #stopped: 'malformed' | 'version' | undefined;

  constructor(options: BundleOptions = {}) {
    this.#options = options;
    this.#entries = new BundleEntries(this.#problems, options);
    this.#anchors = (options.anchors ?? []).map(openAnchor);
  }

  /** Takes the next octets of the file. */
  add(piece: Uint8Array): void {
    if (this.#stopped !== undefined) return;
    this.#orStop(() => {
      for (const line of this.#lines.cut(piece)) this.#line(line);
    });
  }

  /** The report, once everything was added. */
  conclude(): BundleReport {
    this.#orStop(() => {
      if (this.#stopped !== undefined) return;
      if (this.#lines.hasRest || this.#header === undefined || this.#end === undefined)
        throw malformed('it ends before its last line: it was cut off');
    });
    const size = this.#frontier.size;
    const { origin, rootHex } = this.#checkpoint ?? {};
    if (this.#stopped === undefined && this.#frontier.rootHex() !== rootHex && !this.#entries.namesAny) {
      const message = `entries and hashes do not give the root of ${size} entries that was signed: at least one of them is another`;
      this.#problems.add({ code: 'bundle.root', message });
    }
    this.#entries.conclude(this.#stopped === undefined);
    const keys =
      origin === undefined || this.#stopped !== undefined
        ? undefined
        : judgeBundleKeys(
            { origin, genesisVkey: this.#entries.genesis?.key, rotations: this.#entries.rotations, notes: this.#notes },
            this.#options.key,
            this.#problems,
          );
    const anchors = this.#anchors.map((anchor) => this.#judgeAnchor(anchor, keys));
    return concludeBundle({
      options: this.#options,
      isOfOtherVersion: this.#stopped === 'version',
      header: this.#header,
      checkpoint: this.#checkpoint,
      runs: this.#runs,
      runCount: this.#runCount,
      isWhole: this.#stopped === undefined && this.#hashes === 0,
      entries: this.#entries,
      keys,
      anchors,
      cosignatures: keys === undefined ? undefined : this.#judgeCosignatures(origin!, anchors),
      problems: this.#problems,
    });
  }

  #orStop(part: () => void): void {
    try {
      part();
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.#stopped = error.code === 'bundle.version' ? 'version' : 'malformed';
      if (this.#stopped === 'malformed') this.#problems.add({ code: 'bundle.malformed', message: error.message });
    }
  }

  #line(octets: Uint8Array): void {
    if (this.#end !== undefined) throw malformed('there is more behind its last line');
    const line = parseBundleLine(octets);
    if ((line.line === 'header') !== (this.#header === undefined)) throw malformed('its first line is not its header');
    switch (line.line) {
      case 'header':
        this.#openHeader(line);
        break;
      case 'hash':
        this.#takeHash(line);
        break;
      case 'context':
        this.#takeContext(line);
        break;
      case 'entry':
        this.#takeEntry(line);
        break;
      case 'checkpoint':
        this.#takeCheckpoint(line);
        break;
      case 'end':
        this.#takeEnd(line);
        break;
    }
  }

  #openHeader(header: BundleHeader): void {
    this.#header = header;
    const note = utf8Of(header.checkpoint);
    const read = readNote(note);
    if (!read.ok) throw malformed(`its checkpoint: ${read.message}`);
    const { origin, size } = read.checkpoint;
    if (origin !== header.origin) throw malformed('its checkpoint is that of another ledger');
    if (size < 1) throw malformed('its checkpoint covers no entry');
    this.#checkpoint = read.checkpoint;
    this.#entries.origin = origin;
    this.#notes.set(size, note);
  }

  #takeHash({ from, to, hashHex }: BundleHash): void {
    this.#requireRoom(from, to);
    this.#hashes++;
    this.#frontier.pushSubtree(Math.round(Math.log2(to - from)), hashHex);
    this.#prevHex = to - from === 1 ? hashHex : undefined;
    this.#entries.gap(to);
    this.#compareAnchors();
  }

  #takeContext(line: BundleContext): void {
    const digestHex = contextDigestHex(line.kind, line.context);
    this.#entries.payloads.addContext(line.kind, digestHex);
    this.#options.onContext?.(line, digestHex);
  }

  #takeEntry(line: BundleEntry): void {
    const { seq } = line;
    this.#requireRoom(seq, seq + 1);
    if (seq !== this.#lastRunEnd + 1 || this.#runCount === 0) {
      this.#runCount++;
      if (this.#runs.length < MAX_RUNS) this.#runs.push({ first: seq, last: seq });
    } else if (this.#runCount === this.#runs.length) this.#runs.at(-1)!.last = seq;
    this.#lastRunEnd = seq;
    const noteBefore = this.#notes.get(seq);
    const judged = this.#entries.add(line, {
      prevHex: this.#prevHex,
      noteHashBefore:
        noteBefore === undefined ? undefined : sha256Hex(withoutCosigners(noteBefore, this.#entries.origin)),
    });
    this.#frontier.push(judged.hashHex);
    this.#prevHex = judged.hashHex;
    this.#compareAnchors();
    this.#options.onEntry?.(judged);
  }

  #takeCheckpoint({ size, checkpoint }: BundleCheckpoint): void {
    if (size !== this.#frontier.size || this.#notes.has(size) || size < 1)
      throw malformed(`a checkpoint of size ${size} does not stand behind entry ${size - 1}`);
    const note = utf8Of(checkpoint);
    const read = readNote(note);
    if (!read.ok) throw malformed(`the checkpoint of size ${size}: ${read.message}`);
    const { origin, rootHex } = read.checkpoint;
    const bad = (code: BundleProblemCode, what: string): void =>
      this.#problems.add({ code, seq: size - 1, message: `the checkpoint of size ${size} ${what}` });
    if (read.checkpoint.size !== size) bad('checkpoint.size', `says ${read.checkpoint.size}`);
    else if (origin !== this.#header!.origin) bad('checkpoint.origin', 'is of another ledger');
    else if (rootHex !== this.#frontier.rootHex()) bad('checkpoint.root', 'signed another root than is here');
    this.#notes.set(size, note);
  }

  #takeEnd(end: BundleEnd): void {
    const size = this.#checkpoint!.size;
    if (this.#frontier.size !== size) throw malformed(`it covers ${this.#frontier.size} entries of ${size}`);
    if (end.entries !== this.#entries.count)
      throw malformed(`it says that it has ${end.entries} entries, and has ${this.#entries.count}`);
    this.#end = end;
  }

  #requireRoom(from: number, to: number): void {
    if (from !== this.#frontier.size || to > this.#checkpoint!.size)
      throw malformed(
        `what covers entries ${from} to ${to - 1} does not stand behind entry ${this.#frontier.size - 1}`,
      );
  }

  /** The tree has the root at an anchor's size only while it has that size. */
  #compareAnchors(): void {
    for (const anchor of this.#anchors)
      if (anchor.checkpoint?.size === this.#frontier.size) anchor.rootHere = this.#frontier.rootHex();
  }

  #judgeCosignatures(origin: string, anchors: readonly BundleAnchor[]): BundleCosignatures {
    const agreeing = this.#anchors.flatMap(({ note, checkpoint }, i) =>
      anchors[i]!.state === 'agrees' && checkpoint !== undefined ? [{ size: checkpoint.size, note }] : [],
    );
    const notes = [...this.#notes].map(([size, note]) => ({ size, note }));
    return judgeBundleCosignatures(notes, agreeing, { origin, policy: this.#options.policy?.policy }, this.#problems);
  }

  #judgeAnchor(anchor: OpenAnchor, keys: BundleKeyFindings | undefined): BundleAnchor {
    const { name, note, checkpoint, rootHere } = anchor;
    const foreign = (message: string): BundleAnchor => ({ name, size: checkpoint?.size, state: 'foreign', message });
    if (checkpoint === undefined) return foreign('not a checkpoint');
    const { size, origin, rootHex } = checkpoint;
    if (origin !== (this.#header?.origin ?? this.#options.key?.name)) return foreign(`its origin is ${origin}`);
    if (this.#options.key === undefined) return foreign('no key is held');
    if (!(keys?.keysOf(size) ?? [this.#options.key]).some((key) => openNote(note, key).ok))
      return foreign('no key of this ledger signed it');
    const [failed] = failedCosignatures(note, this.#options.policy?.policy);
    if (failed !== undefined) return foreign(failed);
    if (size === 0) return { name, size, state: 'agrees', message: 'it vouches for no entry' };
    if (rootHere === undefined) {
      const newest = this.#checkpoint?.size ?? 0;
      const why =
        size > newest ? `it is newer than the bundle, which ends at ${newest}` : 'the bundle does not lead to its size';
      return { name, size, state: 'not-compared', message: why };
    }
    if (rootHere === rootHex)
      return { name, size, state: 'agrees', message: `it vouches for the first ${size} entries` };
    const message = `the first ${size} entries are not those that the anchor ${name} vouches for: history was rewritten`;
    const evidence = [new TextDecoder().decode(note), this.#header!.checkpoint];
    this.#problems.add({ code: 'fork', message, evidence });
    return { name, size, state: 'disagrees', message };
  }
}

interface OpenAnchor {
  readonly name: string;
  readonly note: Uint8Array;
  readonly checkpoint: Checkpoint | undefined;
  rootHere: string | undefined;
}

function openAnchor({ name, note }: { readonly name: string; readonly note: Uint8Array }): OpenAnchor {
  const read = readNote(note);
  return { name, note, checkpoint: read.ok ? read.checkpoint : undefined, rootHere: undefined };
}

function malformed(what: string): FormatError {
  return new FormatError('bundle.malformed', `not a whole bundle: ${what}`);
}
