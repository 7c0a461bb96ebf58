/** The verdict in words for somebody who has never heard of Merkle trees. */
import type { BundleReport } from '@infrafabric/verify';

/** Headline and explanation. */
export interface Words {
  readonly headline: string;
  readonly meaning: string;
}

/** What a report comes to. */
export function wordsOf(report: BundleReport): Words {
  const { entries, checkpoint, isWhole } = report;
  const size = checkpoint?.size ?? 0;
  const what = isWhole
    ? `All ${count(size, 'entry', 'entries')} that the signed checkpoint covers are here, in their order, and none was changed.`
    : `${count(entries, 'entry is', 'entries are')} here, out of ${number(size)} that the signed checkpoint covers. Each of them is what was signed, at its place. What is not here, this file cannot tell.`;
  switch (report.code) {
    case 'valid.witnessed':
      return {
        headline: 'As it was signed, and witnessed',
        meaning: `${what} Enough of the witnesses of the policy cosigned its first ${count(report.policy?.witnessed?.size ?? 0, 'entry', 'entries')}.`,
      };
    case 'valid.anchored':
      return { headline: 'As it was signed, and anchored', meaning: `${what} The anchor agrees.` };
    case 'valid.unanchored':
      return {
        headline: 'As it was signed',
        meaning: `${what} Nothing outside vouches for this history: an anchor would.`,
      };
    case 'incomplete.self-asserted-key':
      return {
        headline: 'Cannot tell: no key',
        meaning:
          'Nothing in this file contradicts itself, but anybody could have signed it. Give the verifier key that you were told by somebody you trust, not one that came with the file.',
      };
    case 'incomplete.payloads':
      return {
        headline: 'Incomplete: payloads are missing',
        meaning: `What is here holds. But ${count(report.payloads.missing, 'payload', 'payloads')} are not here, and no entry says that they were erased.`,
      };
    case 'incomplete.anchor-not-compared':
      return {
        headline: 'Cannot tell: the anchor cannot be compared',
        meaning:
          'What is here holds. But this file does not lead to the state that the anchor vouches for. Ask for one that was exported with --anchor, or for the whole ledger.',
      };
    case 'incomplete.anchor-required':
      return { headline: 'Cannot tell: an anchor is required', meaning: 'None was given.' };
    case 'incomplete.policy-unmet':
      return {
        headline: 'Cannot tell: the policy is not met',
        meaning: `What is here holds. But no checkpoint in this file is cosigned by ${report.policy?.quorum ?? 'those'} as the policy asks, or the policy is that of another ledger.`,
      };
    case 'incomplete.not-understood':
      return {
        headline: 'Cannot tell: made by a later version',
        meaning: 'This page does not understand all that the file says is critical. Use a newer one.',
      };
    case 'invalid':
      return {
        headline: 'Not what was signed',
        meaning:
          'Something in this file is not what was signed, or it was not signed by this key. It says nothing about the ledger itself: ask for the bundle again, and keep this one.',
      };
  }
}

/** `1,234`. */
export function number(n: number): string {
  return n.toLocaleString('en');
}

/** `1 entry`, `2 entries`. */
export function count(n: number, one: string, many: string): string {
  return `${number(n)} ${n === 1 ? one : many}`;
}
