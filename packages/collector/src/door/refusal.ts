/** The answers of OTLP/HTTP that are not 200: an HTTP status for the sender's retry logic, a google.rpc.Status for people. */
import type { Loan } from './loan.js';
import { type RpcCode, rpcCode } from './otlp-answer.js';

/** One of them. */
export interface Refusal {
  readonly status: number;
  readonly code: RpcCode;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The same bytes can never be read. */
export function malformed(message: string): Refusal {
  return { status: 400, code: rpcCode.invalidArgument, message };
}

/** No token, or a wrong one. */
export const unauthenticated: Refusal = {
  status: 401,
  code: rpcCode.unauthenticated,
  message: 'this collector asks for a token: send the header "Authorization: Bearer TOKEN"',
  headers: { 'www-authenticate': 'Bearer' },
};

/** A web page that is not on the list. */
export const originNotAllowed: Refusal = {
  status: 403,
  code: rpcCode.permissionDenied,
  message: 'pages of this origin may not write here: add it to the allowed origins of the collector',
};

/** Other signals, and addresses that do not exist. */
export function notFound(path: string): Refusal {
  if (/^\/v1(development)?\/(logs|metrics|profiles)$/.test(path)) {
    const signal = path.slice(path.lastIndexOf('/') + 1);
    const message = `this collector takes traces only, no ${signal}: send ${signal} elsewhere, traces to /v1/traces`;
    return { status: 404, code: rpcCode.unimplemented, message };
  }
  return { status: 404, code: rpcCode.notFound, message: 'nothing is here: send traces by POST to /v1/traces' };
}

/** @param allow the methods that the path knows, as in the `Allow` header */
export function methodNotAllowed(allow: string): Refusal {
  return {
    status: 405,
    code: rpcCode.unimplemented,
    message: `the methods here are ${allow}`,
    headers: { allow },
  };
}

/** Before or after decompression. */
export function tooLarge(maxBytes: number): Refusal {
  return {
    status: 413,
    code: rpcCode.resourceExhausted,
    message: `the request is larger than ${maxBytes} bytes: send fewer spans at a time`,
  };
}

/** A media type, charset or coding that is not taken. @param accept headers that say what is */
export function unsupported(message: string, accept: Readonly<Record<string, string>>): Refusal {
  return { status: 415, code: rpcCode.invalidArgument, message, headers: accept };
}

/** Welcome later; nothing was stored. */
export function unavailable(message: string, retryAfterSeconds: number): Refusal {
  const seconds = Math.max(1, Math.ceil(retryAfterSeconds));
  return { status: 503, code: rpcCode.unavailable, message, headers: { 'retry-after': String(seconds) } };
}

/** The memory for bodies does not hold that many more bytes: now, or ever. */
export function noMemory(loan: Loan, bytes: number): Refusal {
  if (loan.exceedsCapacity(bytes)) {
    const message = 'the request is larger than the memory for requests: send fewer spans at a time';
    return { status: 413, code: rpcCode.resourceExhausted, message };
  }
  return unavailable('too many requests at once', 1);
}
