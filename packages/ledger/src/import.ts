export type { ForeignEntry, ForeignLedger, ForeignRun } from './import/foreign-ledger.js';
export type { Imported, LostPayloads } from './import/import-entries.js';
export { type ImportedLedger, type ImportOptions, importLedger, requireFresh } from './import/import-ledger.js';
