/**
 * The bodies of OTLP/HTTP answers: `ExportTraceServiceResponse` of a success, `google.rpc.Status` of a failure; protobuf or
 * JSON by their Content-Type. A body that is neither says nothing: the status decides.
 */
import { ProtoReader } from './proto-reader.js';
import type { SendTraceResponse } from './send-request.js';

const MAX_MESSAGE_CHARS = 300;

/**
 * What a success says of spans that were not taken; zero and empty where it says nothing. A page where OTLP should be is
 * named in the message: the URL is probably another service's.
 */
export function parsePartialSuccess(answer: SendTraceResponse): {
  readonly rejectedSpans: number;
  readonly message: string;
} {
  if (/^text\/html\b/i.test(answer.contentType ?? '')) {
    return { rejectedSpans: 0, message: 'the answer is a web page: is this an OTLP/HTTP endpoint?' };
  }
  try {
    const { rejected, message } = isJson(answer) ? partialOfJson(answer.body) : partialOfProto(answer.body);
    return { rejectedSpans: Math.min(Math.max(rejected, 0), Number.MAX_SAFE_INTEGER), message: oneLine(message) };
  } catch {
    return { rejectedSpans: 0, message: '' };
  }
}

/** Why a failure says it failed; empty where it does not. */
export function readStatusMessage(answer: SendTraceResponse): string {
  try {
    if (isJson(answer)) return oneLine(textOf(objectOf(JSON.parse(textOfBytes(answer.body))).message));
    if (/^text\/plain\b/i.test(answer.contentType ?? '')) return oneLine(textOfBytes(answer.body));
    return /protobuf/i.test(answer.contentType ?? '') ? oneLine(statusMessageOfProto(answer.body)) : '';
  } catch {
    return '';
  }
}

function partialOfProto(bytes: Uint8Array): { readonly rejected: number; readonly message: string } {
  let rejected = 0;
  let message = '';
  const reader = new ProtoReader(bytes);
  while (reader.pos < reader.end) {
    const tag = reader.tag();
    if (tag !== 0x0a) {
      reader.skip(tag);
      continue;
    }
    const outerEnd = reader.enter();
    while (reader.pos < reader.end) {
      const field = reader.tag();
      if (field === 0x08) rejected = Number(reader.int64());
      else if (field === 0x12) message = reader.string();
      else reader.skip(field);
    }
    reader.leave(outerEnd);
  }
  return { rejected, message };
}

function statusMessageOfProto(bytes: Uint8Array): string {
  const reader = new ProtoReader(bytes);
  while (reader.pos < reader.end) {
    const tag = reader.tag();
    if (tag === 0x12) return reader.string();
    reader.skip(tag);
  }
  return '';
}

function partialOfJson(bytes: Uint8Array): { readonly rejected: number; readonly message: string } {
  const answer = objectOf(JSON.parse(textOfBytes(bytes)));
  // The proto3 JSON mapping has parsers take both spellings.
  const partial = objectOf(answer.partialSuccess ?? answer.partial_success);
  const rejected = Number(partial.rejectedSpans ?? partial.rejected_spans ?? 0);
  return {
    rejected: Number.isInteger(rejected) ? rejected : 0,
    message: textOf(partial.errorMessage ?? partial.error_message),
  };
}

function isJson({ contentType }: SendTraceResponse): boolean {
  return /^application\/json\b/i.test(contentType ?? '');
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function textOfBytes(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** Whatever a log or a terminal could act on becomes a space. */
function oneLine(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();
  return line.length > MAX_MESSAGE_CHARS ? `${line.slice(0, MAX_MESSAGE_CHARS - 1)}…` : line;
}
