import { accountFor, type Pricing } from '@infrafabric/accounting';
import { LoadedCard, type RateCard, RateCards } from '@infrafabric/accounting/rate-cards';
import { shippedCard } from '@infrafabric/accounting/shipped-cards';
import type { Charge, Usage } from '@infrafabric/format';

/** Nanoseconds of a time. */
export function nanos(text: string): bigint {
  return BigInt(Date.parse(text)) * 1_000_000n;
}

export const NOON: bigint = nanos('2025-11-11T12:00:00Z');
export const LOG = '@infrafabric/cli';

/** A card with these members, and what every card has. */
export function card(members: Partial<RateCard>): RateCard {
  return { format: 1, name: 'own', date: '2025-11-11', source: 'a test', currency: 'USD', ...members };
}

/** Cards in this order, whoever asks. */
export function pricingBy(...cards: readonly (RateCard | 'guide' | 'market')[]): Pricing {
  const sources = cards.map((one) => {
    const loaded = typeof one === 'string' ? shippedCard(one) : new LoadedCard(one);
    return { name: loaded.card.name, load: () => [loaded] };
  });
  return new RateCards({ services: sources, byHand: sources, byHandStated: sources });
}

/** A span's attributes as an object, and what is known besides. */
export interface Priced {
  readonly attributes: Readonly<Record<string, string | number | bigint | boolean>>;
  readonly pricing: Pricing;
  readonly scopeName?: string;
  readonly at?: bigint;
  readonly statusCode?: number;
}

/** Usage and charge of a span. */
export function priced({ attributes, pricing, scopeName = '', at = NOON, statusCode = 0 }: Priced): {
  usage?: Usage;
  charge?: Charge;
} {
  return accountFor({ attributes: Object.entries(attributes), scopeName, statusCode }, { pricing, startUnixNano: at });
}

/** Attributes of a model call. */
export function callOf(
  model: string,
  input: number,
  output: number,
  provider?: string,
): Record<string, string | bigint> {
  return {
    'gen_ai.response.model': model,
    'gen_ai.usage.input_tokens': BigInt(input),
    'gen_ai.usage.output_tokens': BigInt(output),
    ...(provider !== undefined && { 'gen_ai.provider.name': provider }),
  };
}
