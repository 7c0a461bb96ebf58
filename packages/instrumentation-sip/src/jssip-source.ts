/** JsSIP: its Socket is the only place where every message passes (no message event exists). */
import { endpointOf } from './observation.js';
import type { SipEndpoint, SipTransport } from './sip-message.js';
import type { SipObserver } from './sip-observer.js';

/** What is used of a `JsSIP.Socket`. */
export interface JsSipSocket {
  /** E.g. `wss://sip.example.com:443/`. */
  readonly url: string;
  readonly via_transport: string;
  send(message: string | ArrayBufferLike | Blob | ArrayBufferView): unknown;
  /** JsSIP sets it when it connects. */
  ondata?: ((data: never) => void) | undefined;
}

/** Where a stack is, when the stack cannot say. */
export interface SourceEnds {
  readonly local?: SipEndpoint | undefined;
  /** Default: the host of the socket's URL. */
  readonly peer?: SipEndpoint | undefined;
}

const observed = new WeakSet<object>();

/**
 * Observes a JsSIP socket in place, and returns it: hand it to `new JsSIP.UA({ sockets: [...] })`. A message that the
 * socket did not take (`send` answers false) was not sent, and is not observed. A socket that is observed already stays
 * as it is.
 */
export function observeJsSipSocket<S extends JsSipSocket>(socket: S, observer: SipObserver, ends: SourceEnds = {}): S {
  if (observed.has(socket)) return socket;
  observed.add(socket);
  const transport = transportOf(socket.via_transport);
  const hop = { transport, local: ends.local, peer: ends.peer ?? peerOf(socket.url) };

  const send = socket.send.bind(socket);
  socket.send = (message) => {
    const isSent = send(message);
    const text = textOf(message);
    if (isSent !== false && text !== undefined) observer.observe(text, { ...hop, direction: 'sent' });
    return isSent;
  };

  let ondata = socket.ondata;
  Object.defineProperty(socket, 'ondata', {
    configurable: true,
    enumerable: true,
    get: () => ondata,
    set: (handler: JsSipSocket['ondata']) => {
      ondata =
        typeof handler !== 'function'
          ? handler
          : (data: never) => {
              const text = textOf(data);
              if (text !== undefined) observer.observe(text, { ...hop, direction: 'received' });
              handler.call(socket, data);
            };
    },
  });
  return socket;
}

/** Text and octets; a Blob cannot be read at once and is left alone (JsSIP never sends one). */
export function textOf(data: unknown): string | Uint8Array | undefined {
  if (typeof data === 'string') return data;
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return undefined;
}

/** `UDP`, `WSS`, … as stacks write them. */
export function transportOf(name: string): SipTransport | undefined {
  const lower = name.toLowerCase();
  return TRANSPORTS.find((transport) => transport === lower);
}
const TRANSPORTS: readonly SipTransport[] = ['udp', 'tcp', 'tls', 'sctp', 'ws', 'wss'];

/** Host and port of a URL; undefined for what is none. */
export function peerOf(url: string): SipEndpoint | undefined {
  const host = /^[a-z]+:\/\/(?:[^@/]*@)?(\[[^\]]+\](?::\d+)?|[^/?#]+)/i.exec(url)?.[1];
  return host === undefined ? undefined : endpointOf(host);
}
