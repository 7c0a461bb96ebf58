/**
 * What an answer, or its absence, means for the spans that were sent, as the OTLP specification says ("OTLP/HTTP Response"):
 * only 429, 502, 503, 504 and a failed connection are worth sending again. Pure.
 */
import { parsePartialSuccess, readStatusMessage } from './send-answer.js';
import { OtlpSendError } from './send-error.js';
import { type SendTraceRequest, type SendTraceResponse, sendTraceRequest } from './send-request.js';

/** What became of a request. Messages are foreign text of one line, at most 300 characters, without control characters. */
export type SendOutcome =
  /** All spans were taken. The message, usually empty, is a warning. */
  | { readonly kind: 'accepted'; readonly message: string }
  /** The request was taken but for some spans, which must not be sent again. */
  | { readonly kind: 'partial'; readonly rejectedSpans: number; readonly message: string }
  /**
   * The same request is welcome later: not before `afterMs`, where the answer said so. `isCutOff`: the connection broke with
   * the request under way, which is how some servers answer one that is too large.
   */
  | {
      readonly kind: 'retry';
      readonly afterMs: number | undefined;
      readonly isCutOff: boolean;
      readonly message: string;
    }
  /** Sending the same again is useless. `status` is undefined when nothing could be sent, or the answer was none. */
  | { readonly kind: 'refused'; readonly status: number | undefined; readonly message: string };

const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** Reads an answer. `nowMs` is the time at which it came, for a Retry-After that names a moment. */
export function sendOutcome(answer: SendTraceResponse | OtlpSendError, nowMs: number): SendOutcome {
  if (answer instanceof OtlpSendError) return outcomeOfError(answer);
  const { status } = answer;
  if (status >= 200 && status < 300) {
    const { rejectedSpans, message } = parsePartialSuccess(answer);
    return rejectedSpans > 0 ? { kind: 'partial', rejectedSpans, message } : { kind: 'accepted', message };
  }
  const said = readStatusMessage(answer);
  const message = said === '' ? `HTTP ${status}` : `HTTP ${status}: ${said}`;
  return RETRYABLE.has(status)
    ? { kind: 'retry', afterMs: retryAfterMs(answer.retryAfter, nowMs), isCutOff: false, message }
    : { kind: 'refused', status, message };
}

/** {@link sendTraceRequest} and {@link sendOutcome} in one; never throws for what a network or a backend can do. */
export async function sendForOutcome(request: SendTraceRequest): Promise<SendOutcome> {
  try {
    return sendOutcome(await sendTraceRequest(request), Date.now());
  } catch (error) {
    if (error instanceof OtlpSendError) return sendOutcome(error, Date.now());
    throw error;
  }
}

function outcomeOfError({ code, message, cause }: OtlpSendError): SendOutcome {
  if (code !== 'connection' && code !== 'timeout') return { kind: 'refused', status: undefined, message };
  const isCutOff = ['ECONNRESET', 'EPIPE'].includes(String((cause as { code?: unknown } | undefined)?.code));
  return { kind: 'retry', afterMs: undefined, isCutOff, message };
}

/** A whole number of seconds, or an HTTP date (RFC 9110, 10.2.3); undefined for anything else. */
function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^[0-9]{1,12}$/.test(text)) return Number(text) * 1_000;
  // Date.parse takes "7 apples" for a date too; every HTTP date begins with the name of a day.
  const at = /^[A-Z][a-z]{2,8},? /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}
