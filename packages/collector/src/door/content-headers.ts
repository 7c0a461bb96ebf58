/** What a body is, by its headers: media type (RFC 9110, 8.3) and content coding (8.4). */
import type { Encoding } from '../intake/intake.js';
import { type Refusal, unsupported } from './refusal.js';

/** How a body is compressed. */
export type Coding = 'identity' | 'gzip' | 'deflate';

const ACCEPT_TYPES = { 'accept-post': 'application/x-protobuf, application/json' };
const ACCEPT_CODINGS = { 'accept-encoding': 'gzip, deflate' };

/** The encoding that a Content-Type names, whatever its parameters. Answers follow it, errors too. */
export function encodingOf(contentType: string | undefined): Encoding | undefined {
  if (contentType === 'application/x-protobuf') return 'protobuf';
  if (contentType === undefined) return undefined;
  const end = contentType.indexOf(';');
  switch ((end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase()) {
    case 'application/x-protobuf':
      return 'protobuf';
    case 'application/json':
      return 'json';
    default:
      return undefined;
  }
}

/** Why a body of this type is refused; `undefined` when it is not. */
export function contentTypeProblem(contentType: string | undefined): Refusal | undefined {
  if (encodingOf(contentType) === undefined) {
    return unsupported('the Content-Type must be application/x-protobuf or application/json', ACCEPT_TYPES);
  }
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(contentType ?? '')?.[1];
  if (charset === undefined || /^utf-?8$/i.test(charset)) return undefined;
  return unsupported('the charset must be utf-8', ACCEPT_TYPES);
}

/** The one coding that a Content-Encoding names, or why the body is refused. */
export function codingOf(contentEncoding: string | undefined): Coding | Refusal {
  switch (contentEncoding?.trim().toLowerCase()) {
    case undefined:
    case '':
    case 'identity':
      return 'identity';
    case 'gzip':
    case 'x-gzip':
      return 'gzip';
    case 'deflate':
      return 'deflate';
    default:
      return unsupported('the Content-Encoding must be gzip, deflate or identity', ACCEPT_CODINGS);
  }
}
