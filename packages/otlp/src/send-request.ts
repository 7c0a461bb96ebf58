/**
 * One POST of a trace request over OTLP/HTTP. Built on node:http, which loads in a fraction of the time of `fetch`, and loads
 * even that only when called. It follows no redirect, and retries nothing but a kept connection that turns out to be closed.
 */
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { OtlpSendError } from './send-error.js';

/** OTLP answers are small; a larger one comes from something else. */
const MAX_RESPONSE_BYTES = 4 * 1024 * 1024;

/** What to send, and where. */
export interface SendTraceRequest {
  /** The full URL, `/v1/traces` included; http or https. */
  readonly endpoint: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string;
  readonly contentType: 'application/x-protobuf' | 'application/json';
  /** Default `none`. */
  readonly compression?: 'none' | 'gzip';
  /** For everything together: connecting, sending, the whole answer. */
  readonly timeoutMs: number;
}

/** The answer, whatever its status. */
export interface SendTraceResponse {
  readonly status: number;
  /** As the Content-Type header has it; of what is not OTLP it may be anything. */
  readonly contentType: string | undefined;
  /** Protobuf or JSON, as the request was; at most 4 MiB. */
  readonly body: Uint8Array;
  /** The Retry-After header as received. */
  readonly retryAfter: string | undefined;
}

/**
 * Sends the request once. Throws {@link OtlpSendError} when there is no answer; an HTTP error status is an answer. The
 * connection is kept for some seconds for the next request to the same host; it does not keep the process alive.
 */
export async function sendTraceRequest(request: SendTraceRequest): Promise<SendTraceResponse> {
  const url = parseEndpoint(request.endpoint);
  const post = new Post(url, request, await octetsOf(request));
  try {
    return await post.send('kept');
  } catch (error) {
    // The other side closed it while it was idle, and the news crossed our request: it never got there.
    if (error instanceof ClosedMeanwhile) return post.send('new');
    throw error;
  }
}

/** The request met a kept connection that was closed already. */
class ClosedMeanwhile extends Error {}

/** One request, its body ready. */
class Post {
  readonly #url: URL;
  readonly #options: RequestOptions;
  readonly #body: Uint8Array;
  readonly #timeoutMs: number;
  readonly #deadline: number;

  constructor(url: URL, request: SendTraceRequest, body: Uint8Array) {
    this.#url = url;
    this.#body = body;
    this.#timeoutMs = request.timeoutMs;
    this.#deadline = Date.now() + request.timeoutMs;
    const encoding = request.compression === 'gzip' ? { 'content-encoding': 'gzip' } : {};
    const own = { 'content-type': request.contentType, ...encoding, 'content-length': body.length };
    this.#options = { method: 'POST', headers: { ...request.headers, ...own } };
  }

  async send(connection: 'kept' | 'new'): Promise<SendTraceResponse> {
    const url = this.#url;
    const { request: open } = url.protocol === 'https:' ? await import('node:https') : await import('node:http');
    return new Promise((resolve, reject) => {
      let client: ClientRequest;
      try {
        client = open(url, connection === 'new' ? { ...this.#options, agent: false } : this.#options);
      } catch (cause) {
        // The port or a header holds what HTTP does not allow.
        reject(new OtlpSendError('bad_request', `cannot send to ${url.host}: ${reason(cause)}`, { cause }));
        return;
      }
      let isAnswered = false;
      const fail = (error: Error): void => {
        clearTimeout(timer);
        reject(error);
        client.destroy();
      };
      const timer = setTimeout(() => {
        fail(new OtlpSendError('timeout', `${url.host} did not answer within ${this.#timeoutMs} ms`));
      }, this.#deadline - Date.now());
      const onError = (cause: unknown): void => {
        if (client.reusedSocket && !isAnswered && isBroken(cause)) fail(new ClosedMeanwhile());
        else fail(new OtlpSendError('connection', `cannot reach ${url.host}: ${reason(cause)}`, { cause }));
      };
      client.on('error', onError);
      client.on('response', (response) => {
        isAnswered = true;
        response.on('error', onError);
        collect(response, fail, (answer) => {
          clearTimeout(timer);
          resolve(answer);
        });
      });
      client.end(this.#body);
    });
  }
}

function collect(
  response: IncomingMessage,
  fail: (error: OtlpSendError) => void,
  done: (answer: SendTraceResponse) => void,
): void {
  const chunks: Buffer[] = [];
  let length = 0;
  response.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length > MAX_RESPONSE_BYTES) {
      fail(new OtlpSendError('response_too_large', `the answer is larger than ${MAX_RESPONSE_BYTES} bytes`));
    } else chunks.push(chunk);
  });
  response.on('end', () => {
    done({
      status: response.statusCode ?? 0,
      contentType: response.headers['content-type'],
      body: Uint8Array.from(Buffer.concat(chunks)),
      retryAfter: response.headers['retry-after'],
    });
  });
}

async function octetsOf({ body, compression }: SendTraceRequest): Promise<Uint8Array> {
  const octets = typeof body === 'string' ? Buffer.from(body) : body;
  if (compression !== 'gzip') return octets;
  const { gzip } = await import('node:zlib');
  return new Promise((resolve, reject) => {
    gzip(octets, (error, zipped) => (error === null ? resolve(zipped) : reject(error)));
  });
}

function parseEndpoint(endpoint: string): URL {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new OtlpSendError(
    'bad_request',
    `the endpoint must be an http or https URL, such as http://localhost:4318/v1/traces`,
  );
}

function isBroken(cause: unknown): boolean {
  return ['ECONNRESET', 'EPIPE'].includes(String((cause as { code?: unknown } | undefined)?.code));
}

/** A refused connection to both 127.0.0.1 and ::1 is an AggregateError without a message of its own. */
function reason(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  if (cause.message !== '') return cause.message;
  return 'code' in cause ? String(cause.code) : cause.name;
}
