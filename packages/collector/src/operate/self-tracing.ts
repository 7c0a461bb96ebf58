/**
 * A collector must not trace itself: the span of a request about spans would be sent, perhaps to this very collector, by a
 * request that makes a span. Nothing here loads an SDK, but NODE_OPTIONS may have, before the first line of this program.
 */

/** Where every copy of the OpenTelemetry API finds its implementation. */
const API = Symbol.for('opentelemetry.js.api.1');

interface Provider {
  getDelegate?(): Provider;
  shutdown?(): Promise<void>;
}

/**
 * Shuts down the tracer provider that was preloaded into this process, if any: spans that end from now on go nowhere, and
 * threads and processes started later do not trace. True when there was one. For a program of its own, not for a library: it
 * would silence the application around it.
 */
export function stopSelfTracing(): boolean {
  const api = (globalThis as Record<symbol, { readonly trace?: Provider } | undefined>)[API];
  const provider = api?.trace?.getDelegate?.() ?? api?.trace;
  if (typeof provider?.shutdown !== 'function') return false;
  // The ledger's thread is started by Node with the same preloads, and an SDK reads this before it begins.
  process.env.OTEL_SDK_DISABLED = 'true';
  // It flushes first, to an address that may well be ours and not yet open: nobody waits for that.
  Promise.resolve(provider.shutdown()).catch(() => undefined);
  return true;
}
