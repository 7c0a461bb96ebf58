/**
 * One request and its one answer. Answers have a Content-Length and are written at once. A sender whose body was not read
 * gets its answer first and a connection that closes a little later: closed at once, the answer would be lost in a reset.
 */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Encoding } from '../intake/intake.js';
import { encodingOf } from './content-headers.js';
import { encodeStatus, encodeTraceResponse, renderStatusJson, renderTraceResponseJson } from './otlp-answer.js';
import { announcedLength } from './read-body.js';
import type { Refusal } from './refusal.js';

/** What became known of a refused request; `message` is what the sender was told. */
export interface RefusalEvent {
  readonly status: number;
  readonly message: string;
  readonly remoteAddress: string | undefined;
}

/** What all exchanges of one door share. */
export interface AnswerRules {
  /** Whether every answer closes its connection. */
  readonly isClosing: boolean;
  readonly onRefusal: ((event: RefusalEvent) => void) | undefined;
}

/** A body up to this announced length is read and dropped by Node, so that the connection can go on. */
const DROP_BYTES = 64 * 1024;
/** How much and how long is read and dropped of a longer one while the sender may not have noticed the answer. */
const LINGER_BYTES = 64 * 1024 * 1024;
const LINGER_MS = 2_000;

const CONTENT_TYPES = { protobuf: 'application/x-protobuf', json: 'application/json' } as const;
const ALL_STORED = {
  protobuf: { headers: { 'content-type': CONTENT_TYPES.protobuf, 'content-length': 0 }, body: '' },
  json: { headers: { 'content-type': CONTENT_TYPES.json, 'content-length': 2 }, body: '{}' },
} as const;

/** One request and its answer, which is sent once; later ones, and those to a sender that went away, are dropped. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Of the answer: as the request's, JSON where that is neither. */
  readonly encoding: Encoding;
  /** Whether the sender waits with its body for a `100 Continue`. */
  readonly expectsContinue: boolean;
  readonly #rules: AnswerRules;

  constructor(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean, rules: AnswerRules) {
    this.request = request;
    this.response = response;
    this.encoding = encodingOf(request.headers['content-type']) ?? 'json';
    this.expectsContinue = expectsContinue;
    this.#rules = rules;
  }

  /** 200: everything durable but `rejected` spans. */
  stored(rejected: number, message: string): void {
    if (rejected === 0 && message === '') {
      const { headers, body } = ALL_STORED[this.encoding];
      this.#send(200, headers, body);
      return;
    }
    const body =
      this.encoding === 'protobuf'
        ? encodeTraceResponse(rejected, message)
        : renderTraceResponseJson(rejected, message);
    this.send(200, { 'content-type': CONTENT_TYPES[this.encoding] }, body);
  }

  /** An error status with a google.rpc.Status. */
  refuse({ status, code, message, headers }: Refusal): void {
    const body = this.encoding === 'protobuf' ? encodeStatus(code, message) : renderStatusJson(code, message);
    this.send(status, { ...headers, 'content-type': CONTENT_TYPES[this.encoding] }, body);
    this.#rules.onRefusal?.({ status, message, remoteAddress: this.request.socket.remoteAddress });
  }

  /** 204. */
  noContent(headers: OutgoingHttpHeaders): void {
    this.#send(204, headers, '');
  }

  /** Any answer with a body; Content-Length is added. */
  send(status: number, headers: OutgoingHttpHeaders, body: string | Uint8Array): void {
    this.#send(status, { ...headers, 'content-length': Buffer.byteLength(body) }, body);
  }

  #send(status: number, headers: OutgoingHttpHeaders, body: string | Uint8Array): void {
    const { request, response } = this;
    if (response.destroyed || response.headersSent) return;
    if (this.#rules.isClosing) response.shouldKeepAlive = false;
    if (request.complete || this.#isDropped()) {
      response.writeHead(status, headers).end(body);
      return;
    }
    response.shouldKeepAlive = false;
    response.writeHead(status, headers).write(body);
    endAfterBody(request, response);
  }

  /** Whether what is left of the body is little, or nothing. */
  #isDropped(): boolean {
    const { headers } = this.request;
    return (
      !this.expectsContinue && headers['transfer-encoding'] === undefined && announcedLength(this.request) <= DROP_BYTES
    );
  }
}

function endAfterBody(request: IncomingMessage, response: ServerResponse): void {
  let left = LINGER_BYTES;
  const end = (): void => {
    clearTimeout(timer);
    request.off('data', onData).off('end', end).off('close', end);
    response.end();
  };
  const onData = (chunk: Buffer): void => {
    left -= chunk.length;
    if (left < 0) end();
  };
  const timer = setTimeout(end, LINGER_MS);
  request.on('data', onData).on('end', end).on('close', end);
}
