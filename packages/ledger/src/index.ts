export { sqliteVersion } from './database.js';
export type { Appended, ControlDraft, Draft, SpanDraft } from './draft.js';
export { createKey, type LocalKey, loadSigner, localKeys } from './keys.js';
export { Ledger, type LedgerOptions, type Sources } from './ledger.js';
export { isRetryable, LedgerError, type LedgerErrorCode, ledgerErrorOf } from './ledger-error.js';
export { headFile, readHead } from './remembered-head.js';
export { type Signer, signerOfSeed } from './signer.js';
export { spoolDirectory, type WitnessPaths, witnessPaths } from './witness-home.js';
