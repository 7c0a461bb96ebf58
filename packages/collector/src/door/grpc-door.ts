/**
 * OTLP/gRPC: the unary call TraceService/Export over HTTP/2, into an intake. Built on node:http2: @grpc/grpc-js collects and
 * inflates whole messages, of all calls of all connections, before anybody can count them against the memory there is.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { Intake } from '../intake/intake.js';
import type { BearerTokens } from './bearer-tokens.js';
import { type Door, DoorError, listenError } from './door.js';
import { type ConnectionContext, GrpcConnection } from './grpc-connection.js';
import { defaultGrpcLimits, type GrpcLimits } from './grpc-limits.js';
import type { RpcCode } from './otlp-answer.js';

/** A call that was refused; `message` is what the sender was told. */
export interface GrpcRefusalEvent {
  readonly code: RpcCode;
  readonly message: string;
  readonly remoteAddress: string | undefined;
}

/** What a door needs. */
export interface GrpcDoorOptions {
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  readonly intake: Intake;
  /** Of a message, before and after decompression. */
  readonly maxBodyBytes: number;
  readonly tokens: BearerTokens | undefined;
  /** PEM text. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  readonly limits?: Partial<GrpcLimits>;
  /** Told of every call that is not stored. Must not throw. */
  readonly onRefusal?: (event: GrpcRefusalEvent) => void;
}

const CUT_EVERY_MS = 500;
/** What a timer can hold. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Opens the door. @throws {@link DoorError} by rejection when it cannot listen or the certificate cannot be used. */
export async function startGrpcDoor(options: GrpcDoorOptions): Promise<Door> {
  const limits = { ...defaultGrpcLimits, ...options.limits };
  const { intake, maxBodyBytes, tokens, onRefusal } = options;
  const context: ConnectionContext = {
    ...{ intake, maxBodyBytes, tokens, limits },
    callsUnderWay: 0,
    onRefusal: ({ code, message }, remoteAddress) => onRefusal?.({ code, message, remoteAddress }),
  };
  const sockets = new Set<Socket>();
  const connections = new Set<GrpcConnection>();
  let stopped: Promise<void> | undefined;
  const server = createListener(options.tls, limits.handshakeTimeoutMs, (socket) => {
    if (stopped !== undefined) {
      // Its TLS handshake began before.
      socket.destroy();
      return;
    }
    const connection = new GrpcConnection(socket, context);
    connections.add(connection);
    socket.on('close', () => connections.delete(connection));
  });
  server.maxConnections = limits.maxConnections;
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  try {
    server.listen(options.port, options.host);
    await once(server, 'listening');
  } catch (cause) {
    throw listenError(options.host, options.port, cause);
  }
  const cutter = setInterval(() => {
    const now = performance.now();
    for (const connection of connections) connection.cut(now);
  }, CUT_EVERY_MS);
  cutter.unref();

  const stop = async (deadlineMs: number): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const connection of connections) connection.close();
    const cut = setTimeout(
      () => {
        for (const connection of connections) connection.destroy();
        for (const socket of sockets) socket.destroy();
      },
      Math.min(deadlineMs, MAX_TIMER_MS),
    );
    await closed;
    clearTimeout(cut);
    clearInterval(cutter);
  };
  const { address, port } = server.address() as AddressInfo;
  return {
    host: address,
    port,
    stop: (deadlineMs) => {
      stopped ??= stop(deadlineMs);
      return stopped;
    },
  };
}

function createListener(
  tls: GrpcDoorOptions['tls'],
  handshakeTimeout: number,
  onSocket: (socket: Socket) => void,
): Server {
  if (tls === undefined) return createServer(onSocket);
  let server: Server;
  try {
    server = createTlsServer({ ...tls, handshakeTimeout, ALPNProtocols: ['h2'] });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : cause;
    throw new DoorError('bad_tls', `the certificate and its key cannot be used: ${why}`, { cause });
  }
  return server.on('secureConnection', (socket: TLSSocket) => {
    if (socket.alpnProtocol === 'h2') onSocket(socket);
    else socket.destroy();
  });
}
