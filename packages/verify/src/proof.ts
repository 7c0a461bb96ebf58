/** What it takes to open a note and to judge a proof of one entry, and nothing of what judges whole ledgers. */
export { judgeProof, type ProofProblem, type ProofProblemCode, type ProofReport } from './judge-proof.js';
export { claimedEpochs, type KeyEpoch, type KeyEpochs } from './key-epochs.js';
export { type NoteFault, type OpenedNote, openNote, readNote } from './open-note.js';
export { otherKeyIdsOf } from './other-keys.js';
