/** SIP.js: a Transport has `send` and `onMessage`; the user agent makes one by `transportConstructor`. */
import { context } from '@opentelemetry/api';
import { peerOf, type SourceEnds, transportOf } from './jssip-source.js';
import type { SipTransport } from './sip-message.js';
import type { SipObserver } from './sip-observer.js';

/** What is used of a SIP.js `Transport`. */
export interface SipJsTransport {
  /** `WS`, `WSS`, `TCP`. */
  readonly protocol: string;
  /** The address it connects to, where the transport says it. */
  readonly server?: string | undefined;
  send(message: string): Promise<void>;
  /** The user agent sets it. */
  onMessage: ((message: string) => void) | undefined;
}

const observed = new WeakSet<object>();

/** Observes a transport in place, and returns it. Messages that it refuses to send are not observed. */
export function observeSipJsTransport<T extends SipJsTransport>(
  transport: T,
  observer: SipObserver,
  ends: SourceEnds = {},
): T {
  if (observed.has(transport)) return transport;
  observed.add(transport);
  // The protocol is known only when the server is.
  const hop = (): SipJsHop => ({
    transport: transportOf(transport.protocol),
    local: ends.local,
    peer: ends.peer ?? (transport.server === undefined ? undefined : peerOf(transport.server)),
  });

  const send = transport.send.bind(transport);
  transport.send = (message) => {
    const active = context.active();
    const time = Date.now();
    const sent = send(message);
    // Before whoever awaits the promise goes on, and before an answer can arrive.
    sent.then(
      () => observer.observe(message, { ...hop(), direction: 'sent', time, context: active }),
      () => undefined,
    );
    return sent;
  };

  let onMessage = transport.onMessage;
  Object.defineProperty(transport, 'onMessage', {
    configurable: true,
    enumerable: true,
    get: () => onMessage,
    set: (handler: SipJsTransport['onMessage']) => {
      onMessage =
        typeof handler !== 'function'
          ? handler
          : (message) => {
              observer.observe(message, { ...hop(), direction: 'received' });
              handler.call(transport, message);
            };
    },
  });
  return transport;
}

type SipJsHop = { readonly transport: SipTransport | undefined } & SourceEnds;

/**
 * A class to give to SIP.js as `transportConstructor`: makes transports of `Base` that are observed.
 * @param Base e.g. `Web.Transport`
 */
export function observedSipJsTransport<Arguments extends readonly unknown[], T extends SipJsTransport>(
  Base: new (...args: Arguments) => T,
  observer: SipObserver,
  ends: SourceEnds = {},
): new (
  ...args: Arguments
) => T {
  return new Proxy(Base, {
    construct: (target, args: unknown[], newTarget) =>
      observeSipJsTransport(Reflect.construct(target, args, newTarget) as T, observer, ends),
  });
}
