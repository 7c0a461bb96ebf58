/**
 * What a `span` entry says, or an `import` that holds one, as far as commands show it. A ledger file is foreign text until it is verified, so every member is
 * looked at before it is believed.
 */
import { type CountableSpan, countableSpan } from '@infrafabric/accounting';
import { type Entry, heldSpan, leafHashHex, type SpanBody, type TextAt } from '@infrafabric/format';
import { CliError } from '../cli-error.js';

/** A span entry, flat. */
export interface SpanEntry {
  readonly seq: number;
  /** Where the span is from; undefined for one of this ledger. */
  readonly imported: ImportedFrom | undefined;
  readonly hashHex: string;
  /** Receive time by the writer's clock. */
  readonly receivedUnixNano: bigint;
  readonly event: string;
  readonly component: string | undefined;
  readonly service: string | undefined;
  readonly businessId: string | undefined;
  readonly businessParentId: string | undefined;
  readonly traceId: string;
  readonly spanId: string;
  /** Undefined for a root span. */
  readonly parentSpanId: string | undefined;
  readonly kind: number;
  readonly status: number;
  readonly startUnixNano: bigint;
  readonly endUnixNano: bigint;
  readonly model: string | undefined;
  readonly provider: string | undefined;
  /** Normalised classes; undefined where the counts are not known. */
  readonly tokens: Readonly<Record<string, number>> | undefined;
  /** A model call whose counts are not known. */
  readonly isUnknownCall: boolean;
  /** What it is for counting; undefined where it bears on no total. */
  readonly countable: CountableSpan | undefined;
  /** As signed, or as an adjustment says since. */
  readonly charge: SpanCharge | undefined;
  /** Seq of the adjustment that says it. */
  readonly adjustedBy: number | undefined;
  /** Seq of an earlier entry of the same span with other content. */
  readonly conflict: number | undefined;
}

/** The entry of another ledger in which a span came. */
export interface ImportedFrom {
  readonly origin: string;
  readonly seq: number;
  readonly hashHex: string;
  readonly receivedUnixNano: bigint;
}

/** What it cost. */
export interface SpanCharge {
  readonly source: 'reported' | 'computed' | 'estimated' | 'unpriced';
  /** Pico-units of the currency; undefined when unpriced. */
  readonly costPico: bigint | undefined;
  readonly currency: string | undefined;
  /** Rate card that it was computed from, and how the model was found on it. */
  readonly card: string | undefined;
  readonly match: string | undefined;
  /** What the card that answers would have charged, where a cost was reported and there is such a card. */
  readonly compared: ComparedCharge | undefined;
}

/** A price beside a reported cost, for comparison. */
export interface ComparedCharge {
  readonly costPico: bigint;
  readonly card: string;
}

const SOURCES: ReadonlySet<unknown> = new Set(['reported', 'computed', 'estimated', 'unpriced']);
const DECIMAL = /^(?:0|[1-9][0-9]{0,19})$/;

/**
 * The span that a stored entry says; undefined for entries without one. @param textAt texts of other entries, for an import in
 * parts. @throws CliError `ledger` when it is malformed.
 */
export function spanEntryOf(seq: number, text: string, entry: Entry, textAt: TextAt): SpanEntry | undefined {
  const held = entry.type === 'import' ? heldSpan(entry, textAt) : undefined;
  const span = held?.entry ?? entry;
  if (span.type !== 'span') return undefined;
  const body = new Members(seq, span.body);
  const usage = body.object('usage');
  const charge = body.object('charge');
  return {
    seq,
    imported: held && {
      origin: held.origin,
      seq: held.entry.seq,
      hashHex: leafHashHex(held.text),
      receivedUnixNano: BigInt(held.entry.at),
    },
    hashHex: leafHashHex(text),
    receivedUnixNano: BigInt(entry.at),
    event: body.text('event') ?? body.fail('event'),
    component: body.text('component'),
    service: body.text('service'),
    businessId: body.text('business'),
    businessParentId: body.text('business_parent'),
    traceId: body.text('trace') ?? body.fail('trace'),
    spanId: body.text('span') ?? body.fail('span'),
    parentSpanId: body.text('parent'),
    kind: body.count('kind') ?? body.fail('kind'),
    status: body.count('status') ?? body.fail('status'),
    startUnixNano: body.decimal('start') ?? body.fail('start'),
    endUnixNano: body.decimal('end') ?? body.fail('end'),
    model: usage?.text('model'),
    provider: usage?.text('provider'),
    tokens: usage?.object('tokens')?.counts(),
    isUnknownCall: usage?.lists('marks', 'unknown') === true,
    countable: body.countable(span.body),
    charge: charge && chargeOf(charge),
    adjustedBy: undefined,
    // Of an import it is a seq of the other ledger.
    conflict: held === undefined ? body.count('conflict') : undefined,
  };
}

/** The same entry at the price of an adjustment. @throws CliError `ledger` when that is malformed. */
export function adjustedEntry(
  entry: SpanEntry,
  adjustment: { readonly seq: number; readonly entry: Entry },
): SpanEntry {
  const members = new Members(adjustment.seq, adjustment.entry.body).object('charge');
  const charge = members && chargeOf(members);
  const cost = charge?.costPico === undefined || charge.source === 'unpriced' ? 'none' : charge.source;
  const countable = entry.countable === undefined ? undefined : ({ ...entry.countable, cost } as const);
  return { ...entry, charge, countable, adjustedBy: adjustment.seq };
}

function chargeOf(charge: Members): SpanCharge {
  const source = charge.text('source');
  if (!SOURCES.has(source)) charge.fail('source');
  return {
    source: source as SpanCharge['source'],
    costPico: charge.decimal('cost'),
    currency: charge.text('currency'),
    card: source === 'reported' ? undefined : charge.object('rated')?.text('card'),
    match: source === 'reported' ? undefined : charge.object('rated')?.text('match'),
    compared: source === 'reported' ? comparedOf(charge.object('rated')) : undefined,
  };
}

function comparedOf(rated: Members | undefined): ComparedCharge | undefined {
  const [costPico, card] = [rated?.decimal('cost'), rated?.text('card')];
  return costPico === undefined || card === undefined ? undefined : { costPico, card };
}

/** Members of a parsed object, each of the type asked for or not there. */
class Members {
  readonly #seq: number;
  readonly #members: Readonly<Record<string, unknown>>;

  constructor(seq: number, members: object) {
    this.#seq = seq;
    this.#members = members as Readonly<Record<string, unknown>>;
  }

  fail(member: string): never {
    throw new CliError('ledger', `entry ${this.#seq} is malformed: ${member}`, { hint: 'run if-witness verify' });
  }

  countable(body: Entry['body']): CountableSpan | undefined {
    try {
      return countableSpan(this.#seq, body as unknown as SpanBody);
    } catch {
      return this.fail('usage');
    }
  }

  text(member: string): string | undefined {
    const value = this.#get(member);
    return value === undefined || typeof value === 'string' ? value : this.fail(member);
  }

  count(member: string): number | undefined {
    const value = this.#get(member);
    return value === undefined || isCount(value) ? value : this.fail(member);
  }

  decimal(member: string): bigint | undefined {
    const value = this.text(member);
    if (value === undefined) return undefined;
    return DECIMAL.test(value) ? BigInt(value) : this.fail(member);
  }

  object(member: string): Members | undefined {
    const value = this.#get(member);
    if (value === undefined) return undefined;
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? new Members(this.#seq, value)
      : this.fail(member);
  }

  counts(): Readonly<Record<string, number>> {
    for (const [name, value] of Object.entries(this.#members)) if (!isCount(value)) this.fail(name);
    return this.#members as Readonly<Record<string, number>>;
  }

  lists(member: string, text: string): boolean {
    const value = this.#get(member);
    return Array.isArray(value) && value.includes(text);
  }

  #get(member: string): unknown {
    return Object.hasOwn(this.#members, member) ? this.#members[member] : undefined;
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
