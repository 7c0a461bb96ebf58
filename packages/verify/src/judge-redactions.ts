/**
 * Redactions: what was erased, and whether the ledger says so truly. Each is bound to an earlier entry with a payload; the
 * table `erased` is the list of them by target; what it lists is not there. docs/format.md §redaction.
 */
import { type Entry, FormatError, leafHashHex } from '@infrafabric/format';
import { payloadDigestOf } from './entry-view.js';
import type { Problems } from './report.js';
import type { ChainSource, ErasedRow, StoreSource } from './source.js';

/** The redactions of a chain, or of a range of it: targets, and the entries that redact them, in order of the latter. */
export interface Redactions {
  readonly targets: readonly number[];
  readonly entries: readonly number[];
}

/** Redactions of consecutive ranges, as those of the whole. */
export function mergeRedactions(parts: readonly Redactions[]): Redactions {
  return { targets: parts.flatMap(({ targets }) => targets), entries: parts.flatMap(({ entries }) => entries) };
}

interface Claim {
  readonly seq: number;
  readonly target: number;
  readonly leaf: string;
}

/** Targets so close to each other are read together, of so many entries at most. */
const NEAR = 8;
const AT_ONCE = 500;
/** Redactions that are gathered before they are compared with their targets, in order of these. */
const GATHERED = 20_000;

/** Compares the redactions of a range with their targets. */
export class RedactionJudge {
  readonly #source: Pick<ChainSource, 'entries'>;
  readonly #problems: Problems;
  readonly #targets: number[] = [];
  readonly #entries: number[] = [];
  #claims: Claim[] = [];

  constructor(source: Pick<ChainSource, 'entries'>, problems: Problems) {
    this.#source = source;
    this.#problems = problems;
  }

  /** A redaction in its place. */
  take(seq: number, { body, critical }: Pick<Entry, 'body' | 'critical'>): void {
    const { target, leaf, reason } = body;
    const isPlace = typeof target === 'number' && Number.isSafeInteger(target) && target >= 0;
    if (!isPlace || typeof leaf !== 'string' || typeof reason !== 'string' || critical !== true) {
      this.#add('redaction.malformed', seq, 'is not critical, or lacks its target, leaf or reason');
    } else if (target >= seq) {
      this.#add('redaction.target', seq, `names entry ${target}, which does not come before it`);
    } else {
      this.#targets.push(target);
      this.#entries.push(seq);
      if (this.#claims.push({ seq, target, leaf }) >= GATHERED) this.#compareAll();
    }
  }

  /** Compares what is left, and gives all that were taken. */
  end(): Redactions {
    this.#compareAll();
    return { targets: this.#targets, entries: this.#entries };
  }

  #compareAll(): void {
    const claims = this.#claims.sort((a, b) => a.target - b.target || a.seq - b.seq);
    this.#claims = [];
    for (let i = 0; i < claims.length; ) {
      const from = claims[i]!.target;
      let to = from;
      let end = i;
      for (let next = from; next - to <= NEAR && next - from < AT_ONCE; next = claims[end]?.target ?? Infinity) {
        to = next;
        end++;
      }
      const texts = new Map<number, string>();
      for (const rows of this.#source.entries(from, to + 1))
        for (const [seq, text] of rows) if (typeof text === 'string') texts.set(seq, text);
      for (; i < end; i++) this.#compare(claims[i]!, texts.get(claims[i]!.target));
    }
  }

  #compare({ seq, target, leaf }: Claim, text: string | undefined): void {
    if (text === undefined || !hasPayload(text, target)) {
      this.#add('redaction.target', seq, `names entry ${target}, which has no payload`);
    } else if (leafHashHex(text) !== leaf) {
      this.#add('redaction.leaf', seq, `is not bound to the bytes of entry ${target}`);
    }
  }

  #add(code: 'redaction.malformed' | 'redaction.target' | 'redaction.leaf', seq: number, what: string): void {
    this.#problems.add({ code, seq, message: `the redaction in entry ${seq} ${what}` });
  }
}

function hasPayload(text: string, seq: number): boolean {
  try {
    return payloadDigestOf(text, seq) !== undefined;
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}

/** The first redaction of each target. */
export function firstRedactions({ targets, entries }: Redactions): ReadonlyMap<number, number> {
  const first = new Map<number, number>();
  for (const [i, target] of targets.entries()) if (!first.has(target)) first.set(target, entries[i]!);
  return first;
}

/**
 * Compares the table `erased` with the redactions of the whole chain: one row for each target, with its first redaction. A
 * store of version 1 has no such table; there the payloads of the targets are looked for one by one.
 */
export function judgeErased(source: StoreSource, first: ReadonlyMap<number, number>, problems: Problems): void {
  const hasTable = source.summary().userVersion !== 1;
  let listed = 0;
  const bad = (code: 'erased.unexpected' | 'erased.redaction' | 'erased.missing', seq: number, message: string): void =>
    // A larger number was rounded when it was read: it would name another row.
    problems.add({ code, ...(Number.isSafeInteger(seq) ? { seq } : {}), column: 'erased', message });
  let wrong = 0;
  for (const chunk of source.erased(0, Number.POSITIVE_INFINITY)) {
    for (const [seq, redaction] of chunk) {
      listed++;
      const entry = first.get(seq);
      if (entry === redaction) continue;
      wrong++;
      if (entry === undefined) {
        const which = Number.isSafeInteger(seq) ? `entry ${seq}` : 'an entry beyond 2^53';
        bad('erased.unexpected', seq, `${which} is listed as erased, and no redaction says so`);
      } else {
        const by = Number.isSafeInteger(redaction) ? `entry ${redaction}` : 'something that is no entry';
        bad('erased.redaction', seq, `entry ${seq} is listed as erased by ${by}; it was entry ${entry}`);
      }
    }
  }
  if (listed === first.size && wrong === 0) return;
  const seqs = new Set<number>();
  for (const chunk of source.erased(0, Number.POSITIVE_INFINITY)) for (const [seq] of chunk) seqs.add(seq);
  for (const [target, entry] of first) {
    if (seqs.has(target)) continue;
    if (hasTable) bad('erased.missing', target, `entry ${entry} erased entry ${target}, which is not listed as erased`);
    for (const [seq] of [...source.payloads(target, target + 1)].flat()) returned(seq, problems);
  }
}

/** A payload that is there although it is listed as erased. */
export function returned(seq: number, problems: Problems): void {
  const message = `the payload of entry ${seq} was erased, and is there again`;
  problems.add({ code: 'payload.returned', seq, column: 'payloads', message });
}

/** Walks along the table `erased` as payloads come by in order. */
export class ErasedCursor {
  readonly #rows: Iterator<ErasedRow>;
  #next: number | undefined;

  constructor(source: StoreSource, from: number, to: number) {
    this.#rows = flat(source.erased(from, to));
    this.#advance();
  }

  /** Whether an entry is listed. Asked in ascending order. */
  has(seq: number): boolean {
    while (this.#next !== undefined && this.#next < seq) this.#advance();
    return this.#next === seq;
  }

  #advance(): void {
    const next = this.#rows.next();
    this.#next = next.done === true ? undefined : next.value[0];
  }
}

function* flat(chunks: Iterable<readonly ErasedRow[]>): Generator<ErasedRow> {
  for (const rows of chunks) yield* rows;
}
