/** What is not HTTP, or came too slowly: answered where an answer can still be told from another one's, then closed. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** A sender that still writes would get a reset instead of the answer if the socket were closed at once. */
const LINGER_MS = 500;

/** Knows which answers are owed on which connection. */
export class OwedAnswers {
  readonly #owed = new WeakMap<Duplex, Set<ServerResponse>>();

  /** An answer is owed until it is out and its request has arrived as a whole. */
  add(request: IncomingMessage, response: ServerResponse): void {
    let owed = this.#owed.get(request.socket);
    if (owed === undefined) {
      owed = new Set();
      this.#owed.set(request.socket, owed);
    }
    const all = owed.add(response);
    response.on('close', () => {
      if (request.complete) all.delete(response);
      else request.on('close', () => all.delete(response));
    });
  }

  /** How many answers are owed on this connection. */
  count(socket: Duplex): number {
    return this.#owed.get(socket)?.size ?? 0;
  }

  /** Whether nothing is owed on this connection but the answer to a request that did not arrive as a whole. */
  isOnlyBroken(socket: Duplex): boolean {
    const owed = this.#owed.get(socket);
    if (owed === undefined || owed.size === 0) return true;
    const [response] = owed;
    return owed.size === 1 && response?.headersSent === false && !response.req.complete;
  }
}

/** Answers and closes; returns the status, or `undefined` when nothing could be said. */
export function answerWireError(error: NodeJS.ErrnoException, socket: Duplex, owed: OwedAnswers): number | undefined {
  // Answered before, and waiting to be closed.
  if (socket.writableEnded) return undefined;
  const [status, text] = wireAnswer(error.code);
  if (status === 0 || !socket.writable || !owed.isOnlyBroken(socket)) {
    socket.destroy();
    return undefined;
  }
  socket.end(
    `HTTP/1.1 ${status} ${text}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
  );
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
  return status;
}

function wireAnswer(code = ''): readonly [status: number, text: string] {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return [408, 'Request Timeout'];
  if (code === 'HPE_HEADER_OVERFLOW') return [431, 'Request Header Fields Too Large'];
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') return [413, 'Content Too Large'];
  if (code.startsWith('HPE_')) return [400, 'Bad Request'];
  // A connection that broke, or a failed TLS handshake: there is nobody to tell.
  return [0, ''];
}
