/** Senders as services have them: connections that stay open, one request at a time on each, every answer looked at. */
import { Agent, request as openRequest } from 'node:http';
import { gzipSync } from 'node:zlib';
import { encodeTraceRequest, renderTraceRequestJson, type SpanRecord } from '@infrafabric/otlp';
import {
  code,
  decode,
  message,
  openSession,
  send as sendGrpc,
} from '../../packages/collector/test/grpc-door-harness.js';

/** What came back. */
export interface Reply {
  /** `stored`: acknowledged. `unavailable`: welcome later. `refused`: never. `lost`: no answer. */
  readonly outcome: 'stored' | 'unavailable' | 'refused' | 'lost';
  /** Of HTTP; for gRPC its code. */
  readonly status: number | undefined;
  readonly retryAfterSeconds: number | undefined;
  /** Of the partial success. */
  readonly rejected: number;
  readonly message: string;
  /** From the first byte to the whole answer. */
  readonly ms: number;
}

/** One connection. */
export interface Sender {
  readonly name: string;
  send(spans: readonly SpanRecord[]): Promise<Reply>;
  /** Bytes as they are, in the sender's encoding. */
  sendBytes(body: Uint8Array): Promise<Reply>;
  close(): void;
}

/** How an {@link httpSender} writes. */
export interface HttpSenderOptions {
  readonly encoding?: 'protobuf' | 'json';
  /** `gzipped`: it says so, and what is given is sent as it is. */
  readonly coding?: 'identity' | 'gzip' | 'gzipped';
}

/** OTLP/HTTP to the collector at `url`. */
export function httpSender(
  url: string,
  { encoding = 'protobuf', coding = 'identity' }: HttpSenderOptions = {},
): Sender {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const { hostname, port } = new URL(url);
  const headers = {
    'content-type': encoding === 'json' ? 'application/json' : 'application/x-protobuf',
    ...(coding === 'identity' ? {} : { 'content-encoding': 'gzip' }),
  };
  const sendBytes = (body: Uint8Array): Promise<Reply> => {
    const bytes = coding === 'gzip' ? gzipSync(body) : body;
    const began = performance.now();
    return new Promise((resolve) => {
      const done = (reply: Omit<Reply, 'ms'>): void => resolve({ ...reply, ms: performance.now() - began });
      const lost = ({ message }: Error): void => done({ ...NO_REPLY, message });
      const request = openRequest({
        agent,
        host: hostname,
        port,
        path: '/v1/traces',
        method: 'POST',
        headers: { ...headers, 'content-length': bytes.length },
      });
      request.on('error', lost).on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', lost);
        response.on('end', () => {
          const retryAfter = response.headers['retry-after'];
          const status = response.statusCode ?? 0;
          done({
            ...readBody(status, encoding, Buffer.concat(chunks)),
            status,
            retryAfterSeconds: retryAfter === undefined ? undefined : Number(retryAfter),
          });
        });
      });
      request.end(bytes);
    });
  };
  return {
    name: `http ${encoding} ${coding}`,
    send: (spans) => sendBytes(encoding === 'json' ? jsonOf(spans) : encodeTraceRequest(spans)),
    sendBytes,
    close: () => agent.destroy(),
  };
}

const NO_REPLY = {
  outcome: 'lost',
  status: undefined,
  retryAfterSeconds: undefined,
  rejected: 0,
  message: '',
} as const;

/** The request in OTLP/JSON. */
export function jsonOf(spans: readonly SpanRecord[]): Buffer {
  return Buffer.from(renderTraceRequestJson(spans));
}

function readBody(
  status: number,
  encoding: 'protobuf' | 'json',
  body: Buffer,
): Pick<Reply, 'outcome' | 'rejected' | 'message'> {
  const read = (type: string): Record<string, unknown> =>
    encoding === 'json' ? (JSON.parse(body.toString()) as Record<string, unknown>) : decode(type, body);
  if (status === 200) return partialSuccessOf(read('ExportTraceServiceResponse'));
  return { outcome: status === 503 ? 'unavailable' : 'refused', rejected: 0, message: String(read('Status').message) };
}

function partialSuccessOf(response: Record<string, unknown>): Pick<Reply, 'outcome' | 'rejected' | 'message'> {
  const { rejectedSpans = 0, errorMessage = '' } = (response.partialSuccess ?? {}) as Record<string, unknown>;
  return { outcome: 'stored', rejected: Number(rejectedSpans), message: String(errorMessage) };
}

/** OTLP/gRPC to the collector at `url`. */
export function grpcSender(url: string): Sender {
  const port = Number(new URL(url).port);
  let session = openSession({ port });
  const sendBytes = async (body: Uint8Array): Promise<Reply> => {
    const began = performance.now();
    const lost = (): Reply => ({ ...NO_REPLY, ms: performance.now() - began });
    // As a client does whose connection was closed for idleness, or broke.
    if (session.destroyed || session.closed) session = openSession({ port });
    const outcome = await sendGrpc(session, message(body));
    const { retryAfterSeconds, code: status } = outcome;
    const ms = performance.now() - began;
    if (status === undefined) return lost();
    if (status !== code.ok) {
      const isWelcome = status === code.unavailable;
      const text = outcome.message ?? '';
      return {
        outcome: isWelcome ? 'unavailable' : 'refused',
        status,
        retryAfterSeconds,
        rejected: 0,
        message: text,
        ms,
      };
    }
    const response = decode('ExportTraceServiceResponse', outcome.body.subarray(5));
    return { ...partialSuccessOf(response), status, retryAfterSeconds, ms };
  };
  return {
    name: 'grpc',
    send: (spans) => sendBytes(encodeTraceRequest(spans)),
    sendBytes,
    close: () => session.destroy(),
  };
}
