export { verifyEd25519 } from '#ed25519';
export { type ChainFindings, judgeChain, type VouchedRoot } from './judge-chain.js';
export { judgeIntegrity, judgePayloads, judgeSchema } from './judge-store.js';
export { type NoteFault, type OpenedNote, openNote, readNote } from './open-note.js';
export type { KeySource, PayloadCounts, Problem, ProblemCode, Report, VerdictCode } from './report.js';
export type {
  ChainSource,
  CheckpointRow,
  ContextRow,
  EntryOctets,
  EntryRow,
  NodeRow,
  PayloadRow,
  StoreSource,
  StoreSummary,
} from './source.js';
export {
  judgeStore,
  type OpenedAnchor,
  openAnchor,
  type StoreFindings,
  type VerifyOptions,
  verifyLedger,
} from './verify-ledger.js';
