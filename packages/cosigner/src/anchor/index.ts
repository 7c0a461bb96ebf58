export { AnchorError, type AnchorErrorCode } from './anchor-error.js';
export { isFolder, writeAnchor } from './anchor-folder.js';
export { type AnchorEvent, type AnchorPlan, AnchorSchedule } from './anchor-schedule.js';
export {
  type Answered,
  askable,
  type CosignedCheckpoint,
  type CosignOptions,
  cosignNewest,
  withStoredCosignatures,
} from './cosign-newest.js';
export { handOver } from './hand-over.js';
export { AnchoredLedger, type NewestCheckpoint } from './newest-checkpoint.js';
