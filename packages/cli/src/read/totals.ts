/** Sums over span entries, exact: money in whole pico-dollars, counts in BigInts. */
import { decimalUsd } from '@infrafabric/accounting';
import { type JsonOut, RawJson } from '../json-text.js';
import { hasUsage } from './containers.js';
import type { SpanCharge, SpanEntry } from './span-entry.js';

/** Token classes of a total; `cache_write` has all its kinds, `reasoning` is part of `output`. */
const CLASSES = ['input', 'cache_read', 'cache_write', 'output', 'reasoning'] as const;
type TokenClass = (typeof CLASSES)[number];

const CLASS_OF: Readonly<Record<string, TokenClass>> = {
  input: 'input',
  cache_read: 'cache_read',
  cache_write: 'cache_write',
  cache_write_5m: 'cache_write',
  cache_write_1h: 'cache_write',
  output: 'output',
  reasoning: 'reasoning',
};

/** Adds up entries. Spans that only repeat what others say are in `containers`, by seq: see containers.ts. */
export class Totals {
  entries = 0;
  /** Entries that say what was used or what it cost, containers left out. */
  calls = 0;
  /** Model calls whose counts are not known; not among `calls`. */
  callsUnknown = 0;
  /** Entries that speak of usage and have no price; unknown is not free. */
  unpriced = 0;
  readonly tokens: Record<TokenClass, bigint> = {
    input: 0n,
    cache_read: 0n,
    cache_write: 0n,
    output: 0n,
    reasoning: 0n,
  };
  readonly costPico: Record<Exclude<SpanCharge['source'], 'unpriced'>, bigint> = {
    reported: 0n,
    computed: 0n,
    estimated: 0n,
  };
  /** Pico-units by currency, where it is not the US dollar. */
  readonly otherCurrencies: Map<string, bigint> = new Map();

  readonly #containers: ReadonlySet<number>;

  constructor(containers: ReadonlySet<number> = new Set()) {
    this.#containers = containers;
  }

  add(entry: SpanEntry): void {
    this.entries++;
    if (this.#containers.has(entry.seq)) return;
    if (entry.isUnknownCall) this.callsUnknown++;
    else if (hasUsage(entry)) this.calls++;
    // A call that failed before anything was used is no call, and has no price to miss.
    else return;
    for (const [name, count] of Object.entries(entry.tokens ?? {})) {
      const known = Object.hasOwn(CLASS_OF, name) ? CLASS_OF[name] : undefined;
      if (known !== undefined) this.tokens[known] += BigInt(count);
    }
    if (entry.charge !== undefined) this.#addCharge(entry.charge);
  }

  /** All that went in, cached or not. */
  get tokensIn(): bigint {
    return this.tokens.input + this.tokens.cache_read + this.tokens.cache_write;
  }

  get totalPico(): bigint {
    return this.costPico.reported + this.costPico.computed + this.costPico.estimated;
  }

  /** The object that every `--json` has for sums. */
  toJson(): Readonly<Record<string, JsonOut | undefined>> {
    const others = [...this.otherCurrencies].map(([currency, pico]) => [currency, decimalUsd(pico)] as const);
    return {
      calls: this.calls,
      calls_unknown: this.callsUnknown,
      tokens: Object.fromEntries(CLASSES.map((name) => [name, new RawJson(String(this.tokens[name]))])),
      cost_usd: decimalUsd(this.totalPico),
      cost_reported_usd: decimalUsd(this.costPico.reported),
      cost_computed_usd: decimalUsd(this.costPico.computed),
      cost_estimated_usd: decimalUsd(this.costPico.estimated),
      unpriced: this.unpriced,
      other_currencies: others.length === 0 ? undefined : Object.fromEntries(others),
    };
  }

  #addCharge({ source, costPico, currency }: SpanCharge): void {
    if (source === 'unpriced' || costPico === undefined) this.unpriced++;
    else if (currency === 'USD') this.costPico[source] += costPico;
    else this.otherCurrencies.set(String(currency), (this.otherCurrencies.get(String(currency)) ?? 0n) + costPico);
  }
}
