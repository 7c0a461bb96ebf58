/** Requests to a witness: bounded in time and size, without redirects. What comes back is foreign text. */
import type { IncomingMessage } from 'node:http';

/** More than any answer of the protocol has. */
const MAX_ANSWER_OCTETS = 65_536;

/** An answer. */
export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Uint8Array;
}

/**
 * Sends a request and waits for the whole answer. @param url http or https
 * @throws Error when there is none in time, or it is too long.
 */
export async function exchange(
  url: URL,
  method: 'GET' | 'POST',
  body: Uint8Array | undefined,
  timeoutMs: number,
): Promise<HttpAnswer> {
  const { request } = url.protocol === 'https:' ? await import('node:https') : await import('node:http');
  const signal = AbortSignal.timeout(timeoutMs);
  const headers = {
    'user-agent': 'if-witness',
    ...(body === undefined ? {} : { 'content-type': 'text/plain; charset=utf-8', 'content-length': body.length }),
  };
  try {
    return await new Promise((resolve, reject) => {
      const sent = request(url, { method, headers, signal }, (answer) => {
        read(answer).then(resolve, (error: unknown) => {
          sent.destroy();
          reject(error);
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  } catch (cause) {
    if (signal.aborted) throw new Error(`no answer within ${timeoutMs / 1000} s`, { cause });
    throw new Error(reasonOf(cause), { cause });
  }
}

async function read(answer: IncomingMessage): Promise<HttpAnswer> {
  const pieces: Uint8Array[] = [];
  let octets = 0;
  for await (const piece of answer as AsyncIterable<Uint8Array>) {
    octets += piece.length;
    if (octets > MAX_ANSWER_OCTETS) throw new Error(`its answer has more than ${MAX_ANSWER_OCTETS} octets`);
    pieces.push(piece);
  }
  return {
    status: answer.statusCode ?? 0,
    contentType: answer.headers['content-type'] ?? '',
    body: Buffer.concat(pieces),
  };
}

/** Of several addresses that were tried, Node says nothing at the top. */
function reasonOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.errors.length > 0) return reasonOf(cause.errors[0]);
  return cause instanceof Error ? cause.message : String(cause);
}
