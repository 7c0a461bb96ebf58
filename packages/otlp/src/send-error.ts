/** The error of the OTLP/HTTP client. */

/**
 * Why there is no answer:
 * - `bad_request`: the endpoint is no http or https URL, or a header is not allowed in HTTP. The caller's mistake: stop
 * - `timeout`: no complete answer within `timeoutMs`. The spans may have arrived: sending again is safe when ingest is idempotent
 * - `connection`: nobody answered, or the connection broke. Retry later
 * - `response_too_large`: the answer is no OTLP answer. Tell the operator
 */
export type OtlpSendErrorCode = 'bad_request' | 'timeout' | 'connection' | 'response_too_large';

/** No answer was had. An answer with an HTTP error status is not this error: it is returned. */
export class OtlpSendError extends Error {
  override readonly name = 'OtlpSendError';
  readonly code: OtlpSendErrorCode;

  constructor(code: OtlpSendErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
