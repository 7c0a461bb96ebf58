/**
 * OTLP/HTTP: `POST /v1/traces` into an intake, and the operator's pages, over node:http or node:https. Never decodes, never
 * stores. A web page that is not on the list of allowed origins can make a browser send requests here: they are refused
 * before their body is read (see cors.ts).
 */
import { createServer, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { Socket } from 'node:net';
import { type Door, DoorError } from './door.js';
import { Entrance, type EntranceOptions } from './entrance.js';
import { defaultHttpLimits, type HttpLimits } from './http-limits.js';
import { listen, serverDoor } from './server-door.js';
import { answerWireError } from './wire-errors.js';

/** What the door needs. */
export interface HttpDoorOptions extends EntranceOptions {
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  /** PEM text; `undefined` for plain HTTP. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  readonly limits?: Partial<HttpLimits>;
}

/**
 * Opens the door. @throws by rejection: {@link DoorError} when it cannot listen or the certificate cannot be used, TypeError
 * for an allowed origin that is none.
 */
export async function startHttpDoor(options: HttpDoorOptions): Promise<Door> {
  const limits = { ...defaultHttpLimits, ...options.limits };
  const entrance = new Entrance(options, limits.maxUnderWay);
  const server = openServer(options, limits);
  server.maxConnections = limits.maxConnections;
  server.timeout = limits.idleTimeoutMs;
  server.on('request', (request, response) => entrance.enter(request, response, false));
  server.on('checkContinue', (request, response) => entrance.enter(request, response, true));
  server.on('clientError', (error, socket) => {
    const status = answerWireError(error, socket, entrance.owed);
    if (status === undefined) return;
    const remoteAddress = socket instanceof Socket ? socket.remoteAddress : undefined;
    options.onRefusal?.({ status, message: error.message, remoteAddress });
  });
  await listen(server, options.host, options.port);
  return serverDoor(server, () => entrance.close());
}

function openServer({ tls }: HttpDoorOptions, limits: HttpLimits): Server {
  const headersTimeout = Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs);
  const options: ServerOptions = {
    headersTimeout,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    // Node looks for late requests only so often; its own default, 30 s, would double the limits above.
    connectionsCheckingInterval: Math.min(1_000, Math.ceil(headersTimeout / 4)),
  };
  if (tls === undefined) return createServer(options);
  try {
    // Node takes an empty text for none, and would open a server that nobody can speak with.
    if (tls.cert === '' || tls.key === '') throw new TypeError('the text is empty');
    return createTlsServer({ ...options, ...tls, handshakeTimeout: headersTimeout });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : cause;
    throw new DoorError('bad_tls', `the certificate and its key cannot be used: ${why}`, { cause });
  }
}
