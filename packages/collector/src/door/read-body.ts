/** The body of a request as one array, within a size and a memory. */
import type { IncomingMessage } from 'node:http';
import type { Loan } from './loan.js';
import { noMemory, type Refusal, tooLarge } from './refusal.js';

/** The body; or why it is not read to its end; or `undefined` when the sender went away. */
export type BodyOutcome = Uint8Array | Refusal | undefined;

const EMPTY = new Uint8Array();

/** Why not even the first byte is read: the length that the sender announces is too much. */
export function announcedProblem(request: IncomingMessage, maxBytes: number, loan: Loan): Refusal | undefined {
  const announced = announcedLength(request);
  if (announced > maxBytes) return tooLarge(maxBytes);
  if (!loan.hasRoomFor(announced)) return noMemory(loan, announced);
  return undefined;
}

/** The Content-Length; 0 when there is none. */
export function announcedLength(request: IncomingMessage): number {
  const text = request.headers['content-length'];
  return text === undefined ? 0 : Number(text);
}

/**
 * Reads the body and calls `done` once. Memory is borrowed for what has arrived, not for what was announced: otherwise a few
 * connections that announce much and send nothing would keep everybody else out. After a refusal the rest flows unheard.
 */
export function readBody(
  request: IncomingMessage,
  maxBytes: number,
  loan: Loan,
  done: (outcome: BodyOutcome) => void,
): void {
  const chunks: Buffer[] = [];
  let length = 0;
  const finish = (outcome: BodyOutcome): void => {
    request.off('data', onData).off('end', onEnd).off('close', onClose);
    done(outcome);
  };
  const onData = (chunk: Buffer): void => {
    length += chunk.length;
    if (length > maxBytes) finish(tooLarge(maxBytes));
    else if (!loan.take(chunk.length)) finish(noMemory(loan, chunk.length));
    else chunks.push(chunk);
  };
  const onEnd = (): void => {
    finish(chunks.length < 2 ? (chunks[0] ?? EMPTY) : Buffer.concat(chunks, length));
  };
  // Comes after the end too, but nobody listens then.
  const onClose = (): void => finish(undefined);
  request.on('data', onData).on('end', onEnd).on('close', onClose);
}
