/** Opening and closing a node:http or node:https server. */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { type Door, listenError } from './door.js';

/** How often connections that fell idle meanwhile are closed. */
const SWEEP_MS = 50;
/** What a timer can hold. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Resolves when the server listens. @throws {@link DoorError} by rejection. */
export function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (cause: Error): void => reject(listenError(host, port, cause));
    server.once('error', onError);
    server.listen({ host, port }, () => {
      server.off('error', onError);
      resolve();
    });
  });
}

/** A listening server as a {@link Door}; `onStop` is called when stopping begins. */
export function serverDoor(server: Server, onStop: () => void): Door {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  let stopped: Promise<void> | undefined;
  const stop = (deadlineMs: number): Promise<void> => {
    onStop();
    return new Promise((resolve) => {
      const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
      const cut = setTimeout(
        () => {
          for (const socket of sockets) socket.destroy();
        },
        Math.min(deadlineMs, MAX_TIMER_MS),
      );
      server.close(() => {
        clearInterval(sweep);
        clearTimeout(cut);
        resolve();
      });
      // Node counts a connection on which nothing came yet as busy.
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
    });
  };
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('the server does not listen on a port');
  return {
    host: address.address,
    port: address.port,
    stop: (deadlineMs) => {
      stopped ??= stop(deadlineMs);
      return stopped;
    },
  };
}
