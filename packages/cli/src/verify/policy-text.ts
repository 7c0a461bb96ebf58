/** What became of a policy, for people and for `--json`. */
import type { PolicyAnswer, Witnessed } from '@infrafabric/verify';
import { escapeText } from '../escape.js';
import type { JsonOut } from '../json-text.js';
import { counted } from '../number-text.js';
import { isoOfUnixS } from '../read/nano-text.js';

/** `1,200 entries at 2026-… by alice, bob; nothing vouches for 5 later entries`. @param entries that there are in all */
export function witnessedText(entries: number, { size, timeUnixS, by }: Witnessed): string {
  const later = Math.max(0, entries - size);
  const rest = later === 0 ? '' : `; nothing vouches for ${counted(later, 'later entry', 'later entries')}`;
  const first = counted(size, 'entry', 'entries');
  return `${first} at ${isoOfUnixS(timeUnixS)} by ${escapeText(by.join(', '))}${rest}`;
}

/** Why it is not met. */
export function unmetText({ acceptsLog, quorum, from }: PolicyAnswer): string {
  if (!acceptsLog) return `${escapeText(from)} does not list this ledger under the key that is held`;
  return `no checkpoint is cosigned by ${escapeText(quorum)}, as ${escapeText(from)} asks`;
}

/** All of it. */
export function policyText(entries: number, policy: PolicyAnswer): string {
  const { from, quorum, witnessed, isMet } = policy;
  const asks = `${escapeText(quorum)}, says ${escapeText(from)}`;
  if (!isMet) return `not met: ${unmetText(policy)}`;
  return witnessed === undefined
    ? `asks for ${asks}`
    : `met for ${witnessedText(entries, witnessed)}; it asks for ${asks}`;
}

/** As `verify --json` has it. */
export function policyJson({ from, quorum, acceptsLog, witnessed, isMet }: PolicyAnswer): JsonOut {
  return {
    from,
    quorum,
    accepts_log: acceptsLog,
    met: isMet,
    witnessed:
      witnessed === undefined
        ? null
        : { size: witnessed.size, time_unix_s: witnessed.timeUnixS, by: [...witnessed.by] },
  };
}
