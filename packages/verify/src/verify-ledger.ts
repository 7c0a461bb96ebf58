/**
 * The whole judgement as a table of contents: chain, signatures, store, payloads, verdict. Pure: no file, no clock but for
 * the timings, no network. `@infrafabric/ledger/reader` gives a source for a SQLite file.
 */
import type { VerifierKey } from '@infrafabric/format';
import type { ChainFindings, VouchedRoot } from './chain-findings.js';
import { conclude } from './conclude.js';
import { judgeChain } from './judge-chain.js';
import { type CosignatureFindings, judgeCosignatures } from './judge-cosignatures.js';
import { type ImportFindings, judgeImports, NO_IMPORTS } from './judge-imports.js';
import { judgeIndexes } from './judge-indexes.js';
import { firstRedactions, judgeErased } from './judge-redactions.js';
import {
  CHAIN_TABLES,
  judgeIntegrity,
  judgePayloads,
  judgeSchema,
  judgeUnnamed,
  PAYLOAD_TABLES,
} from './judge-store.js';
import {
  claimedEpochs,
  epochIndexOf,
  judgeRotations,
  judgeSignatures,
  type KeyEpochs,
  keyEpochs,
  onlyKey,
} from './key-epochs.js';
import { missingPayloads } from './missing-payloads.js';
import { Problems, type Report, withDamageAsFinding } from './report.js';
import type { ChainSource, StoreSource } from './source.js';
import type { StoreFindings, VerifyOptions } from './verify-options.js';
import { judgeContradictions, openHead, originOf, vouchedRoots } from './vouched-roots.js';

/** Judges schema, SQLite structures and payloads. Never throws for what a file holds. */
export function judgeStore(source: StoreSource): StoreFindings {
  const problems = new Problems();
  const timingsMs: Record<string, number> = {};
  let payloadsPresent = 0;
  timed(timingsMs, 'schema', () => withDamageAsFinding(problems, () => judgeSchema(source, problems)));
  timed(timingsMs, 'integrity', () =>
    withDamageAsFinding(problems, () => judgeIntegrity(source, problems, CHAIN_TABLES)),
  );
  timed(timingsMs, 'payloads', () =>
    withDamageAsFinding(problems, () => {
      judgeIntegrity(source, problems, PAYLOAD_TABLES);
      const payloads = judgePayloads(source, problems);
      judgeUnnamed([payloads], problems);
      payloadsPresent = payloads.present;
    }),
  );
  return { problems: problems.kept, problemCount: problems.count, payloadsPresent, timingsMs };
}

/** Judges a ledger. Never throws for what a file holds: tampering is an answer. */
export function verifyLedger(source: ChainSource & StoreSource, options: VerifyOptions = {}): Report {
  const problems = new Problems();
  const timingsMs: Record<string, number> = {};
  const head = openHead(options, claimedEpochs(source), problems);
  let chain: ChainFindings | undefined;
  if (options.chain !== undefined) {
    chain = options.chain.findings;
    Object.assign(timingsMs, options.chain.timingsMs);
  } else
    timed(timingsMs, 'chain', () =>
      withDamageAsFinding(problems, () => {
        chain = judgeChain(source, problems, {
          ...(options.deep === undefined ? {} : { deep: options.deep }),
          ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
          ...(options.cardOf === undefined ? {} : { cardOf: options.cardOf }),
          signatureSample: options.allSignatures === true ? Number.POSITIVE_INFINITY : 10_000,
          vouched: vouchedRoots(options, head),
        });
      }),
    );
  const epochs = chain === undefined ? undefined : keyEpochs(chain.genesisVkey, chain.rotations);
  const imported = judgeImportsOf(source, chain, problems, timingsMs);
  const indexes = chain?.indexes ?? [];
  if (indexes.length > 0 && !problems.anyInvalid)
    timed(timingsMs, 'indexes', () => withDamageAsFinding(problems, () => judgeIndexes(source, indexes, problems)));
  let signaturesChecked = 0;
  timed(timingsMs, 'signatures', () => {
    if (chain === undefined || epochs === undefined) return;
    judgeRotations(chain.rotations, epochs, chain.origin, problems);
    const keys = epochsToJudgeBy(chain, epochs, options.key, problems);
    signaturesChecked =
      options.chain?.signaturesChecked ?? (keys === undefined ? 0 : judgeSignatures(chain.sampled, keys, problems));
    judgeOrigins(chain, epochs, options, head, problems);
  });
  const store = options.store ?? judgeStore(source);
  problems.addAll(store.problems, store.problemCount);
  const first = firstRedactions(chain?.redactions ?? { targets: [], entries: [] });
  if (chain !== undefined) withDamageAsFinding(problems, () => judgeErased(source, first, problems));
  const missing = missingPayloads(source, { chain, store, first }, problems);
  let cosignatures: CosignatureFindings = { stored: 0, checked: 0, unknown: 0, witnessed: undefined };
  timed(timingsMs, 'cosignatures', () =>
    withDamageAsFinding(problems, () => {
      cosignatures = judgeCosignatures(source, options.policy, options.anchors ?? [], problems);
    }),
  );
  judgeContradictions(chain, options, problems);
  return conclude({
    cosignatures,
    chain,
    epochs,
    options,
    problems,
    signaturesChecked,
    head,
    store,
    missing,
    erased: first.size,
    imported,
    timingsMs: { ...timingsMs, ...store.timingsMs },
  });
}

/** Where the chain is not what was signed, what its imports hold says nothing. */
function judgeImportsOf(
  source: ChainSource,
  chain: ChainFindings | undefined,
  problems: Problems,
  timingsMs: Record<string, number>,
): ImportFindings {
  const imports = chain?.imports;
  if (imports === undefined || problems.anyInvalid) return NO_IMPORTS;
  let found = NO_IMPORTS;
  timed(timingsMs, 'imports', () =>
    withDamageAsFinding(problems, () => {
      found = judgeImports(source, imports, problems);
    }),
  );
  return found;
}

/** Keys under which the stored checkpoints are judged. A held key that the ledger never had is taken at its word. */
function epochsToJudgeBy(
  chain: ChainFindings,
  epochs: KeyEpochs,
  held: VerifierKey | undefined,
  problems: Problems,
): KeyEpochs | undefined {
  if (held !== undefined && epochIndexOf(epochs, held) < 0) return onlyKey(held);
  const [{ key, fault }] = epochs;
  if (chain.genesisVkey === undefined) return undefined;
  if (key !== undefined) return epochs;
  problems.add({ code: 'genesis.malformed', seq: 0, message: `the key that genesis names: ${fault}` });
  return undefined;
}

function judgeOrigins(
  { origin }: ChainFindings,
  epochs: KeyEpochs,
  { key, alsoHeld = [] }: VerifyOptions,
  head: VouchedRoot | undefined,
  problems: Problems,
): void {
  if (origin === undefined) return;
  if (key !== undefined && key.name !== origin) {
    problems.add({ code: 'key.origin', message: `the ledger calls itself ${origin}, the key is that of ${key.name}` });
  } else if (key !== undefined && epochIndexOf(epochs, key) < 0) {
    const named = epochs.length === 1 ? 'the key that genesis names is not' : 'no key that this ledger ever named is';
    problems.add({ code: 'key.origin', message: `${named} the one that is held` });
  } else {
    const later = alsoHeld.filter((other) => other.name === origin && epochIndexOf(epochs, other) < 0);
    for (const { keyIdHex } of later) {
      problems.add({
        code: 'rotation.missing',
        message: `the key ${keyIdHex} of this ledger is held here, and the ledger has no rotation to it: an older copy, or written by whoever has an older key`,
      });
    }
  }
  if (head !== undefined && originOf(head) !== origin) {
    problems.add({
      code: 'head.origin',
      message: `the remembered head is of another ledger, ${originOf(head)}`,
      evidence: [head.note],
    });
  }
}

/** Adds to the time of a part, some of which may have been judged before. */
function timed(timingsMs: Record<string, number>, part: string, run: () => void): void {
  const start = performance.now();
  run();
  timingsMs[part] = (timingsMs[part] ?? 0) + Math.round(performance.now() - start);
}
