/**
 * The chain and its tree: every entry in order, each bound to the one before, all of them to the signed checkpoints.
 * docs/format.md §Verification is normative. Never throws for what a file holds.
 */
import { leafHashHex, MerkleFrontier } from '@infrafabric/format';
import { ChainState } from './chain/chain-state.js';
import { Checkpoints } from './chain/checkpoints.js';
import { EntryRows } from './chain/entry-rows.js';
import { EntryTypes } from './chain/entry-types.js';
import { Links } from './chain/links.js';
import { Vouched } from './chain/vouched.js';
import type { ChainFindings, ChainOptions, ChainRange } from './chain-findings.js';
import type { EntryView } from './entry-view.js';
import { type ReadEntry, readBlock } from './read-block.js';
import { Problems, withDamageAsFinding } from './report.js';
import type { ChainSource, EntryBlock, EntryRow } from './source.js';
import { GivenNodes, storedPeaks } from './stored-nodes.js';

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

/** Goes through the entries, once. */
class ChainJudge {
  readonly #source: ChainSource;
  readonly #problems: Problems;
  readonly #options: ChainOptions;
  readonly #range: ChainRange;
  readonly #state = new ChainState();
  readonly #nodes = new GivenNodes();
  readonly #rows: EntryRows;
  readonly #links: Links;
  readonly #types: EntryTypes;
  readonly #checkpoints: Checkpoints;
  readonly #vouched: Vouched;

  constructor(source: ChainSource, problems: Problems, options: ChainOptions) {
    this.#source = source;
    this.#problems = problems;
    this.#options = options;
    this.#range = options.range ?? { from: 0, to: Number.POSITIVE_INFINITY, last: true };
    const state = this.#state;
    this.#rows = new EntryRows(source, problems, options.deep === true);
    this.#links = new Links(source, problems, state);
    this.#types = new EntryTypes(source, this.#rows, problems, state, options.cardOf);
    this.#checkpoints = new Checkpoints(source, problems, options, { state, links: this.#links, types: this.#types });
    this.#vouched = new Vouched(options.vouched ?? [], problems);
  }

  run(): ChainFindings {
    if (this.#range.from > 0) this.#startWithin(this.#range.from);
    chunks: for (const rows of this.#source.entries(this.#range.from, this.#range.to)) {
      for (const row of rows) if (!this.#row(row)) break chunks;
      this.#options.onProgress?.(this.#state.seq);
    }
    return this.#end();
  }

  /** Undefined where a block could not be read or was wrong; then not all has been judged. */
  runInBlocks(): ChainFindings | undefined {
    if (this.#range.from > 0) this.#startWithin(this.#range.from);
    const state = this.#state;
    const next = (): EntryBlock | undefined => this.#source.entryBlock?.(state.seq, this.#range.to);
    for (let block = next(); block !== undefined; block = next()) {
      const entries = readBlock(block, state.seq) ?? [];
      for (const entry of entries) this.#entry(state.seq, entry);
      if (entries.length === 0 || this.#problems.count > 0) return undefined;
      this.#options.onProgress?.(state.seq);
    }
    return this.#end();
  }

  #startWithin(from: number): void {
    const state = this.#state;
    const text = this.#rows.textAt(from - 1);
    const origin = this.#rows.textAt(0);
    const peaks = storedPeaks(this.#source, from);
    if (text === undefined || origin === undefined || peaks === undefined) {
      this.#problems.add({
        code: 'entry.missing',
        seq: from - 1,
        message: `entry ${from - 1} or the tree up to it is missing`,
      });
      state.isShifted = true;
    } else {
      const view = this.#rows.view(from - 1, text, state.prevHex);
      state.origin = String(this.#types.body(0, origin)?.origin);
      state.prevHex = leafHashHex(text);
      state.lastAt = view?.at ?? '0';
      state.frontier = new MerkleFrontier(from, peaks);
    }
    state.seq = from;
  }

  /** False when nothing after this row can be judged. */
  #row(row: EntryRow): boolean {
    const state = this.#state;
    const { seq } = state;
    const rowSeq = row[0];
    if (!Number.isSafeInteger(rowSeq) || rowSeq < seq) {
      this.#problems.add({
        code: 'entry.seq',
        seq,
        message: `a row with the impossible seq ${rowSeq} where ${seq} should be`,
      });
      state.isShifted = true;
      return false;
    }
    if (rowSeq > seq) {
      this.#checkpoints.judgeUpTo(seq);
      const until = rowSeq - 1 === seq ? '' : ` to ${rowSeq - 1}`;
      this.#problems.add({ code: 'entry.missing', seq, message: `entry ${seq}${until} is missing` });
      state.isShifted = true;
      state.seq = rowSeq;
    }
    this.#checkpoints.judgeUpTo(rowSeq);
    const read = this.#rows.read(row, state.prevHex);
    const view = read?.view;
    if (view !== undefined) {
      this.#links.judge(rowSeq, view);
      this.#place(rowSeq, view);
      this.#rows.columns(row, view);
      this.#meaning(rowSeq, view, read!.text);
    }
    this.#grow(rowSeq, read?.hashHex);
    return true;
  }

  /** As {@link ChainJudge.#row}, of an entry whose row is what its bytes say. */
  #entry(seq: number, { text, hashHex, view }: ReadEntry): void {
    this.#checkpoints.judgeUpTo(seq);
    this.#links.judge(seq, view);
    this.#place(seq, view);
    this.#meaning(seq, view, text);
    this.#grow(seq, hashHex);
  }

  /** What an entry says of its seq and its time. */
  #place(seq: number, view: EntryView): void {
    const state = this.#state;
    if (view.seq !== seq) {
      this.#problems.add({
        code: 'entry.seq',
        seq,
        message: `the entry stored at ${seq} says that it is entry ${view.seq}`,
      });
    }
    const { lastAt } = state;
    const backwards = view.at.length < lastAt.length || (view.at.length === lastAt.length && view.at < lastAt);
    if (backwards !== view.backwards) {
      this.#problems.add({
        code: 'entry.clock',
        seq,
        message: `entry ${seq} does not say truly whether the clock went backwards`,
      });
    }
    state.lastAt = view.at;
  }

  /** What an entry says of the checkpoint before it, and of everything else. */
  #meaning(seq: number, view: EntryView, text: string): void {
    this.#checkpoints.judgeNamedBy(seq, view);
    this.#types.judge(seq, view, text);
  }

  /** Lets the tree grow, by nothing where an entry could not be read. */
  #grow(seq: number, hashHex: string | undefined): void {
    const state = this.#state;
    if (hashHex === undefined) state.isShifted = true;
    else state.frontier.push(hashHex, this.#nodes.keep);
    state.prevHex = hashHex ?? '';
    state.seq = seq + 1;
    this.#vouched.judgeAt(state);
  }

  #end(): ChainFindings {
    const { seq: size, isShifted, named } = this.#state;
    const checkpoints = this.#checkpoints;
    checkpoints.judgeUpTo(size);
    this.#links.end(checkpoints.newest);
    this.#nodes.judge(this.#source, { ...this.#range, comparable: !isShifted, named }, this.#problems);
    checkpoints.sampleNewest();
    const newest = checkpoints.newestNoteText();
    this.#vouched.endForks(newest);
    if (this.#range.last) {
      if (size === 0) {
        this.#problems.add({
          code: 'genesis.missing',
          seq: 0,
          message: 'there is no genesis entry: an empty or headless ledger',
        });
      }
      checkpoints.judgeEnd(size);
      this.#vouched.endRollbacks(size, newest);
    }
    return {
      entries: size - this.#range.from,
      checkpoints: checkpoints.count,
      origin: this.#state.origin,
      newest: checkpoints.newest,
      sampled: checkpoints.sampled,
      ...this.#types.end(),
    };
  }
}
