/** From what was found in a bundle to a verdict, and to what it does not say. docs/format.md §Bundle. */
import type { BundleHeader, Checkpoint } from '@infrafabric/format';
import type { BundleCosignatures } from './bundle-cosignatures.js';
import type { BundleEntries } from './bundle-entries.js';
import type { BundleKeyFindings } from './bundle-keys.js';
import type { BundleOptions } from './bundle-options.js';
import type { BundleAnchor, BundleProblems, BundleReport, BundleVerdictCode, EntryRun } from './bundle-report.js';
import { answerPolicy } from './cosigned-sizes.js';
import type { PolicyAnswer } from './report.js';

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
  /** Undefined where nothing could be judged by a key. */
  readonly cosignatures: BundleCosignatures | undefined;
  readonly problems: BundleProblems;
}

/** The report. */
export function concludeBundle(found: FoundInBundle): BundleReport {
  const { options, header, checkpoint, runs, runCount, isWhole, entries, keys, anchors, problems } = found;
  const policy = answerOf(found);
  const code = verdictOf(found, policy);
  const { found: lines = 0, checked = 0, unknown = 0 } = found.cosignatures ?? {};
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
    cosignatures: { found: lines, checked, unknown },
    policy,
    notUnderstood: entries.notUnderstood,
    imported: entries.imported,
    indexes: entries.indexes,
    spansKnownLost: entries.spansKnownLost,
    problems: problems.kept,
    problemCount: problems.count,
    notVouchedFor: limitsOf(found),
  };
}

function answerOf({ options, keys, cosignatures }: FoundInBundle): PolicyAnswer | undefined {
  if (options.policy === undefined) return undefined;
  const held = options.key === undefined ? [] : [options.key, ...(keys?.keys ?? [])];
  return answerPolicy(options.policy, held, cosignatures?.witnessed);
}

function verdictOf(
  { options, isOfOtherVersion, entries, anchors, problems }: FoundInBundle,
  policy: PolicyAnswer | undefined,
): BundleVerdictCode {
  if (problems.anyInvalid) return 'invalid';
  if (isOfOtherVersion || entries.criticalNotUnderstood) return 'incomplete.not-understood';
  if (options.key === undefined) return 'incomplete.self-asserted-key';
  if (entries.payloads.counts.missing > 0) return 'incomplete.payloads';
  if (anchors.some(({ state }) => state !== 'agrees')) return 'incomplete.anchor-not-compared';
  if (options.requireAnchor === true && anchors.length === 0) return 'incomplete.anchor-required';
  if (policy?.isMet === false) return 'incomplete.policy-unmet';
  if (policy?.witnessed !== undefined) return 'valid.witnessed';
  return anchors.length > 0 ? 'valid.anchored' : 'valid.unanchored';
}

function limitsOf({ isWhole, checkpoint, entries, anchors, keys, options, cosignatures }: FoundInBundle): string[] {
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
  const vouched = Math.max(anchored, cosignatures?.witnessed?.size ?? 0);
  const by = vouched > anchored ? 'that enough witnesses cosigned' : 'of the newest anchor';
  if (vouched === 0)
    limits.push('that no other history was signed: nothing outside vouches for this one; keep anchors elsewhere');
  else if (vouched < size) limits.push(`that no other history was signed after the ${vouched} entries ${by}`);
  const { imported, indexes } = entries;
  if (imported.entries > 0)
    limits.push(
      'that imported entries are those of the ledgers that they name, beyond what the notes beside them sign',
    );
  if (imported.unverified > 0)
    limits.push(`${imported.unverified} imported entries that nobody verified when they were imported`);
  if (indexes.notCompared > 0)
    limits.push(
      `what ${indexes.notCompared} of ${indexes.found} indexes say: not all entries of their ranges are compared here`,
    );
  if (entries.payloads.counts.erased > 0) limits.push('what the erased payloads said');
  if ((keys?.reachedByRotations ?? 0) > 0) {
    const { keyIdHex } = options.key!;
    limits.push(
      `that it was the owner who handed over from key ${keyIdHex}: whoever had that key could; hold the newest`,
    );
  }
  limits.push('whoever holds the private key can write a new history; only anchors and witnesses show that');
  limits.push('that every span was sent to the ledger, and that a span tells the truth');
  return limits;
}
