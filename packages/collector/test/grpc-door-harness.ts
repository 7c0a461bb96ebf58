/** A gRPC door on a free port, a fake intake behind it, and senders: node:http2 by hand, and HTTP/2 frames as raw bytes. */
import {
  type ClientHttp2Session,
  connect as connectHttp2,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type SecureClientSessionOptions,
} from 'node:http2';
import { connect, type Socket } from 'node:net';
import protobuf from 'protobufjs';
import { afterEach, expect } from 'vitest';
import type { Door } from '../dist/door/door.js';
import { type GrpcDoorOptions, type GrpcRefusalEvent, startGrpcDoor } from '../dist/door/grpc-door.js';
import { FakeIntake } from './http-door-harness.js';

export const EXPORT = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
export const MAX_BODY_BYTES = 1024 * 1024;

/** The codes of google.rpc.Code, as gRPC numbers them. */
export const code = {
  ok: 0,
  invalidArgument: 3,
  deadlineExceeded: 4,
  resourceExhausted: 8,
  unimplemented: 12,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** google/rpc/status.proto and error_details.proto, any.proto, duration.proto, trace_service.proto: what answers hold. */
const { root } = protobuf.parse(`
  syntax = "proto3";
  message ExportTraceServiceResponse { ExportTracePartialSuccess partial_success = 1; }
  message ExportTracePartialSuccess { int64 rejected_spans = 1; string error_message = 2; }
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message Any { string type_url = 1; bytes value = 2; }
  message RetryInfo { Duration retry_delay = 1; }
  message Duration { int64 seconds = 1; int32 nanos = 2; }
`);

/** A message that an independent decoder reads from the bytes. */
export function decode(type: string, bytes: Uint8Array): Record<string, unknown> {
  const message = root.lookupType(type);
  return message.toObject(message.decode(bytes), { longs: Number });
}

export interface OpenedDoor {
  readonly door: Door;
  readonly intake: FakeIntake;
  /** What the door said it refused. */
  readonly refusals: GrpcRefusalEvent[];
}

const opened: OpenedDoor[] = [];
const sessions: ClientHttp2Session[] = [];
const sockets: Socket[] = [];

/** After every test: whatever happened, no memory is held when all is over. */
afterEach(async () => {
  for (const session of sessions.splice(0)) session.destroy();
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const { door, intake } of opened.splice(0)) {
    await door.stop(0);
    await expect.poll(() => intake.memory.held).toBe(0);
  }
});

export async function openGrpcDoor(
  change: Partial<GrpcDoorOptions> & { readonly memoryBytes?: number } = {},
): Promise<OpenedDoor> {
  const { memoryBytes = 16 * MAX_BODY_BYTES, ...options } = change;
  const intake = new FakeIntake(memoryBytes);
  const refusals: GrpcRefusalEvent[] = [];
  const door = await startGrpcDoor({
    host: '127.0.0.1',
    port: 0,
    intake,
    maxBodyBytes: MAX_BODY_BYTES,
    tokens: undefined,
    tls: undefined,
    onRefusal: (event) => refusals.push(event),
    ...options,
  });
  const result = { door, intake, refusals };
  opened.push(result);
  return result;
}

/** A connection. Node's own limit of memory would keep a client that uploads much from reading answers. */
export function openSession(
  { port }: { readonly port: number },
  options: SecureClientSessionOptions & { readonly scheme?: 'http' | 'https' } = {},
): ClientHttp2Session {
  const session = connectHttp2(`${options.scheme ?? 'http'}://127.0.0.1:${port}`, {
    maxSessionMemory: 10_000,
    ...options,
  });
  session.on('error', () => undefined);
  sessions.push(session);
  return session;
}

/** A length-prefixed message. `announced` may lie. */
export function message(
  body: Uint8Array | string,
  { flag = 0, announced }: { readonly flag?: number; readonly announced?: number } = {},
): Buffer {
  const bytes = Buffer.from(body as Uint8Array);
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(announced ?? bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
}

export interface Outcome {
  /** Of HTTP. */
  readonly httpStatus: number | undefined;
  /** Of gRPC; undefined when the stream ended without one. */
  readonly code: number | undefined;
  readonly message: string | undefined;
  /** Seconds of the RetryInfo in a google.rpc.Status that agrees with code and message. */
  readonly retryAfterSeconds: number | undefined;
  readonly headers: IncomingHttpHeaders;
  /** Length-prefixed. */
  readonly body: Buffer;
  /** Of HTTP/2: how the stream was reset. */
  readonly resetCode: number;
}

export interface Call {
  readonly outcome: Promise<Outcome>;
  readonly write: (bytes: Uint8Array) => void;
  readonly end: () => void;
  readonly cancel: () => void;
}

/** Begins a call; the test writes. */
export function beginCall(session: ClientHttp2Session, headers: OutgoingHttpHeaders = {}): Call {
  const stream = session.request(
    { ':method': 'POST', ':path': EXPORT, 'content-type': 'application/grpc', te: 'trailers', ...headers },
    { endStream: false },
  );
  const outcome = new Promise<Outcome>((resolve) => {
    let first: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    const chunks: Buffer[] = [];
    stream.on('response', (received) => (first = received));
    stream.on('trailers', (received) => (trailers = received));
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', () => undefined);
    stream.on('close', () => {
      resolve({
        ...readStatus({ ...first, ...trailers }),
        body: Buffer.concat(chunks),
        resetCode: stream.rstCode ?? 0,
      });
    });
  });
  return {
    outcome,
    write: (bytes) => void (stream.writable && stream.write(bytes)),
    end: () => void stream.end(),
    cancel: () => stream.close(8),
  };
}

function readStatus(headers: IncomingHttpHeaders): Omit<Outcome, 'body' | 'resetCode'> {
  const status = headers['grpc-status'];
  const text = headers['grpc-message'];
  const details = headers['grpc-status-details-bin'];
  const result = {
    httpStatus: headers[':status'] === undefined ? undefined : Number(headers[':status']),
    code: status === undefined ? undefined : Number(status),
    message: text === undefined ? undefined : decodeURIComponent(String(text)),
    retryAfterSeconds: undefined,
    headers,
  };
  if (details === undefined) return result;
  const decoded = decode('Status', Buffer.from(String(details), 'base64'));
  const [any] = decoded.details as { typeUrl: string; value: Uint8Array }[];
  expect(decoded).toMatchObject({ code: result.code, message: result.message });
  expect(any!.typeUrl).toBe('type.googleapis.com/google.rpc.RetryInfo');
  const { retryDelay } = decode('RetryInfo', any!.value) as { retryDelay: { seconds: number } };
  return { ...result, retryAfterSeconds: retryDelay.seconds };
}

/** One call with these bytes as its stream. */
export function send(
  session: ClientHttp2Session,
  bytes: Uint8Array,
  headers: OutgoingHttpHeaders = {},
): Promise<Outcome> {
  const call = beginCall(session, headers);
  call.write(bytes);
  call.end();
  return call.outcome;
}

/** RFC 9113, 3.4. */
export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
export const frameType = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  windowUpdate: 8,
  continuation: 9,
} as const;
export const END_STREAM = 1;
export const END_HEADERS = 4;

/** A TCP connection that writes frames whether they are allowed or not. */
export class RawHttp2 {
  readonly socket: Socket;
  #isClosed = false;

  constructor({ port }: Door) {
    this.socket = connect({ host: '127.0.0.1', port });
    sockets.push(this.socket);
    this.socket.on('error', () => undefined);
    this.socket.on('data', () => undefined);
    this.socket.on('close', () => {
      this.#isClosed = true;
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The connection preface with empty settings. */
  begin(): void {
    this.socket.write(PREFACE);
    this.socket.write(frame(frameType.settings, 0, 0));
  }

  /** Resolves once it is out, or the connection is gone. */
  write(bytes: Uint8Array | string): Promise<void> {
    return new Promise((resolve) => {
      this.socket.write(bytes, () => resolve());
    });
  }
}

/** RFC 9113, 4.1. */
export function frame(type: number, flags: number, streamId: number, payload: Uint8Array = new Uint8Array(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

/** The headers of a call in HPACK (RFC 7541): indexed where the static table has them whole, else literal. */
export function headerBlock(path: string = EXPORT, isGzip = false): Buffer {
  const text = (value: string): Buffer => Buffer.concat([Buffer.of(value.length), Buffer.from(value)]);
  return Buffer.concat([
    Buffer.of(0x83, 0x86, 0x01),
    text('door'),
    Buffer.of(0x04),
    text(path),
    Buffer.of(0x0f, 0x10),
    text('application/grpc'),
    Buffer.of(0x00),
    text('te'),
    text('trailers'),
    ...(isGzip ? [Buffer.of(0x00), text('grpc-encoding'), text('gzip')] : []),
  ]);
}
