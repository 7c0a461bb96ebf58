/**
 * How gRPC says no: `grpc-status`, a percent-encoded `grpc-message` and, where the sender may come again, a google.rpc.Status
 * with RetryInfo in `grpc-status-details-bin`. OTLP asks for that detail: without it some senders give up.
 */
import type { OutgoingHttpHeaders } from 'node:http2';
import { ProtoWriter } from '@infrafabric/otlp';
import { rpcCode } from './otlp-answer.js';
import type { Refusal } from './refusal.js';

/** The message goes out twice, and clients take 8 KiB of headers or so. */
const MAX_MESSAGE_UNITS = 512;
const RETRY_INFO = 'type.googleapis.com/google.rpc.RetryInfo';

const writer = new ProtoWriter();

/** A kind of call that is not served. */
export function unimplemented(message: string): Refusal {
  return { status: 501, code: rpcCode.unimplemented, message };
}

/** The headers that say it; RetryInfo is what `retry-after` says. */
export function refusalHeaders(refusal: Refusal): OutgoingHttpHeaders {
  const message = shorten(refusal.message).toWellFormed();
  const headers = { 'grpc-status': String(refusal.code), 'grpc-message': percentEncode(message) };
  const retryAfter = refusal.headers?.['retry-after'];
  if (retryAfter === undefined) return headers;
  const status = encodeRetryStatus(refusal.code, message, Number(retryAfter));
  return { ...headers, 'grpc-status-details-bin': Buffer.from(status).toString('base64') };
}

function shorten(message: string): string {
  return message.length <= MAX_MESSAGE_UNITS ? message : `${message.slice(0, MAX_MESSAGE_UNITS - 1)}…`;
}

/** gRPC over HTTP/2, "Percent-Encoded": printable ASCII but `%` stands for itself. Throws for a lone surrogate. */
function percentEncode(text: string): string {
  return text.replace(/[^\x20-\x24\x26-\x7e]+/g, encodeURIComponent);
}

/** google.rpc.Status: code 1, message 2, details 3 = Any: type_url 1, value 2 = RetryInfo: retry_delay 1 = Duration: seconds 1. */
function encodeRetryStatus(code: number, message: string, retryAfterSeconds: number): Uint8Array {
  writer.reset();
  writer.varint(0x08);
  writer.varint(code);
  writer.varint(0x12);
  writer.string(message);
  const any = writer.open(0x1a);
  writer.varint(0x0a);
  writer.string(RETRY_INFO);
  const info = writer.open(0x12);
  const delay = writer.open(0x0a);
  writer.varint(0x08);
  writer.int53(retryAfterSeconds);
  writer.close(delay);
  writer.close(info);
  writer.close(any);
  return writer.finish();
}
