/** The witness home as readers see it: paths, keys that are held, the remembered head. Loads neither writer nor SQLite. */
export { headFile, isNotBehindHead, readHead } from './head-file.js';
export { type LocalKey, localKeys } from './keys.js';
export { LedgerError, type LedgerErrorCode } from './ledger-error.js';
export { type WitnessPaths, witnessPaths } from './witness-home.js';
