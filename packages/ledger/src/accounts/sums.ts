/** Exact sums of calls: every member a BigInt, so that neither order nor grouping nor size changes a total. */
import type { ChargeSource, Counts } from '@infrafabric/format';

/** Members of a sum, in the order in which they are stored. */
export const SUM_MEMBERS = [
  /** Calls with known usage or cost. */
  'calls',
  /** Model calls whose usage is not known; not among `calls`. */
  'callsUnknown',
  /** Of both, those without a price; unknown is not free. */
  'unpriced',
  /** Tokens; `input` is uncached, `cacheWrite` has all its kinds, `reasoning` is part of `output`. */
  'input',
  'cacheRead',
  'cacheWrite',
  'output',
  'reasoning',
  /** Pico-units of the currency, by where they come from. */
  'reported',
  'computed',
  'estimated',
] as const;

/** A sum. */
export type Sums = { -readonly [Member in (typeof SUM_MEMBERS)[number]]: bigint };

/** What a call adds. */
export interface CallFacts {
  /** Normalised classes; undefined where the counts are not known. */
  readonly tokens: Counts | undefined;
  readonly isUnknownCall: boolean;
  /** Undefined where nobody speaks of money. */
  readonly source: ChargeSource | undefined;
  /** Pico-units; undefined when unpriced. */
  readonly pico: bigint | undefined;
  /** ISO 4217; `USD` where there is no cost. */
  readonly currency: string;
}

const CLASS_OF: Readonly<Record<string, keyof Sums>> = {
  input: 'input',
  cache_read: 'cacheRead',
  cache_write: 'cacheWrite',
  cache_write_5m: 'cacheWrite',
  cache_write_1h: 'cacheWrite',
  output: 'output',
  reasoning: 'reasoning',
};

/** Nothing. */
export function noSums(): Sums {
  return Object.fromEntries(SUM_MEMBERS.map((member) => [member, 0n])) as Sums;
}

/** Adds one sum to another. */
export function addSums(to: Sums, sums: Readonly<Sums>): void {
  for (const member of SUM_MEMBERS) to[member] += sums[member];
}

/** Everything of a sum that is money. */
export function totalPico({ reported, computed, estimated }: Readonly<Sums>): bigint {
  return reported + computed + estimated;
}

/** Whether a call says how much was used, or what it cost; one that failed before anything was used does not. */
export function hasUsage({ tokens, pico }: CallFacts): boolean {
  return tokens !== undefined || pico !== undefined;
}

/** Adds a call `times` times: 1, or −1 to take it back. */
export function addCall(to: Sums, call: CallFacts, times: bigint): void {
  if (call.isUnknownCall) to.callsUnknown += times;
  else if (hasUsage(call)) to.calls += times;
  else return;
  for (const name in call.tokens) {
    const member = Object.hasOwn(CLASS_OF, name) ? CLASS_OF[name] : undefined;
    if (member !== undefined) to[member] += times * BigInt(call.tokens[name]!);
  }
  if (call.source === undefined) return;
  if (call.source === 'unpriced' || call.pico === undefined) to.unpriced += times;
  else to[call.source] += times * call.pico;
}

/** As stored: decimals in the order of {@link SUM_MEMBERS}. */
export function encodeSums(sums: Readonly<Sums>): string {
  return SUM_MEMBERS.map((member) => sums[member]).join();
}

/** From what {@link encodeSums} wrote. */
export function decodeSums(text: string): Sums {
  const values = text.split(',');
  return Object.fromEntries(SUM_MEMBERS.map((member, i) => [member, BigInt(values[i] ?? 0)])) as Sums;
}
