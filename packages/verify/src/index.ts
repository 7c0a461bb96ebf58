export { verifyEd25519 } from '#ed25519';
export type { JudgedEntry } from './bundle-entries.js';
export { BundleLines } from './bundle-lines.js';
export type { BundleOptions } from './bundle-options.js';
export type {
  BundleAnchor,
  BundleProblem,
  BundleProblemCode,
  BundleReport,
  BundleVerdictCode,
  EntryRun,
} from './bundle-report.js';
export type { ChainFindings, ChainOptions, ChainRange, VouchedRoot } from './chain-findings.js';
export { mergeFindings, planRanges } from './chain-ranges.js';
export { type AskedPolicy, CosignedSizes, isSameKey, type WitnessKey, witnessKeysOf } from './cosigned-sizes.js';
export { BundleJudge, verifyBundle } from './judge-bundle.js';
export { judgeChain } from './judge-chain.js';
export type { CardOf } from './judge-charges.js';
export { type ImportFindings, judgeImports } from './judge-imports.js';
export { judgeIndexes } from './judge-indexes.js';
export { judgeProof, type ProofProblem, type ProofProblemCode, type ProofReport } from './judge-proof.js';
export type { Redactions } from './judge-redactions.js';
export {
  CHAIN_TABLES,
  judgeIntegrity,
  judgePayloads,
  judgeSchema,
  judgeUnnamed,
  PAYLOAD_TABLES,
  type PayloadFindings,
} from './judge-store.js';
export {
  claimedEpochs,
  epochIndexOf,
  judgeSignatures,
  type KeyEpoch,
  type KeyEpochs,
  keyEpochs,
  onlyKey,
  type RotationFound,
  vouchingKeys,
} from './key-epochs.js';
export { type OpenedCosignature, type OpenedCosignatures, openCosignatures } from './open-cosignatures.js';
export { type NoteFault, type OpenedNote, openNote, readNote } from './open-note.js';
export { otherKeyIdsOf } from './other-keys.js';
export { type DamagedLedger, type Provable, provableEntries, type SeqRange } from './provable-entries.js';
export {
  type JudgedKey,
  type KeySource,
  type PayloadCounts,
  type PolicyAnswer,
  type Problem,
  type ProblemCode,
  Problems,
  type Report,
  type VerdictCode,
  type Witnessed,
  withDamageAsFinding,
} from './report.js';
export type {
  ChainSource,
  CheckpointRow,
  ContextRow,
  CosignatureRow,
  EntryBlock,
  EntryOctets,
  EntryRow,
  ErasedRow,
  NodeRow,
  PayloadRow,
  StoreSource,
  StoreSummary,
} from './source.js';
export { judgeStore, verifyLedger } from './verify-ledger.js';
export type { AskedWitnesses, Contradiction, JudgedChain, StoreFindings, VerifyOptions } from './verify-options.js';
export { type OpenedAnchor, openAnchor, vouchedRootsOf } from './vouched-roots.js';
