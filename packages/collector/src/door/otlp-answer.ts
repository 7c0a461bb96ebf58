/**
 * What OTLP answers: an `ExportTraceServiceResponse` for what was stored, a `google.rpc.Status` for what was not; both in
 * protobuf and in proto3 JSON (int64 as text). Field numbers: trace_service.proto and google/rpc/status.proto.
 */
import { ProtoWriter } from '@infrafabric/otlp';

/** The codes of google.rpc.Code that the doors use. */
export const rpcCode = {
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** One of {@link rpcCode}. */
export type RpcCode = (typeof rpcCode)[keyof typeof rpcCode];

/** Messages quote what was received: a sender cannot make us send back more than this many UTF-16 units of it. */
const MAX_MESSAGE_UNITS = 1024;

const writer = new ProtoWriter();

/** An `ExportTraceServiceResponse`; without rejected spans and message it is empty, which means that all were taken. */
export function encodeTraceResponse(rejected: number, message: string): Uint8Array {
  writer.reset();
  if (rejected === 0 && message === '') return writer.finish();
  const start = writer.open(0x0a);
  if (rejected !== 0) {
    writer.varint(0x08);
    writer.int53(rejected);
  }
  writeMessage(message);
  writer.close(start);
  return writer.finish();
}

/** The same in JSON. */
export function renderTraceResponseJson(rejected: number, message: string): string {
  if (rejected === 0 && message === '') return '{}';
  const partialSuccess = {
    ...(rejected !== 0 && { rejectedSpans: String(rejected) }),
    ...(message !== '' && { errorMessage: shorten(message) }),
  };
  return JSON.stringify({ partialSuccess });
}

/** A `google.rpc.Status` without details. */
export function encodeStatus(code: RpcCode, message: string): Uint8Array {
  writer.reset();
  writer.varint(0x08);
  writer.varint(code);
  writeMessage(message);
  return writer.finish();
}

/** The same in JSON. */
export function renderStatusJson(code: RpcCode, message: string): string {
  return JSON.stringify({ code, message: shorten(message) });
}

function writeMessage(message: string): void {
  if (message === '') return;
  writer.varint(0x12);
  writer.string(shorten(message));
}

function shorten(message: string): string {
  return message.length <= MAX_MESSAGE_UNITS ? message : `${message.slice(0, MAX_MESSAGE_UNITS - 1)}…`;
}
