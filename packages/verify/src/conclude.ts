/** From everything that was found to the report: the verdict, and what it does not vouch for. docs/format.md §Verdicts. */
import { isQuorumMet } from '@infrafabric/format';
import type { ChainFindings, VouchedRoot } from './chain-findings.js';
import { answerPolicy, isSameKey } from './cosigned-sizes.js';
import type { CosignatureFindings } from './judge-cosignatures.js';
import type { ImportFindings } from './judge-imports.js';
import { epochIndexOf, type KeyEpochs } from './key-epochs.js';
import type { JudgedKey, PolicyAnswer, Problem, Problems, Report, VerdictCode } from './report.js';
import type { StoreFindings, VerifyOptions } from './verify-options.js';

/** What the parts of a verification found. */
export interface Concluded {
  readonly cosignatures: CosignatureFindings;
  readonly chain: ChainFindings | undefined;
  readonly epochs: KeyEpochs | undefined;
  readonly options: VerifyOptions;
  readonly problems: Problems;
  readonly signaturesChecked: number;
  readonly head: VouchedRoot | undefined;
  readonly store: StoreFindings;
  readonly missing: number;
  readonly erased: number;
  readonly imported: ImportFindings;
  readonly timingsMs: Readonly<Record<string, number>>;
}

/** The first line of the table of verdicts that applies is the verdict. */
export function conclude(concluded: Concluded): Report {
  const {
    chain,
    epochs,
    options,
    problems,
    signaturesChecked,
    head,
    store,
    missing,
    erased,
    imported,
    timingsMs,
    cosignatures,
  } = concluded;
  const key = judgedKey(options, epochs);
  const anchors = options.anchors ?? [];
  const policy = answerOf(options, epochs, cosignatures);
  const code = verdictOf(chain, options, problems, missing, policy);
  const verdict = code === 'invalid' ? 'INVALID' : code.startsWith('valid') ? 'VALID' : 'INCOMPLETE';
  return {
    verdict,
    code,
    exitCode: verdict === 'VALID' ? 0 : verdict === 'INVALID' ? 1 : 3,
    origin: chain?.origin,
    entries: chain?.entries ?? 0,
    newestCheckpoint:
      chain?.newest === undefined ? undefined : { size: chain.newest.size, rootHex: chain.newest.rootHex },
    checkpoints: { checked: chain?.checkpoints ?? 0, signaturesChecked },
    payloads: { present: store.payloadsPresent, erased, missing },
    key,
    head: headState(options, head, problems),
    anchors: anchors.map(({ size }) => size),
    cosignatures: { stored: cosignatures.stored, checked: cosignatures.checked, unknown: cosignatures.unknown },
    policy,
    notUnderstood: chain?.notUnderstood ?? {},
    imported,
    spansKnownLost: chain?.spansKnownLost ?? 0,
    problems: problems.kept,
    problemCount: problems.count,
    notVouchedFor: [...limitsOf(chain, options, anchors, key, cosignatures), ...limitsOfImports(imported)],
    timingsMs,
  };
}

function judgedKey({ key, keySource, keyFrom }: VerifyOptions, epochs: KeyEpochs | undefined): JudgedKey {
  const index = key === undefined || epochs === undefined ? -1 : epochIndexOf(epochs, key);
  return {
    source: key === undefined ? 'none' : (keySource ?? 'flag'),
    from: key === undefined ? 'no key is held: the ledger vouches for itself' : (keyFrom ?? '--key'),
    keyIdHex: key?.keyIdHex,
    newestKeyIdHex: epochs?.at(-1)?.key?.keyIdHex,
    epochs: epochs?.length ?? 0,
    reachedByRotations: epochs === undefined || index < 0 ? undefined : epochs.length - 1 - index,
  };
}

function verdictOf(
  chain: ChainFindings | undefined,
  options: VerifyOptions,
  problems: Problems,
  missing: number,
  policy: PolicyAnswer | undefined,
): VerdictCode {
  if (problems.anyInvalid) return 'invalid';
  if (chain?.criticalNotUnderstood === true) return 'incomplete.not-understood';
  if (options.key === undefined) return 'incomplete.self-asserted-key';
  if (missing > 0) return 'incomplete.payloads';
  const anchored = (options.anchors ?? []).length > 0;
  if (options.requireAnchor === true && !anchored) return 'incomplete.anchor-required';
  if (policy?.isMet === false) return 'incomplete.policy-unmet';
  if (tooFewAnswered(options)) return 'incomplete.witnesses-silent';
  if (policy?.witnessed !== undefined) return 'valid.witnessed';
  return anchored ? 'valid.anchored' : 'valid.unanchored';
}

function answerOf(
  { policy: asked, key }: VerifyOptions,
  epochs: KeyEpochs | undefined,
  found: CosignatureFindings,
): PolicyAnswer | undefined {
  if (asked === undefined) return undefined;
  const keys = key === undefined ? [] : [key, ...(epochs ?? []).flatMap((epoch) => epoch.key ?? [])];
  return answerPolicy(asked, keys, found.witnessed);
}

/** A rollback is seen by asking: where those who matter did not answer, nobody can tell. */
function tooFewAnswered({ asked, policy }: VerifyOptions): boolean {
  if (asked === undefined || policy === undefined) return false;
  return !isQuorumMet(policy.policy.quorum, ({ key }) => asked.cosigned.some((one) => isSameKey(one, key)));
}

function headState({ head }: VerifyOptions, opened: VouchedRoot | undefined, problems: Problems): Report['head'] {
  if (head === undefined) return 'not-asked';
  if (head === null) return 'missing';
  const against = (problem: Problem): boolean =>
    problem.code.startsWith('head.') ||
    ((problem.code === 'rollback' || problem.code === 'fork') && problem.message.includes('the remembered head'));
  return opened === undefined || problems.kept.some(against) ? 'disagrees' : 'agrees';
}

function limitsOf(
  chain: ChainFindings | undefined,
  options: VerifyOptions,
  anchors: readonly VouchedRoot[],
  { keyIdHex, reachedByRotations = 0 }: JudgedKey,
  { witnessed }: CosignatureFindings,
): string[] {
  const limits: string[] = [];
  const size = chain?.entries ?? 0;
  const anchored = Math.max(0, ...anchors.map((anchor) => anchor.size));
  const vouched = Math.max(anchored, witnessed?.size ?? 0);
  if (vouched === 0) limits.push('nothing outside this ledger vouches for its end: keep anchors elsewhere');
  else if (vouched < size)
    limits.push(
      `nothing outside this ledger vouches for the ${size - vouched} entries after ${vouched > anchored ? 'the newest checkpoint that enough witnesses cosigned' : 'the newest anchor'}`,
    );
  if (options.head === null) limits.push('no head is remembered here, so an older copy would look the same');
  for (const seq of chain?.restoredAt ?? []) {
    limits.push(
      `what came before entry ${seq} in a newer copy: that entry records that an older one was restored on purpose`,
    );
  }
  if (reachedByRotations > 0) {
    limits.push(
      `that it was the owner who handed over from key ${keyIdHex}: whoever had that key could; hold the newest`,
    );
  }
  limits.push('whoever holds the private key can write a new history; only anchors and witnesses show that');
  limits.push('that every span was sent to this ledger');
  return limits;
}

function limitsOfImports({ entries, unverified }: ImportFindings): string[] {
  if (entries === 0) return [];
  const limits = [
    'that imported entries are those of the ledgers that they name, beyond what the notes beside them sign: keep the keys of those ledgers',
  ];
  if (unverified > 0) limits.push(`${unverified} imported entries that nobody verified when they were imported`);
  return limits;
}
