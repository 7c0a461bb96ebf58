/** What can be told of a call by its headers alone (gRPC over HTTP/2, "Requests"). */
import { constants, type IncomingHttpHeaders } from 'node:http2';
import type { BearerTokens } from './bearer-tokens.js';
import { unimplemented } from './grpc-status.js';
import { type Refusal, unauthenticated } from './refusal.js';

const EXPORT = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const OTHER_SIGNAL = /^\/opentelemetry\.proto\.collector\.(logs|metrics|profiles)\./;

/** 200 for a gRPC call. What is none cannot read a gRPC status: it gets the HTTP status that is returned. */
export function httpStatusOf(headers: IncomingHttpHeaders): number {
  if (headers[':method'] !== 'POST') return constants.HTTP_STATUS_METHOD_NOT_ALLOWED;
  // application/grpc+json and the like are encodings that OTLP does not define for gRPC.
  if (/^application\/grpc(\+proto)?\s*(;|$)/i.test(headers['content-type'] ?? '')) return constants.HTTP_STATUS_OK;
  return constants.HTTP_STATUS_UNSUPPORTED_MEDIA_TYPE;
}

/** The header `grpc-encoding`. */
export function grpcEncodingOf(headers: IncomingHttpHeaders): string {
  return String(headers['grpc-encoding'] ?? 'identity');
}

/** Why a call is not heard; undefined when it is. */
export function headersProblem(headers: IncomingHttpHeaders, tokens: BearerTokens | undefined): Refusal | undefined {
  if (tokens !== undefined && !tokens.allows(headers.authorization)) return unauthenticated;
  const path = headers[':path'] ?? '';
  if (path !== EXPORT) {
    const signal = OTHER_SIGNAL.exec(path)?.[1];
    if (signal === undefined) return unimplemented(`nothing is called ${path} here: traces go to ${EXPORT}`);
    return unimplemented(`this collector takes traces only, no ${signal}: send ${signal} elsewhere`);
  }
  const encoding = grpcEncodingOf(headers);
  if (encoding === 'identity' || encoding === 'gzip') return undefined;
  return unimplemented(`the grpc-encoding must be gzip or identity, not ${encoding}`);
}
