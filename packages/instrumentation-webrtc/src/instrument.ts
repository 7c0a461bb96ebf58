/** The two ways to have connections watched: one that is there, and all that will be made. */
import { diag } from '@opentelemetry/api';
import { type ConnectionOptions, checkOptions, type WatchedConnection } from './connection-options.js';
import { ConnectionWatch } from './connection-watch.js';
import { WEBRTC_SCOPE } from './names.js';
import { isEventTarget, member, type PeerConnectionLike } from './peer-connection.js';

const watched = new WeakMap<object, WatchedConnection>();

/**
 * Watches a connection, best right after it was made: what happened before is not recorded. A connection is watched once; a
 * second call returns what the first did.
 * @throws TypeError for what is not shaped like RTCPeerConnection, and for options that are none; RangeError for times
 */
export function instrumentPeerConnection(pc: PeerConnectionLike, options: ConnectionOptions = {}): WatchedConnection {
  const missing = ['addEventListener', 'getStats', 'close'].filter((name) => typeof member(pc, name) !== 'function');
  if (missing.length > 0) {
    throw new TypeError(`not shaped like RTCPeerConnection: it has no ${missing.join(', ')}`);
  }
  checkOptions(options);
  const known = watched.get(pc);
  if (known !== undefined) return known;
  const watch = new ConnectionWatch(pc, options);
  watched.set(pc, watch);
  return watch;
}

/** Options of all connections, or a function that decides for each: undefined leaves it alone. */
export type InstallOptions = ConnectionOptions | ((pc: PeerConnectionLike) => ConnectionOptions | undefined);

/** The global that holds the constructor. */
export interface ConstructorHolder {
  RTCPeerConnection?: unknown;
}

const installed = new WeakSet<object>();

/**
 * Watches every connection that `new RTCPeerConnection()` makes from now on. `instanceof`, statics and subclasses stay what they
 * are. Installing twice is one time.
 * @param holder where the constructor is: the page, or the global of Node once a stack has been put there
 * @returns takes it away again; connections that are watched stay so
 * @throws TypeError when there is no constructor, and for options that are none
 */
export function installWebRtcInstrumentation(
  options: InstallOptions = {},
  holder: ConstructorHolder = globalThis as ConstructorHolder,
): () => void {
  if (typeof options !== 'function') checkOptions(options);
  const original = holder.RTCPeerConnection;
  if (typeof original !== 'function') {
    throw new TypeError('there is no RTCPeerConnection: put the stack’s constructor there first, or name its holder');
  }
  if (installed.has(original)) return () => {};
  let isActive = true;
  const wrapped = new Proxy(original, {
    construct(target, args, newTarget) {
      const made: unknown = Reflect.construct(target, args, newTarget);
      if (isActive) watchMade(made, options);
      return made as object;
    },
  });
  installed.add(wrapped);
  holder.RTCPeerConnection = wrapped;
  return () => {
    isActive = false;
    // Somebody else may have wrapped it since: then ours stays below theirs, and does nothing any more.
    if (holder.RTCPeerConnection === wrapped) holder.RTCPeerConnection = original;
  };
}

function watchMade(made: unknown, options: InstallOptions): void {
  try {
    if (!isEventTarget(made)) return;
    const pc = made as PeerConnectionLike;
    const chosen = typeof options === 'function' ? options(pc) : options;
    if (chosen !== undefined) instrumentPeerConnection(pc, chosen);
  } catch (error) {
    diag.error(`${WEBRTC_SCOPE.name}: a connection is not watched`, error);
  }
}
