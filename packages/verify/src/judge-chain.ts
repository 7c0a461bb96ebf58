/**
 * The chain and its tree: every entry in order, each bound to the one before, all of them to the signed checkpoints.
 * docs/format.md §Verification is normative. Never throws for what a file holds.
 */
import {
  ENTRY_TYPES,
  type Entry,
  encodeCanonicalJson,
  FORMAT_VERSION,
  FormatError,
  hexOf,
  leafHashHex,
  MerkleFrontier,
  parseCanonicalJson,
  parseEntry,
  sha256Hex,
  textOfUtf8,
  utf8Of,
  ZERO_HASH_HEX,
} from '@infrafabric/format';
import { CheckpointCursor } from './checkpoint-cursor.js';
import { differingColumn, expectedColumns } from './columns.js';
import { type EntryView, viewEntry, viewHeld } from './entry-view.js';
import { adjustmentProblems, type CardOf, spanChargeProblems } from './judge-charges.js';
import { RedactionJudge, type Redactions } from './judge-redactions.js';
import { type RotationFound, rotationKey } from './key-epochs.js';
import { readNote } from './open-note.js';
import { type ReadEntry, readBlock } from './read-block.js';
import { Problems, withDamageAsFinding } from './report.js';
import type { ChainSource, CheckpointRow, EntryBlock, EntryRow } from './source.js';
import { GivenNodes, storedPeaks } from './stored-nodes.js';

/** A root that somebody outside the ledger vouches for. */
export interface VouchedRoot {
  readonly size: number;
  readonly rootHex: string;
  /** The note that says so, as evidence. */
  readonly note: string;
  /** `the remembered head`, `the anchor FILE`. */
  readonly what: string;
}

/** A part of the chain, judged by itself so that several threads can share the work. */
export interface ChainRange {
  /** First seq; a multiple of 256, so that the tree up to it can be taken from stored nodes. */
  readonly from: number;
  /** Seq after the last; the ledger's size in the last range. */
  readonly to: number;
  /** Nothing follows. */
  readonly last: boolean;
}

/** How to judge. */
export interface ChainOptions {
  /** Default: the whole chain. */
  readonly range?: ChainRange;
  /** Also require canonical JSON of every entry. */
  readonly deep?: boolean;
  readonly vouched?: readonly VouchedRoot[];
  /** Checkpoints whose signature is to be checked besides first and newest; the rest is bound by hash. */
  readonly signatureSample?: number;
  readonly onProgress?: (entries: number) => void;
  /** Rate cards at hand, to compare charges with. */
  readonly cardOf?: CardOf;
}

/** What the chain turned out to be. */
export interface ChainFindings {
  readonly entries: number;
  readonly checkpoints: number;
  readonly origin: string | undefined;
  /** Vkey that genesis names; never trusted by itself. */
  readonly genesisVkey: string | undefined;
  readonly formatVersion: number | undefined;
  readonly newest: { readonly size: number; readonly rootHex: string; readonly note: Uint8Array } | undefined;
  /** Notes whose signatures are to be checked: first, newest, first and last of each key's epoch, and a spread of the others. */
  readonly sampled: readonly { readonly size: number; readonly note: Uint8Array }[];
  readonly notUnderstood: Readonly<Record<string, number>>;
  readonly criticalNotUnderstood: boolean;
  readonly spansKnownLost: number;
  /** Seqs of `restored` entries: there a newer state was given up on purpose. */
  readonly restoredAt: readonly number[];
  /** Rotations of the signing key, in order. */
  readonly rotations: readonly RotationFound[];
  /** Entries that carry a payload's digest. */
  readonly payloadsExpected: number;
  readonly redactions: Redactions;
  /** Seqs of the first and the last `import`, whose rules {@link judgeImports} judges. */
  readonly imports: { readonly first: number; readonly last: number } | undefined;
}

/** Types whose rules this judge knows. The rest of format version 1 is counted as not understood. */
const UNDERSTOOD: ReadonlySet<string> = new Set(ENTRY_TYPES.filter((type) => type !== 'index'));

/**
 * Judges a chain, or one range of it. What a range takes from before its start (the previous entry, the tree's stored
 * nodes) is exactly what the ranges before it prove, so all of them together are as good as the whole at once. Only the
 * whole says precisely what is wrong: when a range has problems, judge the whole.
 */
export function judgeChain(source: ChainSource, problems: Problems, options: ChainOptions = {}): ChainFindings {
  return judgeFaultless(source, options) ?? new ChainJudge(source, problems, options).run();
}

/** Judges block by block. Undefined when anything is wrong: which entry that is, only the judgement row by row says. */
function judgeFaultless(source: ChainSource, options: ChainOptions): ChainFindings | undefined {
  if (source.entryBlock === undefined || options.deep === true) return undefined;
  const problems = new Problems();
  let findings: ChainFindings | undefined;
  withDamageAsFinding(problems, () => {
    findings = new ChainJudge(source, problems, options).runInBlocks();
  });
  return problems.count === 0 ? findings : undefined;
}

class ChainJudge {
  readonly #source: ChainSource;
  readonly #problems: Problems;
  readonly #options: ChainOptions;
  readonly #range: ChainRange;
  #frontier = new MerkleFrontier();
  readonly #nodes = new GivenNodes();
  readonly #checkpoints: CheckpointCursor;
  readonly #notUnderstood: Record<string, number> = {};
  readonly #sampled: { size: number; note: Uint8Array }[] = [];
  readonly #sampleEvery: number;
  #origin: string | undefined;
  #genesisVkey: string | undefined;
  #formatVersion: number | undefined;
  #criticalNotUnderstood = false;
  #spansKnownLost = 0;
  #payloadsExpected = 0;
  readonly #restoredAt: number[] = [];
  readonly #rotations: { seq: number; key: string | undefined; closed: boolean }[] = [];
  /** The next checkpoint is the first of a key's epoch. */
  #epochBegins = false;
  readonly #redactions: RedactionJudge;
  #imports: { first: number; last: number } | undefined;
  readonly #forked: VouchedRoot[] = [];
  #expectedSeq = 0;
  #prevHex = ZERO_HASH_HEX;
  #lastAt = '0';
  /** Seq whose link to its predecessor failed and is not yet attributed to one of the two. */
  #openBreak: number | undefined;
  /** The previous link failed and is attributed to the entry that starts this one. */
  #explained = false;
  /** Rows are missing or doubled, so roots say nothing any more. */
  #shifted = false;
  #rootFailed = false;
  #checkedCheckpoints = 0;
  #lastGoodSize = 0;
  /** Entries, from and to, whose bytes were said to have changed: the tree over them differs for that reason alone. */
  readonly #named: [from: number, to: number][] = [];
  #newest: { size: number; rootHex: string; note: Uint8Array } | undefined;

  constructor(source: ChainSource, problems: Problems, options: ChainOptions) {
    this.#source = source;
    this.#problems = problems;
    this.#options = options;
    this.#range = options.range ?? { from: 0, to: Number.POSITIVE_INFINITY, last: true };
    this.#redactions = new RedactionJudge(source, problems);
    this.#checkpoints = new CheckpointCursor(source, this.#range.from);
    this.#sampleEvery = Math.max(1, Math.ceil(source.checkpointCount() / (options.signatureSample ?? 10_000)));
  }

  run(): ChainFindings {
    if (this.#range.from > 0) this.#startWithin(this.#range.from);
    chunks: for (const rows of this.#source.entries(this.#range.from, this.#range.to)) {
      for (const row of rows) if (!this.#row(row)) break chunks;
      this.#options.onProgress?.(this.#expectedSeq);
    }
    this.#end();
    return this.#findings();
  }

  /** Undefined where a block could not be read or was wrong; then not all has been judged. */
  runInBlocks(): ChainFindings | undefined {
    if (this.#range.from > 0) this.#startWithin(this.#range.from);
    const next = (): EntryBlock | undefined => this.#source.entryBlock?.(this.#expectedSeq, this.#range.to);
    for (let block = next(); block !== undefined; block = next()) {
      const entries = readBlock(block, this.#expectedSeq) ?? [];
      for (const entry of entries) this.#entry(this.#expectedSeq, entry);
      if (entries.length === 0 || this.#problems.count > 0) return undefined;
      this.#options.onProgress?.(this.#expectedSeq);
    }
    this.#end();
    return this.#findings();
  }

  #findings(): ChainFindings {
    return {
      entries: this.#expectedSeq - this.#range.from,
      checkpoints: this.#checkedCheckpoints,
      origin: this.#origin,
      genesisVkey: this.#genesisVkey,
      formatVersion: this.#formatVersion,
      newest: this.#newest,
      sampled: this.#sampled,
      notUnderstood: this.#notUnderstood,
      criticalNotUnderstood: this.#criticalNotUnderstood,
      spansKnownLost: this.#spansKnownLost,
      payloadsExpected: this.#payloadsExpected,
      restoredAt: this.#restoredAt,
      rotations: this.#rotations,
      redactions: this.#redactions.end(),
      imports: this.#imports,
    };
  }

  #startWithin(from: number): void {
    const [first] = [...this.#source.entries(0, 1)].flat();
    const [before] = [...this.#source.entries(from - 1, from)].flat();
    const text = before?.[1];
    const origin = first?.[1];
    const peaks = storedPeaks(this.#source, from);
    if (typeof text !== 'string' || typeof origin !== 'string' || peaks === undefined) {
      this.#problems.add({
        code: 'entry.missing',
        seq: from - 1,
        message: `entry ${from - 1} or the tree up to it is missing`,
      });
      this.#shifted = true;
    } else {
      const view = this.#view(from - 1, text);
      this.#origin = String(this.#body(0, origin)?.origin);
      this.#prevHex = leafHashHex(text);
      this.#lastAt = view?.at ?? '0';
      this.#frontier = new MerkleFrontier(from, peaks);
    }
    this.#expectedSeq = from;
  }

  /** False when nothing after this row can be judged. */
  #row(row: EntryRow): boolean {
    const seq = this.#expectedSeq;
    const rowSeq = row[0];
    if (!Number.isSafeInteger(rowSeq) || rowSeq < seq) {
      this.#problems.add({
        code: 'entry.seq',
        seq,
        message: `a row with the impossible seq ${rowSeq} where ${seq} should be`,
      });
      this.#shifted = true;
      return false;
    }
    if (rowSeq > seq) {
      this.#checkpointsUpTo(seq);
      const until = rowSeq - 1 === seq ? '' : ` to ${rowSeq - 1}`;
      this.#problems.add({ code: 'entry.missing', seq, message: `entry ${seq}${until} is missing` });
      this.#shifted = true;
      this.#expectedSeq = rowSeq;
    }
    this.#checkpointsUpTo(rowSeq);
    const text = this.#text(row);
    const hashHex = text === undefined ? undefined : leafHashHex(text);
    const seen = text === undefined ? undefined : this.#view(rowSeq, text);
    const view = seen?.inParts === true ? viewHeld(seen, text!, (at) => this.#textAt(at)) : seen;
    if (view !== undefined) {
      this.#link(rowSeq, view);
      this.#place(rowSeq, view);
      this.#columns(row, view);
      this.#envelope(rowSeq, view, text!);
    }
    this.#leaf(rowSeq, hashHex);
    return true;
  }

  /** As {@link ChainJudge.#row}, of an entry whose row is what its bytes say. */
  #entry(seq: number, { text, hashHex, view }: ReadEntry): void {
    this.#checkpointsUpTo(seq);
    this.#link(seq, view);
    this.#place(seq, view);
    this.#envelope(seq, view, text);
    this.#leaf(seq, hashHex);
  }

  /** Lets the tree grow, by nothing where an entry could not be read. */
  #leaf(seq: number, hashHex: string | undefined): void {
    if (hashHex === undefined) this.#shifted = true;
    else this.#frontier.push(hashHex, this.#nodes.keep);
    this.#prevHex = hashHex ?? '';
    this.#expectedSeq = seq + 1;
    this.#vouchedAt(this.#expectedSeq);
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

  #view(seq: number, text: string): EntryView | undefined {
    try {
      // Canonical JSON escapes all of these; a decoder elsewhere might drop or forgive them.
      if (/[\0-\x1f]/.test(text)) throw new FormatError('entry.malformed', 'a raw control character');
      const view = viewEntry(text, this.#prevHex);
      if (this.#options.deep === true && encodeCanonicalJson(parseCanonicalJson(text)) !== text)
        throw new Error('unreachable');
      return view;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      const code = error.code === 'entry.malformed' ? 'entry.malformed' : 'entry.not-canonical';
      this.#problems.add({ code, seq, message: `entry ${seq}: ${error.message}` });
      return undefined;
    }
  }

  /**
   * Binds an entry to its predecessor. One broken link means that the predecessor's bytes changed; two in a row mean that
   * the entry between them did, its `prev` included.
   */
  #link(seq: number, view: EntryView): void {
    const holds = view.prev === this.#prevHex;
    if (holds) {
      if (this.#openBreak !== undefined) this.#broken(this.#openBreak - 1);
      this.#openBreak = undefined;
      this.#explained = false;
    } else if (this.#openBreak !== undefined) {
      this.#broken(this.#openBreak);
      this.#openBreak = undefined;
      this.#explained = true;
    } else if (this.#explained) this.#explained = false;
    // An entry that says that it belongs elsewhere is itself what is wrong here.
    else if (seq === 0 || this.#shifted || this.#prevHex === '' || view.seq !== seq) this.#broken(seq);
    else this.#openBreak = seq;
  }

  #broken(seq: number): void {
    this.#named.push([seq, seq]);
    this.#problems.add({
      code: 'entry.prev',
      seq,
      message: `Hash chain broken at entry ${seq}: its bytes are not those that its neighbours are bound to`,
    });
  }

  /** What an entry says of its seq and its time. */
  #place(seq: number, view: EntryView): void {
    if (view.seq !== seq) {
      this.#problems.add({
        code: 'entry.seq',
        seq,
        message: `the entry stored at ${seq} says that it is entry ${view.seq}`,
      });
    }
    const backwards =
      view.at.length < this.#lastAt.length || (view.at.length === this.#lastAt.length && view.at < this.#lastAt);
    if (backwards !== view.backwards) {
      this.#problems.add({
        code: 'entry.clock',
        seq,
        message: `entry ${seq} does not say truly whether the clock went backwards`,
      });
    }
    this.#lastAt = view.at;
  }

  #envelope(seq: number, view: EntryView, text: string): void {
    if (view.payload !== undefined) this.#payloadsExpected++;
    this.#checkpointMember(seq, view);
    if (seq === 0) this.#genesis(view, text);
    else if (view.type === 'genesis') {
      this.#problems.add({ code: 'genesis.malformed', seq, message: `entry ${seq} is a second genesis entry` });
    }
    if (view.type === 'restored') this.#restoredAt.push(seq);
    if (view.type === 'rotation') {
      this.#rotations.push({ seq, key: rotationKey(this.#body(seq, text)), closed: false });
    }
    if (view.type === 'import') this.#imports = { first: this.#imports?.first ?? seq, last: seq };
    if (view.type === 'gap') this.#gap(seq, text);
    if (view.type === 'redaction') this.#redaction(seq, view, text);
    if (view.span?.isRated === true) this.#charge(seq, text);
    if (view.type === 'adjustment') this.#adjustment(seq, text);
    if (view.type !== 'span' && !UNDERSTOOD.has(view.type)) {
      this.#notUnderstood[view.type] = (this.#notUnderstood[view.type] ?? 0) + 1;
      if (view.critical) this.#criticalNotUnderstood = true;
    }
  }

  #columns([seq, , columns]: EntryRow, view: EntryView): void {
    const differs = this.#differingColumn(seq, view, columns);
    if (differs === undefined) return;
    this.#problems.add({
      code: 'entry.column',
      seq,
      column: differs,
      message: `column ${differs} of entry ${seq} differs from what was signed`,
    });
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

  #genesis(view: EntryView, text: string): void {
    const { format, key, origin } = this.#body(0, text) ?? {};
    if (
      view.type !== 'genesis' ||
      typeof origin !== 'string' ||
      typeof key !== 'string' ||
      typeof format !== 'number'
    ) {
      this.#problems.add({ code: 'genesis.malformed', seq: 0, message: 'entry 0 is not a genesis entry' });
      return;
    }
    this.#origin = origin;
    this.#genesisVkey = key;
    this.#formatVersion = format;
    if (format !== FORMAT_VERSION) this.#criticalNotUnderstood = true;
  }

  #gap(seq: number, text: string): void {
    const { count } = this.#body(seq, text) ?? {};
    if (typeof count === 'number') this.#spansKnownLost += count;
  }

  #redaction(seq: number, { critical }: EntryView, text: string): void {
    const body = this.#body(seq, text);
    if (body !== undefined) this.#redactions.take(seq, critical ? { body, critical } : { body });
  }

  #charge(seq: number, text: string): void {
    const body = this.#body(seq, text);
    for (const problem of body === undefined ? [] : spanChargeProblems({ body }, this.#options.cardOf))
      this.#problems.add({ code: 'entry.charge', seq, message: `the charge of entry ${seq}: ${problem}` });
  }

  #adjustment(seq: number, text: string): void {
    const body = this.#body(seq, text);
    if (body === undefined) return;
    const textAt = (at: number): string | undefined => this.#textAt(at);
    for (const problem of adjustmentProblems({ body }, this.#earlier(body.target, seq), this.#options.cardOf, textAt))
      this.#problems.add({ code: 'adjustment.charge', seq, message: `the adjustment in entry ${seq}: ${problem}` });
  }

  /** An entry that comes before another. */
  #earlier(target: unknown, seq: number): { readonly text: string; readonly entry: Entry } | undefined {
    if (typeof target !== 'number' || !Number.isSafeInteger(target) || target < 0 || target >= seq) return undefined;
    const text = this.#textAt(target);
    if (text === undefined) return undefined;
    try {
      return { text, entry: parseEntry(text) };
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return undefined;
    }
  }

  #textAt(seq: number): string | undefined {
    const [row] = [...this.#source.entries(seq, seq + 1)].flat();
    return typeof row?.[1] === 'string' ? row[1] : undefined;
  }

  /** A body as a whole, which {@link viewEntry} leaves unread. */
  #body(seq: number, text: string): Entry['body'] | undefined {
    try {
      return parseEntry(text).body;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.#problems.add({ code: 'entry.malformed', seq, message: `entry ${seq}: ${error.message}` });
      return undefined;
    }
  }

  /** The first entry after a checkpoint carries the hash of its note; no other entry carries one. */
  #checkpointMember(seq: number, view: EntryView): void {
    const row = seq === 0 ? undefined : this.#checkpoints.lastIfSize(seq);
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

  /** Judges the text of each stored checkpoint once the tree has reached its size. */
  #checkpointsUpTo(size: number): void {
    for (let row = this.#checkpoints.next(size); row !== undefined; row = this.#checkpoints.next(size)) {
      this.#checkpoint(row, size);
    }
  }

  #checkpoint({ size, note }: CheckpointRow, reached: number): void {
    this.#checkedCheckpoints++;
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
    if (this.#origin !== undefined && checkpoint.origin !== this.#origin) {
      this.#problems.add({
        code: 'checkpoint.origin',
        seq,
        message: `the checkpoint of size ${size} is of another ledger`,
      });
    }
    if (size < reached) {
      // Only rows that were skipped can lie below; the tree that it covers is not there.
      return;
    }
    this.#newest = { size, rootHex: checkpoint.rootHex, note: note! };
    const isEdge = closes || this.#epochBegins;
    this.#epochBegins = closes;
    if (isEdge || this.#checkedCheckpoints === 1 || this.#checkedCheckpoints % this.#sampleEvery === 0)
      this.#sampled.push({ size, note: note! });
    if (this.#shifted || this.#rootFailed) return;
    if (this.#frontier.size === size && this.#frontier.rootHex() === checkpoint.rootHex) {
      this.#lastGoodSize = size;
      return;
    }
    this.#rootFailed = true;
    this.#unexplainedRoot(size);
  }

  #closesEpoch(size: number): boolean {
    const rotation = this.#rotations.at(-1);
    if (rotation?.seq !== size - 1) return false;
    rotation.closed = true;
    return true;
  }

  /** Signed root and entries differ. Where a link broke, that says more; else the change is consistent up to here. */
  #unexplainedRoot(size: number): void {
    if (this.#problems.anyInvalid || this.#openBreak !== undefined) return;
    const first = this.#lastGoodSize;
    this.#named.push([first, size - 1]);
    this.#problems.add({
      code: 'checkpoint.root',
      seq: size - 1,
      message: `entries ${first} to ${size - 1} are not those that the checkpoint of size ${size} signed; the last of them does not fit, at the latest`,
    });
  }

  /** Remembers forks: the evidence against them is the newest note, which is not known yet. */
  #vouchedAt(size: number): void {
    for (const vouched of this.#options.vouched ?? []) {
      if (vouched.size === size && this.#frontier.rootHex() !== vouched.rootHex) this.#forked.push(vouched);
    }
  }

  #fork({ size, what, note }: VouchedRoot): void {
    const newest = this.#newestNoteText();
    this.#problems.add({
      code: 'fork',
      message: `the first ${size} entries are not those that ${what} vouches for: history was rewritten`,
      evidence: newest === undefined ? [note] : [note, newest],
    });
  }

  #end(): void {
    const size = this.#expectedSeq;
    this.#checkpointsUpTo(size);
    if (this.#openBreak !== undefined) this.#broken(this.#culpritAtTheEnd(this.#openBreak));
    this.#nodes.judge(this.#source, { ...this.#range, comparable: !this.#shifted, named: this.#named }, this.#problems);
    const { note, size: newestSize } = this.#newest ?? {};
    if (note !== undefined && this.#sampled.at(-1)?.size !== newestSize)
      this.#sampled.push({ size: newestSize!, note });
    for (const vouched of this.#forked) this.#fork(vouched);
    if (!this.#range.last) return;
    const last = this.#checkpoints.lastIfSize(size);
    if (size === 0)
      this.#problems.add({
        code: 'genesis.missing',
        seq: 0,
        message: 'there is no genesis entry: an empty or headless ledger',
      });
    else if (last === undefined && !this.#checkpoints.hasBeyond()) {
      const covered = this.#newest?.size ?? 0;
      this.#problems.add({
        code: 'entry.uncovered',
        seq: covered,
        message: `entries from ${covered} on are covered by no checkpoint`,
      });
    }
    this.#beyond(size);
    for (const vouched of this.#options.vouched ?? []) if (vouched.size > size) this.#rollback(vouched, size);
  }

  /** The last link broke: the predecessor changed if its committed hash, put in its place, gives the signed root. */
  #culpritAtTheEnd(seq: number): number {
    const signed = this.#newest;
    if (signed === undefined || signed.size !== seq + 1) return seq - 1;
    const frontier = new MerkleFrontier();
    for (const rows of this.#source.entries(0, Number.POSITIVE_INFINITY)) {
      for (const [at, entry] of rows) {
        const text = typeof entry === 'string' ? entry : '';
        if (at === seq) {
          frontier.push(leafHashHex(text));
          return frontier.rootHex() === signed.rootHex ? seq - 1 : seq;
        }
        frontier.push(at === seq - 1 ? this.#claimOf(seq) : leafHashHex(text));
      }
    }
    return seq - 1;
  }

  #claimOf(seq: number): string {
    return viewEntry(textOfUtf8(this.#source.entryOctets(seq).entry)).prev;
  }

  #beyond(size: number): void {
    const beyond = this.#checkpoints.beyond();
    for (const row of beyond.slice(0, 1)) {
      this.#problems.add({
        code: 'entry.missing',
        seq: size,
        message: `a checkpoint covers ${row.size} entries, but only ${size} are there: the end was cut off`,
      });
    }
  }

  #rollback({ size: vouched, what, note }: VouchedRoot, size: number): void {
    const newest = this.#newestNoteText();
    this.#problems.add({
      code: 'rollback',
      seq: size,
      message: `${what} vouches for ${vouched} entries, but only ${size} are there: the end was cut off, or this is an older copy`,
      evidence: newest === undefined ? [note] : [note, newest],
    });
  }

  #newestNoteText(): string | undefined {
    return this.#newest === undefined ? undefined : new TextDecoder().decode(this.#newest.note);
  }
}
