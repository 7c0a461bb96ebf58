export { type OtlpEndpoint, type OtlpEndpointProblem, otlpEndpointFromEnv } from './send-endpoint.js';
export { OtlpSendError, type OtlpSendErrorCode } from './send-error.js';
export { type SendTraceRequest, type SendTraceResponse, sendTraceRequest } from './send-request.js';
