/**
 * Costs that were worked out from a rate card: by their own arithmetic, and by the card where it is at hand. docs/format.md
 * §Usage and charge.
 */
import { chargeProblems } from '@infrafabric/accounting/charge-problems';
import type { RateCard } from '@infrafabric/accounting/rate-cards';
import { type Entry, heldSpan, leafHashHex, type TextAt } from '@infrafabric/format';

/** The rate card of a SHA-256, hex; undefined where it is not at hand. */
export type CardOf = (sha256: string) => RateCard | undefined;

/** What is wrong with the charge of a span entry, in sentences. */
export function spanChargeProblems({ body }: Pick<Entry, 'body'>, cardOf: CardOf | undefined): readonly string[] {
  const { usage, charge, start } = body;
  return chargeProblems(usage, charge, cardOf, typeof start === 'string' ? start : undefined);
}

/**
 * What is wrong with an `adjustment` entry, in sentences. `target` is the entry that it names, undefined where there is none
 * before it. An adjustment prices by a card of its own time, so rates are compared whenever they held.
 */
export function adjustmentProblems(
  { body }: Pick<Entry, 'body'>,
  target: { readonly text: string; readonly entry: Entry } | undefined,
  cardOf: CardOf | undefined,
  textAt: TextAt = () => undefined,
): readonly string[] {
  if (target === undefined) return ['its target is no earlier entry'];
  if (body.leaf !== leafHashHex(target.text)) return ['it is not bound to the bytes of its target'];
  const span = target.entry.type === 'import' ? heldSpan(target.entry, textAt)?.entry : target.entry;
  if (span === undefined) return ['the import that it names holds no span'];
  if (span.type !== 'span') return [];
  return chargeProblems(span.body.usage, body.charge, cardOf);
}
