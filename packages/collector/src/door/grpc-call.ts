/**
 * One call of the gRPC door, from its headers to its trailers: the message goes to the intake, and the answer back. What is
 * refused is refused as early as it can be told. Whatever the peer does, the memory lent to its message is given back.
 */
import { constants, type IncomingHttpHeaders, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { Intake, IntakeAnswer } from '../intake/intake.js';
import { grpcEncodingOf, httpStatusOf } from './grpc-headers.js';
import type { GrpcLimits } from './grpc-limits.js';
import { GrpcMessage } from './grpc-message.js';
import { refusalHeaders } from './grpc-status.js';
import { Loan } from './loan.js';
import { encodeTraceResponse, rpcCode } from './otlp-answer.js';
import { malformed, type Refusal, unavailable } from './refusal.js';

const ANSWER_HEADERS: OutgoingHttpHeaders = {
  ':status': 200,
  'content-type': 'application/grpc',
  'grpc-accept-encoding': 'identity,gzip',
};
const STORED_TRAILERS: OutgoingHttpHeaders = { 'grpc-status': '0' };
const PREFIX_BYTES = 5;

const tooSlow: Refusal = {
  status: 408,
  code: rpcCode.deadlineExceeded,
  message: 'the message took too long to arrive',
};

/** What all calls of a connection share. */
export interface CallContext {
  readonly intake: Intake;
  readonly maxBodyBytes: number;
  readonly limits: GrpcLimits;
  /** Told of every call that is refused. Must not throw. */
  onRefusal(refusal: Refusal): void;
}

/** Lives until its stream is closed. */
export class GrpcCall {
  readonly #stream: ServerHttp2Stream;
  readonly #context: CallContext;
  readonly #loan: Loan;
  /** `taken`: somebody else works on the message, and the loan is settled when that ends. */
  #phase: 'receiving' | 'taken' | 'answered' | 'cut' = 'receiving';
  #since: number = performance.now();

  /** Answers the stream, now or later. @param problem why it is refused whatever it brings */
  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    context: CallContext,
    problem: Refusal | undefined,
  ) {
    this.#stream = stream;
    this.#context = context;
    this.#loan = new Loan(context.intake.memory);
    // Unheard, an error of a stream ends the process. `close` follows each.
    stream.on('error', () => undefined);
    stream.on('close', () => {
      if (this.#phase === 'receiving') this.#loan.settle();
    });
    const status = httpStatusOf(headers);
    if (status !== 200) this.#respond({ ':status': status });
    else if (problem !== undefined) this.#refuse(problem);
    else this.#receive(new GrpcMessage(grpcEncodingOf(headers), context.maxBodyBytes, this.#loan));
  }

  /**
   * To be called now and then: ends the call if its peer is too slow. False when it cannot be ended: after some protocol
   * errors Node neither reads a session any more nor ends it, and its streams are never closed.
   */
  cutIfSlow(now: number): boolean {
    const { requestTimeoutMs, answerTimeoutMs } = this.#context.limits;
    const tookMs = now - this.#since;
    if (this.#phase === 'cut') return tookMs <= answerTimeoutMs;
    if (this.#phase === 'receiving' && tookMs > requestTimeoutMs) this.#refuse(tooSlow);
    else if (this.#phase === 'answered' && tookMs > answerTimeoutMs) {
      this.#phase = 'cut';
      this.#since = now;
      this.#stream.close(constants.NGHTTP2_CANCEL);
    }
    return true;
  }

  #receive(message: GrpcMessage): void {
    this.#stream.on('data', (piece: Buffer) => {
      // After an answer the rest flows unheard.
      if (this.#phase !== 'receiving') return;
      const problem = message.push(piece);
      if (problem !== undefined) this.#refuse(problem);
    });
    this.#stream.on('end', () => {
      if (this.#phase !== 'receiving') return;
      this.#phase = 'taken';
      message.read((outcome) => {
        if (outcome instanceof Uint8Array) this.#store(outcome);
        else this.#refuse(outcome);
      });
    });
  }

  #store(body: Uint8Array): void {
    this.#context.intake.take({ body, encoding: 'protobuf', transport: 'grpc' }).then(
      (answer) => this.#answer(answer),
      () => this.#refuse(unavailable('the collector failed', 5)),
    );
  }

  #answer(answer: IntakeAnswer): void {
    switch (answer.outcome) {
      case 'stored':
        this.#confirm(encodeTraceResponse(answer.rejected, answer.message));
        break;
      case 'malformed':
        this.#refuse(malformed(answer.message));
        break;
      case 'unavailable':
        this.#refuse(unavailable(answer.message, answer.retryAfterSeconds));
        break;
    }
  }

  #confirm(response: Uint8Array): void {
    if (!this.#isWaitedFor()) return;
    const message = Buffer.alloc(PREFIX_BYTES + response.length);
    message.writeUInt32BE(response.length, 1);
    message.set(response, PREFIX_BYTES);
    this.#stream.on('wantTrailers', () => this.#stream.sendTrailers(STORED_TRAILERS));
    this.#stream.respond(ANSWER_HEADERS, { waitForTrailers: true });
    this.#stream.end(message);
  }

  #refuse(refusal: Refusal): void {
    this.#context.onRefusal(refusal);
    this.#respond({ ...ANSWER_HEADERS, ...refusalHeaders(refusal) });
  }

  /** Headers alone, and an end to whatever the peer still sends. */
  #respond(headers: OutgoingHttpHeaders): void {
    if (!this.#isWaitedFor()) return;
    this.#stream.respond(headers, { endStream: true });
    this.#stream.close(constants.NGHTTP2_NO_ERROR);
  }

  /** The message has done its part; false when nobody is there any more to be answered. */
  #isWaitedFor(): boolean {
    this.#phase = 'answered';
    this.#since = performance.now();
    this.#loan.settle();
    return !this.#stream.destroyed && !this.#stream.closed;
  }
}
