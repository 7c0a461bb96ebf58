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

/** Where targets lie close together, so many entries are read at once. */
const NEAR = 64;

/** Gathers the redactions of a range, and compares them with their targets when all are known. */
export class RedactionJudge {
  readonly #problems: Problems;
  readonly #claims: Claim[] = [];

  constructor(problems: Problems) {
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
    } else this.#claims.push({ seq, target, leaf });
  }

  /** Compares every claim with its target, in order of the targets. */
  judge(source: Pick<ChainSource, 'entries'>): Redactions {
    const byTarget = [...this.#claims].sort((a, b) => a.target - b.target || a.seq - b.seq);
    for (let i = 0; i < byTarget.length; ) {
      const from = byTarget[i]!.target;
      let end = i + 1;
      while (end < byTarget.length && byTarget[end]!.target < from + NEAR) end++;
      const texts = new Map<number, string>();
      for (const rows of source.entries(from, byTarget[end - 1]!.target + 1))
        for (const [seq, text] of rows) if (typeof text === 'string') texts.set(seq, text);
      for (; i < end; i++) this.#compare(byTarget[i]!, texts.get(byTarget[i]!.target));
    }
    return {
      targets: this.#claims.map(({ target }) => target),
      entries: this.#claims.map(({ seq }) => seq),
    };
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
    problems.add({ code, seq, column: 'erased', message });
  const rows = new Set<number>();
  for (const chunk of source.erased(0, Number.POSITIVE_INFINITY)) {
    for (const [seq, redaction] of chunk) {
      listed++;
      const entry = first.get(seq);
      if (entry === redaction) continue;
      rows.add(seq);
      if (entry === undefined) bad('erased.unexpected', seq, `entry ${seq} is listed as erased, and no redaction says so`);
      else bad('erased.redaction', seq, `entry ${seq} is listed as erased by entry ${redaction}; it was entry ${entry}`);
    }
  }
  if (listed === first.size && rows.size === 0) return;
  const complete = new Set<number>();
  for (const chunk of source.erased(0, Number.POSITIVE_INFINITY)) for (const [seq] of chunk) complete.add(seq);
  for (const [target, entry] of first) {
    if (complete.has(target)) continue;
    if (hasTable) bad('erased.missing', target, `entry ${entry} erased entry ${target}, which is not listed as erased`);
    for (const [row] of [...source.payloads(target, target + 1)].flat()) returned(row[0], problems);
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
    const { value, done } = this.#rows.next();
    this.#next = done === true ? undefined : value[0];
  }
}

function* flat(chunks: Iterable<readonly ErasedRow[]>): Generator<ErasedRow> {
  for (const rows of chunks) yield* rows;
}
