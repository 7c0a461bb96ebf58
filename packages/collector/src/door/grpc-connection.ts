/**
 * One HTTP/2 connection of the gRPC door. It is closed when no call was made for a while, which is also how a peer goes away
 * that died without a word; what such a peer had begun ends by the limits of its calls.
 */
import { performServerHandshake, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { BearerTokens } from './bearer-tokens.js';
import { type CallContext, GrpcCall } from './grpc-call.js';
import { headersProblem } from './grpc-headers.js';
import { type Refusal, unavailable } from './refusal.js';

/** What all connections of a door share. */
export interface ConnectionContext extends Omit<CallContext, 'onRefusal'> {
  readonly tokens: BearerTokens | undefined;
  /** Told of every call that is refused. Must not throw. */
  onRefusal(refusal: Refusal, remoteAddress: string | undefined): void;
  /** Of all connections. */
  callsUnderWay: number;
}

/** How long a closed connection may take to go. */
const LINGER_MS = 10_000;
/**
 * HTTP/2's own window of 64 KiB makes a sender wait a round trip after each 64 KiB, and 512 spans are twice as long. What a
 * window allows is not memory given away: all that arrives is borrowed for at once, or its call is refused.
 */
const CALL_WINDOW_BYTES = 1024 * 1024;
const CONNECTION_WINDOW_BYTES = 4 * 1024 * 1024;

const tooManyCalls = unavailable('too many requests at once', 1);

/** Ends its socket when it ends. */
export class GrpcConnection {
  readonly #socket: Socket;
  readonly #session: ServerHttp2Session;
  readonly #context: ConnectionContext;
  readonly #calls = new Set<GrpcCall>();
  /** Since when there is no call, while there is none. */
  #idleSince: number = performance.now();
  #closingSince: number | undefined;

  /** @param socket connected; over TLS with its handshake done */
  constructor(socket: Socket, context: ConnectionContext) {
    this.#socket = socket;
    this.#context = context;
    const { remoteAddress } = socket;
    const callContext: CallContext = {
      ...context,
      onRefusal: (refusal) => context.onRefusal(refusal, remoteAddress),
    };
    const settings = {
      enablePush: false,
      maxConcurrentStreams: context.limits.maxCallsPerConnection,
      initialWindowSize: CALL_WINDOW_BYTES,
    };
    this.#session = performServerHandshake(socket, { settings });
    this.#session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
    // What is not HTTP/2, or a flood of it: Node has ended the session.
    this.#session.on('error', () => undefined);
    this.#session.on('stream', (stream, headers) => {
      const isTooMany = context.callsUnderWay >= context.limits.maxUnderWay;
      const problem = headersProblem(headers, context.tokens) ?? (isTooMany ? tooManyCalls : undefined);
      const call = new GrpcCall(stream, headers, callContext, problem);
      context.callsUnderWay++;
      this.#calls.add(call);
      stream.on('close', () => {
        context.callsUnderWay--;
        this.#calls.delete(call);
        this.#idleSince = performance.now();
      });
    });
  }

  /** Takes no more calls, and ends once those under way have. */
  close(): void {
    if (this.#closingSince !== undefined) return;
    this.#closingSince = performance.now();
    this.#session.close();
  }

  /** Ends now. */
  destroy(): void {
    this.#session.destroy();
    this.#socket.destroy();
  }

  /** To be called now and then: ends what is too slow, and what is not used. */
  cut(now: number): void {
    for (const call of this.#calls) {
      if (call.cutIfSlow(now)) continue;
      this.destroy();
      return;
    }
    if (this.#calls.size > 0) return;
    if (this.#closingSince !== undefined && now - this.#closingSince > LINGER_MS) this.destroy();
    else if (now - this.#idleSince > this.#context.limits.idleTimeoutMs) this.close();
  }
}
