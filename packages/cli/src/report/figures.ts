/** The figures of a sum as people read them, the same in the table and on the page. */
import { formatUsd } from '@infrafabric/accounting';
import type { Totals } from '../read/totals.js';

/** Calls, tokens in, tokens out, cost, unpriced. */
export function figuresOf(totals: Totals): string[] {
  return [
    numberText(totals.calls + totals.callsUnknown),
    numberText(totals.tokensIn),
    numberText(totals.tokensOut),
    costText(totals),
    numberText(totals.unpriced),
  ];
}

/** What is not known must not look like nothing. */
export function costText({ totalPico, unpriced }: Totals): string {
  return totalPico === 0n && unpriced > 0n ? 'unknown' : formatUsd(totalPico);
}

export function numberText(n: bigint): string {
  return n.toLocaleString('en');
}
