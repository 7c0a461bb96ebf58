export { verifyEd25519 } from '#ed25519';
export { mergeFindings, planRanges } from './chain-ranges.js';
export { type ChainFindings, type ChainOptions, type ChainRange, judgeChain, type VouchedRoot } from './judge-chain.js';
export type { CardOf } from './judge-charges.js';
export type { AskedPolicy } from './judge-cosignatures.js';
export {
  CHAIN_TABLES,
  judgeIntegrity,
  judgePayloads,
  judgeSchema,
  judgeUnnamed,
  PAYLOAD_TABLES,
  type PayloadFindings,
} from './judge-store.js';
export { type OpenedCosignature, type OpenedCosignatures, openCosignatures } from './open-cosignatures.js';
export { type NoteFault, type OpenedNote, openNote, readNote } from './open-note.js';
export {
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
  NodeRow,
  PayloadRow,
  StoreSource,
  StoreSummary,
} from './source.js';
export {
  type AskedWitnesses,
  type Contradiction,
  type JudgedChain,
  judgeSignatures,
  judgeStore,
  type OpenedAnchor,
  openAnchor,
  type StoreFindings,
  type VerifyOptions,
  verifyLedger,
  vouchedRootsOf,
} from './verify-ledger.js';
