/**
 * Body of a `span` entry: what the ledger signs of a finished span in clear. The rest of the span is its payload.
 * A fixed-schema encoder writes the members in canonical order; docs/format.md §Span is normative.
 */
import { encodeInteger, encodeString } from './canonical-json.js';

/** Counts by class, e.g. `{ input: 100, output: 50 }`; names match `[a-z][a-z0-9_]{0,31}`. */
export type Counts = Readonly<Record<string, number>>;

/** Text by name, e.g. quantities by unit, or which attribute key gave which field. */
export type Texts = Readonly<Record<string, string>>;

/** What this one span said about model usage. Which spans count towards totals is derived, never signed. */
export interface Usage {
  /** Field → attribute key that it was read from. */
  readonly keys?: Texts;
  /** Remarks on the counts, sorted: `estimated`, `inferred`, `impossible`, `unknown` … */
  readonly marks?: readonly string[];
  /** Model that is billed. */
  readonly model?: string;
  readonly operation?: string;
  readonly provider?: string;
  /** Counts as the span gave them. */
  readonly raw?: Counts;
  /** The provider's response id. */
  readonly response?: string;
  /** Name of the instrumentation scope, on which some readings depend. */
  readonly scope?: string;
  /** Version of the attribute table that was used. */
  readonly table?: string;
  /** Normalised: `input` (uncached), `cache_read`, `cache_write_5m`, `cache_write_1h`, `output`, `reasoning` (inside output) … */
  readonly tokens?: Counts;
  /** Quantities that are not tokens, exact decimals: frame, minute, call, megabit_minute … */
  readonly units?: Texts;
}

/** One line of a rated charge: `cost = quantity × rate / per`, half-even to a whole pico-unit. */
export interface RatedLine {
  /** Token class or unit. */
  readonly class: string;
  /** Pico-units of the currency, decimal integer. */
  readonly cost: string;
  /** What the rate is per: `1000000` for tokens, `1` for units. Decimal integer. */
  readonly per: string;
  /** Exact decimal. */
  readonly quantity: string;
  /** Exact decimal, in the currency. */
  readonly rate: string;
}

/** A cost computed from a rate card; anyone with the card can recompute it. */
export interface Rated {
  readonly card: string;
  /** Sum of the lines' costs, pico-units, decimal integer. */
  readonly cost: string;
  readonly lines: readonly RatedLine[];
  /** How the model was matched to the card: `exact`, `prefix`, `fallback`. */
  readonly match: string;
  /** The card's name for the model or unit. */
  readonly model: string;
  /** SHA-256 of the card, hex. */
  readonly sha256: string;
  readonly tier?: string;
}

/** Where a cost came from. `unpriced` has no cost: unknown is not zero. */
export type ChargeSource = 'reported' | 'computed' | 'estimated' | 'unpriced';

/** What this one span cost. */
export interface Charge {
  /** Pico-units (10⁻¹²) of the currency, decimal integer; absent when unpriced. */
  readonly cost?: string;
  /** ISO 4217 code; present with `cost`. */
  readonly currency?: string;
  /** For `reported` and `estimated`: the attribute key that said so. */
  readonly key?: string;
  /** The computed cost, also kept beside a reported one so that the two can be compared. */
  readonly rated?: Rated;
  readonly source: ChargeSource;
}

/** A span as signed. */
export interface SpanBody {
  /** Business trace id. */
  readonly business?: string;
  /** Business trace id of the parent flow. */
  readonly business_parent?: string;
  readonly charge?: Charge;
  readonly component?: string;
  /** Seq of an earlier entry with the same trace id and span id but other content. */
  readonly conflict?: number;
  /** Sorted names of members whose text was cut; whole in the payload. */
  readonly cut?: readonly string[];
  /** End, Unix nanoseconds, decimal uint64. */
  readonly end: string;
  /** Span name. */
  readonly event: string;
  /** OTLP SpanKind as uint32. */
  readonly kind: number;
  /** Sorted names of span fields that could not be kept exactly. */
  readonly lossy?: readonly string[];
  /** Parent span id, 16 hex. */
  readonly parent?: string;
  /** Resource attribute `service.name`. */
  readonly service?: string;
  /** Span id, 16 hex. */
  readonly span: string;
  /** Start, Unix nanoseconds, decimal uint64. */
  readonly start: string;
  /** OTLP Status.code as uint32. */
  readonly status: number;
  /** Trace id, 32 hex. */
  readonly trace: string;
  readonly usage?: Usage;
}

/**
 * Canonical JSON of a span body. Ids, times and the charge's source are written as they are: hex, decimal text and a word
 * of {@link ChargeSource} are the caller's duty. @throws FormatError `json.value` for what cannot be written exactly.
 */
export function encodeSpanBody(body: SpanBody): string {
  let text = '{';
  if (body.business !== undefined) text += `"business":${encodeString(body.business)},`;
  if (body.business_parent !== undefined) text += `"business_parent":${encodeString(body.business_parent)},`;
  if (body.charge !== undefined) text += `"charge":${encodeCharge(body.charge)},`;
  if (body.component !== undefined) text += `"component":${encodeString(body.component)},`;
  if (body.conflict !== undefined) text += `"conflict":${encodeInteger(body.conflict)},`;
  if (body.cut !== undefined) text += `"cut":${encodeStrings(body.cut)},`;
  text += `"end":"${body.end}","event":${encodeString(body.event)},"kind":${encodeInteger(body.kind)}`;
  if (body.lossy !== undefined) text += `,"lossy":${encodeStrings(body.lossy)}`;
  if (body.parent !== undefined) text += `,"parent":"${body.parent}"`;
  if (body.service !== undefined) text += `,"service":${encodeString(body.service)}`;
  text += `,"span":"${body.span}","start":"${body.start}","status":${encodeInteger(body.status)},"trace":"${body.trace}"`;
  if (body.usage !== undefined) text += `,"usage":${encodeUsage(body.usage)}`;
  return `${text}}`;
}

function encodeUsage(usage: Usage): string {
  const members: string[] = [];
  if (usage.keys !== undefined) members.push(`"keys":${encodeTexts(usage.keys)}`);
  if (usage.marks !== undefined) members.push(`"marks":${encodeStrings(usage.marks)}`);
  if (usage.model !== undefined) members.push(`"model":${encodeString(usage.model)}`);
  if (usage.operation !== undefined) members.push(`"operation":${encodeString(usage.operation)}`);
  if (usage.provider !== undefined) members.push(`"provider":${encodeString(usage.provider)}`);
  if (usage.raw !== undefined) members.push(`"raw":${encodeCounts(usage.raw)}`);
  if (usage.response !== undefined) members.push(`"response":${encodeString(usage.response)}`);
  if (usage.scope !== undefined) members.push(`"scope":${encodeString(usage.scope)}`);
  if (usage.table !== undefined) members.push(`"table":${encodeString(usage.table)}`);
  if (usage.tokens !== undefined) members.push(`"tokens":${encodeCounts(usage.tokens)}`);
  if (usage.units !== undefined) members.push(`"units":${encodeTexts(usage.units)}`);
  return `{${members.join(',')}}`;
}

function encodeCharge(charge: Charge): string {
  let text = '{';
  if (charge.cost !== undefined) text += `"cost":${encodeString(charge.cost)},`;
  if (charge.currency !== undefined) text += `"currency":${encodeString(charge.currency)},`;
  if (charge.key !== undefined) text += `"key":${encodeString(charge.key)},`;
  if (charge.rated !== undefined) text += `"rated":${encodeRated(charge.rated)},`;
  return `${text}"source":"${charge.source}"}`;
}

function encodeRated(rated: Rated): string {
  const lines = rated.lines.map(
    (line) =>
      `{"class":${encodeString(line.class)},"cost":${encodeString(line.cost)},"per":${encodeString(line.per)},` +
      `"quantity":${encodeString(line.quantity)},"rate":${encodeString(line.rate)}}`,
  );
  const tier = rated.tier === undefined ? '' : `,"tier":${encodeString(rated.tier)}`;
  return (
    `{"card":${encodeString(rated.card)},"cost":${encodeString(rated.cost)},"lines":[${lines.join(',')}],` +
    `"match":${encodeString(rated.match)},"model":${encodeString(rated.model)},"sha256":${encodeString(rated.sha256)}${tier}}`
  );
}

function encodeStrings(texts: readonly string[]): string {
  return `[${texts.map(encodeString).join(',')}]`;
}

function encodeTexts(texts: Texts): string {
  return encodeMembers(texts, encodeString);
}

function encodeCounts(counts: Counts): string {
  return encodeMembers(counts, encodeInteger);
}

function encodeMembers<T>(members: Readonly<Record<string, T>>, encode: (value: T) => string): string {
  const names = Object.keys(members).sort();
  return `{${names.map((name) => `${encodeString(name)}:${encode(members[name] as T)}`).join(',')}}`;
}
