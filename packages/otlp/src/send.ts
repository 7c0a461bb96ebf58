export { type Backoff, DEFAULT_BACKOFF, retryPauseMs } from './send-backoff.js';
export { buildTraceBody, type TraceBody } from './send-body.js';
export { type OtlpEndpoint, type OtlpEndpointProblem, otlpEndpointFromEnv, tracesEndpoint } from './send-endpoint.js';
export { OtlpSendError, type OtlpSendErrorCode } from './send-error.js';
export { type SendOutcome, sendForOutcome, sendOutcome } from './send-outcome.js';
export { type SendTraceRequest, type SendTraceResponse, sendTraceRequest } from './send-request.js';
