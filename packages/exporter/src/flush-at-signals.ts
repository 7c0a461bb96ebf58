/** SIGTERM and SIGINT end a process at once unless somebody listens, and NodeSDK does not. */
import { spillAll } from './at-exit.js';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * On a signal: flush, at most this long, then let the signal do what it would have done; an application that listens itself
 * decides itself. A second signal ends the process at once. Either way what is not committed by then is in the spool.
 */
export function flushAtSignals(flush: () => Promise<unknown>, timeoutMs: number): void {
  for (const signal of SIGNALS) {
    let isFlushing = false;
    const onSignal = (): void => {
      if (isFlushing) {
        raise(signal, onSignal);
        return;
      }
      isFlushing = true;
      const timer = setTimeout(done, timeoutMs);
      flush().then(done, done);
      function done(): void {
        clearTimeout(timer);
        if (!isFlushing) return;
        isFlushing = false;
        raise(signal, onSignal);
      }
    };
    process.on(signal, onSignal);
  }
}

function raise(signal: NodeJS.Signals, ours: () => void): void {
  if (process.listenerCount(signal) - 1 > politeListeners()) return;
  // No exit event follows a signal.
  spillAll();
  process.off(signal, ours);
  process.kill(process.pid, signal);
}

/**
 * Listeners of the `signal-exit` package, as its versions count themselves: like ours they only end the process when nobody
 * else listens, so each would wait for the other for ever.
 */
function politeListeners(): number {
  const emitters = [
    (process as { __signal_exit_emitter__?: unknown }).__signal_exit_emitter__,
    (globalThis as Record<symbol, unknown>)[Symbol.for('signal-exit emitter')],
  ] as ({ readonly count?: unknown } | undefined)[];
  return emitters.reduce((sum, emitter) => sum + (typeof emitter?.count === 'number' ? emitter.count : 0), 0);
}
