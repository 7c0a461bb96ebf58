/**
 * The one message of a unary call: a flag, a length, so many bytes (gRPC over HTTP/2, "Length-Prefixed-Message"). Its size is
 * limited as announced and again as inflated, and nothing of it is held that was not borrowed.
 */
import { GrpcBody } from './grpc-body.js';
import { unimplemented } from './grpc-status.js';
import { inflateWithin } from './inflate-within.js';
import type { Loan } from './loan.js';
import { rpcCode } from './otlp-answer.js';
import { malformed, noMemory, type Refusal, tooLarge } from './refusal.js';

const PREFIX_BYTES = 5;

const notGzip = malformed('the message is not what its grpc-encoding says: it cannot be read as gzip');

/** A message, arriving. Whose loan it is settles it. */
export class GrpcMessage {
  readonly #encoding: string;
  readonly #maxBytes: number;
  readonly #loan: Loan;
  readonly #prefix = new Uint8Array(PREFIX_BYTES);
  #prefixLength = 0;
  #body: GrpcBody | undefined;

  /** @param encoding the header `grpc-encoding`: `identity` or `gzip` */
  constructor(encoding: string, maxBytes: number, loan: Loan) {
    this.#encoding = encoding;
    this.#maxBytes = maxBytes;
    this.#loan = loan;
  }

  /** Takes the next piece of the stream; after a refusal no more may follow. */
  push(piece: Uint8Array): Refusal | undefined {
    if (this.#body === undefined) {
      const taken = Math.min(piece.length, PREFIX_BYTES - this.#prefixLength);
      this.#prefix.set(piece.subarray(0, taken), this.#prefixLength);
      this.#prefixLength += taken;
      if (this.#prefixLength < PREFIX_BYTES) return undefined;
      const announced = new DataView(this.#prefix.buffer).getUint32(1);
      const problem = this.#problem(announced);
      if (problem !== undefined) return problem;
      this.#body = new GrpcBody(announced, this.#loan);
      piece = piece.subarray(taken);
    }
    if (piece.length > this.#body.missing) return unimplemented('Export takes one message, and there is more than one');
    const lacking = this.#body.append(piece);
    return lacking === 0 ? undefined : noMemory(this.#loan, lacking);
  }

  /** Once the stream has ended: calls `done` once, at once or later, with the message as it was before compression. */
  read(done: (outcome: Uint8Array | Refusal) => void): void {
    if (this.#body === undefined || this.#body.missing > 0) {
      done(malformed('the stream ended before its message did'));
      return;
    }
    const bytes = this.#body.join();
    this.#body = undefined;
    if (this.#prefix[0] === 0) {
      done(bytes);
      return;
    }
    inflateWithin('gzip', bytes, this.#maxBytes, this.#loan, (outcome) => {
      if (outcome instanceof Uint8Array) {
        this.#loan.give(bytes.length);
        done(outcome);
      } else {
        done(outcome.code === rpcCode.invalidArgument ? notGzip : outcome);
      }
    });
  }

  #problem(announced: number): Refusal | undefined {
    const flag = this.#prefix[0];
    if (flag !== 0 && (flag !== 1 || this.#encoding !== 'gzip')) {
      return malformed(`the message begins with ${flag}, and its grpc-encoding is ${this.#encoding}`);
    }
    if (announced > this.#maxBytes) return tooLarge(this.#maxBytes);
    return this.#loan.hasRoomFor(announced) ? undefined : noMemory(this.#loan, announced);
  }
}
