export { type AskedWitness, askWitness, type Question, type WitnessAnswer } from './ask/ask-witness.js';
export {
  type AddCheckpoint,
  encodeAddCheckpoint,
  MAX_PROOF_HASHES,
  parseAddCheckpoint,
} from './server/add-checkpoint.js';
export { CosignerError, type CosignerErrorCode } from './server/cosigner-error.js';
export { parseLogs } from './server/log-list.js';
export { StateFolder } from './server/state-folder.js';
export type { AddCheckpointAnswer } from './server/witness.js';
export type { WitnessEvent } from './server/witness-event.js';
export { createWitnessKey, loadWitnessKey, type WitnessKey, witnessKeyOf } from './server/witness-key.js';
export {
  logsFile,
  startWitnessServer,
  type WitnessServer,
  type WitnessServerOptions,
} from './server/witness-server.js';
