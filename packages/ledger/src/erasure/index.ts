export type { Redacted, RedactOptions, RedactOutcome } from './redacted.js';
export { parseAge, type RetentionRule, type SelectedPayload, selectPayloads } from './select-payloads.js';
export { isUnfinished } from './unfinished.js';
export { parseWhere, type Where, WhereError } from './where.js';
