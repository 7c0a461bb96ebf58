/**
 * From a business trace id, which is any text, to the OpenTelemetry ids that every process derives alike, so that all
 * that says `session-flow-001` is one trace in any backend. docs/format.md §Business trace ids is normative.
 */
import { sha256Hex } from '#sha256';
import { utf8Of } from './bytes.js';

const TRACE_ID = /^(?!0{32})[0-9a-f]{32}$/;

/** Whether a text is an OpenTelemetry trace id: 32 lowercase hex, not all zero. */
export function isTraceId(text: string): boolean {
  return TRACE_ID.test(text);
}

/**
 * The OpenTelemetry trace id of a business trace id: the text itself when it already is one, else the first 16 octets of
 * SHA-256("if-witness/trace-id/v1\0" ‖ UTF-8 text). 32 hex.
 */
export function traceIdOfBusinessId(business: string): string {
  return isTraceId(business) ? business : derive('trace-id', business).slice(0, 32);
}

/**
 * The span id that stands for a whole business trace where a link needs one: the first 8 octets of
 * SHA-256("if-witness/span-id/v1\0" ‖ UTF-8 text). No span has it. 16 hex.
 */
export function spanIdOfBusinessId(business: string): string {
  return derive('span-id', business).slice(0, 16);
}

function derive(what: string, business: string): string {
  const digest = sha256Hex(utf8Of(`if-witness/${what}/v1\0${business.toWellFormed()}`));
  // An id of zeros is not valid in OpenTelemetry; nobody will find a preimage, but the rule must be total.
  return /^0{16}/.test(digest) ? `${digest.slice(0, 15)}1${digest.slice(16)}` : digest;
}
