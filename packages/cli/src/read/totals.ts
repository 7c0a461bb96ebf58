/** Sums as commands show them: exact, with what they do not know counted beside. */
import { decimalUsd } from '@infrafabric/accounting';
import { addSums, noSums, type Sums, totalPico } from '@infrafabric/ledger/accounts';
import { type JsonOut, RawJson } from '../json-text.js';

/** Adds up sums of calls. Tokens and calls are added whatever they cost; money is added by currency. */
export class Totals {
  readonly #all = noSums();
  readonly #usd = noSums();
  /** Pico-units by currency, where it is not the US dollar. */
  readonly otherCurrencies: Map<string, bigint> = new Map();

  add(sums: Readonly<Sums>, currency: string): void {
    addSums(this.#all, sums);
    if (currency === 'USD') addSums(this.#usd, sums);
    else this.otherCurrencies.set(currency, (this.otherCurrencies.get(currency) ?? 0n) + totalPico(sums));
  }

  /** Calls with known usage or cost. */
  get calls(): bigint {
    return this.#all.calls;
  }

  /** Model calls whose counts are not known; not among `calls`. */
  get callsUnknown(): bigint {
    return this.#all.callsUnknown;
  }

  /** Calls without a price; unknown is not free. */
  get unpriced(): bigint {
    return this.#all.unpriced;
  }

  /** All that went in, cached or not. */
  get tokensIn(): bigint {
    return this.#all.input + this.#all.cacheRead + this.#all.cacheWrite;
  }

  get tokensOut(): bigint {
    return this.#all.output;
  }

  /** US dollars, pico-units, by where they come from. */
  get costPico(): Readonly<Pick<Sums, 'reported' | 'computed' | 'estimated'>> {
    return this.#usd;
  }

  /** US dollars, pico-units. */
  get totalPico(): bigint {
    return totalPico(this.#usd);
  }

  /** The object that every `--json` has for sums. */
  toJson(): Readonly<Record<string, JsonOut | undefined>> {
    const { input, cacheRead, cacheWrite, output, reasoning } = this.#all;
    const others = [...this.otherCurrencies].map(([currency, pico]) => [currency, decimalUsd(pico)] as const);
    return {
      calls: new RawJson(String(this.calls)),
      calls_unknown: new RawJson(String(this.callsUnknown)),
      tokens: {
        input: new RawJson(String(input)),
        cache_read: new RawJson(String(cacheRead)),
        cache_write: new RawJson(String(cacheWrite)),
        output: new RawJson(String(output)),
        reasoning: new RawJson(String(reasoning)),
      },
      cost_usd: decimalUsd(this.totalPico),
      cost_reported_usd: decimalUsd(this.#usd.reported),
      cost_computed_usd: decimalUsd(this.#usd.computed),
      cost_estimated_usd: decimalUsd(this.#usd.estimated),
      unpriced: new RawJson(String(this.unpriced)),
      other_currencies: others.length === 0 ? undefined : Object.fromEntries(others),
    };
  }
}
