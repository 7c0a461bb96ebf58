/**
 * The connections that are open. Bounded: when there are too many, the oldest one's span ends. When a page is left (`pagehide`)
 * all of them end at once, synchronously, and then the application's exporter may flush: nothing runs after that.
 */
import type { EndReason } from './names.js';
import { isEventTarget } from './peer-connection.js';

/** A connection with a span that is open. */
export interface OpenConnection {
  /** Ends the span now. */
  endNow(reason: EndReason): void;
  /** Sends what the SDK still holds, when a page is left. */
  readonly flush?: (() => unknown) | undefined;
}

/** So many connections have a span at the same time. */
export const MAX_OPEN_CONNECTIONS = 10_000;

const open = new Set<OpenConnection>();

/** Adds one. */
export function addOpenConnection(connection: OpenConnection): void {
  if (open.size === 0) listen('addEventListener');
  open.add(connection);
  if (open.size <= MAX_OPEN_CONNECTIONS) return;
  const [oldest] = open;
  oldest?.endNow('evicted');
}

/** Removes one; what is not there is no mistake. */
export function removeOpenConnection(connection: OpenConnection): void {
  if (open.delete(connection) && open.size === 0) listen('removeEventListener');
}

/** How many there are. */
export function openConnectionCount(): number {
  return open.size;
}

/** Only while there is something to end: a page with such a listener is still put into the back/forward cache. */
function listen(method: 'addEventListener' | 'removeEventListener'): void {
  const target: unknown = globalThis;
  if (isEventTarget(target)) target[method]?.('pagehide', onPageHide);
}

function onPageHide(): void {
  const flushes = new Set<() => unknown>();
  for (const connection of [...open]) {
    if (connection.flush !== undefined) flushes.add(connection.flush);
    connection.endNow('pagehide');
  }
  for (const flush of flushes) {
    try {
      // A rejection has nobody left to hear it.
      void Promise.resolve(flush()).catch(() => {});
    } catch {
      // Likewise.
    }
  }
}
