/** What entries of each type must say, and what is counted of them. docs/format.md §Entries. */
import { type Entry, FORMAT_VERSION, FormatError, isKnownType, parseEntry } from '@infrafabric/format';
import type { ChainFindings } from '../chain-findings.js';
import type { EntryView } from '../entry-view.js';
import { adjustmentProblems, type CardOf, spanChargeProblems } from '../judge-charges.js';
import { RedactionJudge } from '../judge-redactions.js';
import { rotationKey } from '../key-epochs.js';
import type { Problems } from '../report.js';
import type { ChainSource } from '../source.js';
import type { ChainState } from './chain-state.js';
import type { EntryRows } from './entry-rows.js';

/** What a type's entries turned out to say. */
export type TypeFindings = Pick<
  ChainFindings,
  | 'genesisVkey'
  | 'formatVersion'
  | 'notUnderstood'
  | 'criticalNotUnderstood'
  | 'spansKnownLost'
  | 'payloadsExpected'
  | 'restoredAt'
  | 'rotations'
  | 'redactions'
  | 'imports'
  | 'indexes'
>;

/** Judges entries by their types. */
export class EntryTypes {
  /** Rotations so far, which checkpoints close. */
  readonly rotations: { seq: number; key: string | undefined; closed: boolean }[] = [];
  readonly #rows: EntryRows;
  readonly #problems: Problems;
  readonly #state: ChainState;
  readonly #cardOf: CardOf | undefined;
  readonly #redactions: RedactionJudge;
  readonly #notUnderstood: Record<string, number> = {};
  readonly #restoredAt: number[] = [];
  readonly #indexes: number[] = [];
  #imports: { first: number; last: number } | undefined;
  #genesisVkey: string | undefined;
  #formatVersion: number | undefined;
  #criticalNotUnderstood = false;
  #spansKnownLost = 0;
  #payloadsExpected = 0;

  constructor(source: ChainSource, rows: EntryRows, problems: Problems, state: ChainState, cardOf: CardOf | undefined) {
    this.#rows = rows;
    this.#problems = problems;
    this.#state = state;
    this.#cardOf = cardOf;
    this.#redactions = new RedactionJudge(source, problems);
  }

  /** Judges an entry by its type. */
  judge(seq: number, view: EntryView, text: string): void {
    if (view.payload !== undefined) this.#payloadsExpected++;
    if (seq === 0) this.#genesis(view, text);
    else if (view.type === 'genesis') {
      this.#problems.add({ code: 'genesis.malformed', seq, message: `entry ${seq} is a second genesis entry` });
    }
    // An import may hold a span, too.
    if (view.span?.isRated === true) this.#charge(seq, text);
    if (view.type !== 'span') this.#control(seq, view, text);
  }

  /** A body as a whole, which a view leaves unread. */
  body(seq: number, text: string): Entry['body'] | undefined {
    try {
      return parseEntry(text).body;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.#problems.add({ code: 'entry.malformed', seq, message: `entry ${seq}: ${error.message}` });
      return undefined;
    }
  }

  /** What was found; nothing follows. */
  end(): TypeFindings {
    return {
      genesisVkey: this.#genesisVkey,
      formatVersion: this.#formatVersion,
      notUnderstood: this.#notUnderstood,
      criticalNotUnderstood: this.#criticalNotUnderstood,
      spansKnownLost: this.#spansKnownLost,
      payloadsExpected: this.#payloadsExpected,
      restoredAt: this.#restoredAt,
      rotations: this.rotations,
      redactions: this.#redactions.end(),
      imports: this.#imports,
      indexes: this.#indexes,
    };
  }

  /** An entry that is no span. */
  #control(seq: number, view: EntryView, text: string): void {
    if (view.type === 'restored') this.#restoredAt.push(seq);
    if (view.type === 'rotation') {
      this.rotations.push({ seq, key: rotationKey(this.body(seq, text)), closed: false });
    }
    if (view.type === 'import') this.#imports = { first: this.#imports?.first ?? seq, last: seq };
    if (view.type === 'index') this.#indexes.push(seq);
    if (view.type === 'gap') this.#gap(seq, text);
    if (view.type === 'redaction') this.#redaction(seq, view, text);
    if (view.type === 'adjustment') this.#adjustment(seq, text);
    if (!isKnownType(view.type)) {
      this.#notUnderstood[view.type] = (this.#notUnderstood[view.type] ?? 0) + 1;
      if (view.critical) this.#criticalNotUnderstood = true;
    }
  }

  #genesis(view: EntryView, text: string): void {
    const { format, key, origin } = this.body(0, text) ?? {};
    if (
      view.type !== 'genesis' ||
      typeof origin !== 'string' ||
      typeof key !== 'string' ||
      typeof format !== 'number'
    ) {
      this.#problems.add({ code: 'genesis.malformed', seq: 0, message: 'entry 0 is not a genesis entry' });
      return;
    }
    this.#state.origin = origin;
    this.#genesisVkey = key;
    this.#formatVersion = format;
    if (format !== FORMAT_VERSION) this.#criticalNotUnderstood = true;
  }

  #gap(seq: number, text: string): void {
    const { count } = this.body(seq, text) ?? {};
    if (typeof count === 'number') this.#spansKnownLost += count;
  }

  #redaction(seq: number, { critical }: EntryView, text: string): void {
    const body = this.body(seq, text);
    if (body !== undefined) this.#redactions.take(seq, critical ? { body, critical } : { body });
  }

  #charge(seq: number, text: string): void {
    const body = this.body(seq, text);
    for (const problem of body === undefined ? [] : spanChargeProblems({ body }, this.#cardOf))
      this.#problems.add({ code: 'entry.charge', seq, message: `the charge of entry ${seq}: ${problem}` });
  }

  #adjustment(seq: number, text: string): void {
    const body = this.body(seq, text);
    if (body === undefined) return;
    const textAt = (at: number): string | undefined => this.#rows.textAt(at);
    for (const problem of adjustmentProblems({ body }, this.#earlier(body.target, seq), this.#cardOf, textAt))
      this.#problems.add({ code: 'adjustment.charge', seq, message: `the adjustment in entry ${seq}: ${problem}` });
  }

  /** An entry that comes before another. */
  #earlier(target: unknown, seq: number): { readonly text: string; readonly entry: Entry } | undefined {
    if (typeof target !== 'number' || !Number.isSafeInteger(target) || target < 0 || target >= seq) return undefined;
    const text = this.#rows.textAt(target);
    if (text === undefined) return undefined;
    try {
      return { text, entry: parseEntry(text) };
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return undefined;
    }
  }
}
