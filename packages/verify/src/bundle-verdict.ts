/** From what was found in a bundle to a verdict, and to what it does not say. docs/format.md §Bundle. */
import type { BundleHeader, Checkpoint } from '@infrafabric/format';
import type { BundleEntries } from './bundle-entries.js';
import type { BundleKeyFindings } from './bundle-keys.js';
import type { BundleOptions } from './bundle-options.js';
import type { BundleAnchor, BundleProblems, BundleReport, BundleVerdictCode, EntryRun } from './bundle-report.js';

/** Everything that was found. */
export interface FoundInBundle {
  readonly options: BundleOptions;
  readonly isOfOtherVersion: boolean;
  readonly header: BundleHeader | undefined;
  readonly checkpoint: Checkpoint | undefined;
  readonly runs: readonly EntryRun[];
  readonly runCount: number;
  readonly isWhole: boolean;
  readonly entries: BundleEntries;
  /** Undefined where nothing could be judged by a key. */
  readonly keys: BundleKeyFindings | undefined;
  readonly anchors: readonly BundleAnchor[];
  readonly problems: BundleProblems;
}

/** The report. */
export function concludeBundle(found: FoundInBundle): BundleReport {
  const { options, header, checkpoint, runs, runCount, isWhole, entries, keys, anchors, problems } = found;
  const code = verdictOf(found);
  const verdict = code === 'invalid' ? 'INVALID' : code.startsWith('valid') ? 'VALID' : 'INCOMPLETE';
  return {
    verdict,
    code,
    exitCode: verdict === 'VALID' ? 0 : verdict === 'INVALID' ? 1 : 3,
    origin: header?.origin,
    selection: header?.selection,
    checkpoint: checkpoint === undefined ? undefined : { size: checkpoint.size, rootHex: checkpoint.rootHex },
    entries: entries.count,
    runs,
    runCount,
    isWhole,
    signaturesChecked: keys?.signaturesChecked ?? 0,
    payloads: entries.payloads.counts,
    key: {
      source: options.key === undefined ? 'none' : (options.keySource ?? 'flag'),
      from: options.key === undefined ? 'no key is held: the bundle vouches for itself' : (options.keyFrom ?? '--key'),
      keyIdHex: options.key?.keyIdHex,
      newestKeyIdHex: keys?.newestKeyIdHex,
      reachedByRotations: keys?.reachedByRotations,
    },
    anchors,
    notUnderstood: entries.notUnderstood,
    spansKnownLost: entries.spansKnownLost,
    problems: problems.kept,
    problemCount: problems.count,
    notVouchedFor: limitsOf(found),
  };
}

function verdictOf({ options, isOfOtherVersion, entries, anchors, problems }: FoundInBundle): BundleVerdictCode {
  if (problems.anyInvalid) return 'invalid';
  if (isOfOtherVersion || entries.criticalNotUnderstood) return 'incomplete.not-understood';
  if (options.key === undefined) return 'incomplete.self-asserted-key';
  if (entries.payloads.counts.missing > 0) return 'incomplete.payloads';
  if (anchors.some(({ state }) => state !== 'agrees')) return 'incomplete.anchor-not-compared';
  if (anchors.length > 0) return 'valid.anchored';
  return options.requireAnchor === true ? 'incomplete.anchor-required' : 'valid.unanchored';
}

function limitsOf({ isWhole, checkpoint, entries, anchors }: FoundInBundle): string[] {
  const size = checkpoint?.size ?? 0;
  const limits: string[] = [];
  if (isWhole) limits.push(`entries after the ${size} that the checkpoint covers: the ledger may have gone on`);
  else {
    limits.push(
      'that nothing was left out: this is a selection, and between its entries there may be others of the same trace or time',
      'that a payload was not erased, a price not adjusted, since: such entries could have been left out too',
    );
  }
  const anchored = Math.max(0, ...anchors.filter(({ state }) => state === 'agrees').map((anchor) => anchor.size ?? 0));
  if (anchored === 0)
    limits.push('that no other history was signed: nothing outside vouches for this one; keep anchors elsewhere');
  else if (anchored < size)
    limits.push(`that no other history was signed after the ${anchored} entries of the newest anchor`);
  if (entries.payloads.counts.erased > 0) limits.push('what the erased payloads said');
  limits.push('whoever holds the private key can write a new history; only anchors and witnesses show that');
  limits.push('that every span was sent to the ledger, and that a span tells the truth');
  return limits;
}
