export { type BusinessIds, businessAttributesOf, businessIdsOf, withBusinessIds } from './business-context.js';
export { EventRecorder, type RecorderOptions, type SessionStart } from './event-recorder.js';
export { estimateMos, type StreamQuality } from './mos-estimate.js';
export { hmacSha256Hex, pseudonymiser } from './pseudonym.js';
export { type Records, Session } from './session.js';
export type { EventUsage, JsonValue, Payload, SessionEvent } from './session-event.js';
export { newFlowId, newOperationId, newRequestId } from './trace-ids.js';
export { WitnessBatch, type WitnessBatchOptions } from './witness-batch.js';
