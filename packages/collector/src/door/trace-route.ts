/** `POST /v1/traces`: the checks that need no body, the body, its decompression, the intake, the answer. */
import { isUtf8 } from 'node:buffer';
import type { Intake, IntakeAnswer } from '../intake/intake.js';
import { type Coding, codingOf, contentTypeProblem } from './content-headers.js';
import type { Exchange } from './exchange.js';
import { inflateWithin } from './inflate-within.js';
import { Loan } from './loan.js';
import { announcedProblem, readBody } from './read-body.js';
import { malformed, type Refusal, unavailable } from './refusal.js';

/** Takes trace requests for one intake. */
export class TraceRoute {
  readonly #intake: Intake;
  readonly #maxBodyBytes: number;
  readonly #maxUnderWay: number;
  #underWay = 0;

  constructor(intake: Intake, maxBodyBytes: number, maxUnderWay: number) {
    this.#intake = intake;
    this.#maxBodyBytes = maxBodyBytes;
    this.#maxUnderWay = maxUnderWay;
  }

  /** Answers the exchange, now or later. Whatever happens, the memory lent to it is given back. */
  take(exchange: Exchange): void {
    const { headers } = exchange.request;
    const loan = new Loan(this.#intake.memory);
    const coding = codingOf(headers['content-encoding']);
    if (typeof coding !== 'string') {
      exchange.refuse(coding);
      return;
    }
    const problem =
      contentTypeProblem(headers['content-type']) ??
      announcedProblem(exchange.request, this.#maxBodyBytes, loan) ??
      (this.#underWay >= this.#maxUnderWay ? unavailable('too many requests at once', 1) : undefined);
    if (problem === undefined) this.#receive(exchange, coding, loan);
    else exchange.refuse(problem);
  }

  #receive(exchange: Exchange, coding: Coding, loan: Loan): void {
    this.#underWay++;
    /** The one way out; `undefined` when the sender went away. */
    const finish = (outcome: Refusal | IntakeAnswer | undefined): void => {
      this.#underWay--;
      loan.settle();
      if (outcome !== undefined) answer(exchange, outcome);
    };
    if (exchange.expectsContinue) exchange.response.writeContinue();
    readBody(exchange.request, this.#maxBodyBytes, loan, (body) => {
      if (!(body instanceof Uint8Array)) finish(body);
      else if (coding === 'identity') this.#store(exchange, body, finish);
      else {
        inflateWithin(coding, body, this.#maxBodyBytes, loan, (inflated) => {
          loan.give(body.length);
          if (inflated instanceof Uint8Array) this.#store(exchange, inflated, finish);
          else finish(inflated);
        });
      }
    });
  }

  #store({ encoding }: Exchange, body: Uint8Array, finish: (outcome: Refusal | IntakeAnswer) => void): void {
    if (encoding === 'json' && !isUtf8(body)) {
      finish(malformed('the body is not UTF-8'));
      return;
    }
    this.#intake.take({ body, encoding, transport: 'http' }).then(finish, () => {
      finish(unavailable('the collector failed to take the request', 5));
    });
  }
}

function answer(exchange: Exchange, outcome: Refusal | IntakeAnswer): void {
  if ('status' in outcome) exchange.refuse(outcome);
  else if (outcome.outcome === 'stored') exchange.stored(outcome.rejected, outcome.message);
  else if (outcome.outcome === 'malformed') exchange.refuse(malformed(outcome.message));
  else exchange.refuse(unavailable(outcome.message, outcome.retryAfterSeconds));
}
