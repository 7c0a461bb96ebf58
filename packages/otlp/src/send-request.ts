/**
 * One POST of a trace request over OTLP/HTTP. Built on node:http, which loads in a fraction of the time of `fetch`, and loads
 * even that only when called. It never retries, follows no redirect and compresses nothing.
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
  /** For everything together: connecting, sending, the whole answer. */
  readonly timeoutMs: number;
}

/** The answer, whatever its status. */
export interface SendTraceResponse {
  readonly status: number;
  /** Protobuf or JSON, as the request was; at most 4 MiB. */
  readonly body: Uint8Array;
  /** The Retry-After header as received. */
  readonly retryAfter: string | undefined;
}

/** Sends the request once. Throws {@link OtlpSendError} when there is no answer; an HTTP error status is an answer. */
export async function sendTraceRequest(request: SendTraceRequest): Promise<SendTraceResponse> {
  const url = parseEndpoint(request.endpoint);
  const { request: open } = url.protocol === 'https:' ? await import('node:https') : await import('node:http');
  const body = Buffer.from(request.body as Uint8Array);
  const options: RequestOptions = {
    method: 'POST',
    headers: { ...request.headers, 'content-type': request.contentType, 'content-length': body.length },
  };
  return new Promise((resolve, reject) => {
    let client: ClientRequest;
    try {
      client = open(url, options);
    } catch (cause) {
      // The port or a header holds what HTTP does not allow.
      reject(new OtlpSendError('bad_request', `cannot send to ${url.host}: ${reason(cause)}`, { cause }));
      return;
    }
    const fail = (error: OtlpSendError): void => {
      clearTimeout(timer);
      reject(error);
      client.destroy();
    };
    const timer = setTimeout(() => {
      fail(new OtlpSendError('timeout', `${url.host} did not answer within ${request.timeoutMs} ms`));
    }, request.timeoutMs);
    const onError = (cause: unknown): void => {
      fail(new OtlpSendError('connection', `cannot reach ${url.host}: ${reason(cause)}`, { cause }));
    };
    client.on('error', onError);
    client.on('response', (response) => {
      response.on('error', onError);
      collect(response, fail, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
    });
    client.end(body);
  });
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
      body: Uint8Array.from(Buffer.concat(chunks)),
      retryAfter: response.headers['retry-after'],
    });
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

/** A refused connection to both 127.0.0.1 and ::1 is an AggregateError without a message of its own. */
function reason(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  if (cause.message !== '') return cause.message;
  return 'code' in cause ? String(cause.code) : cause.name;
}
