/**
 * `node --import @infrafabric/exporter/register app.js`: witnesses an application that was not changed for it. Whatever is
 * missing or fails here is one line on stderr; the application starts in any case.
 */
import { isMainThread } from 'node:worker_threads';
import { flushAtSignals } from './flush-at-signals.js';
import { startNodeSdk } from './start-node-sdk.js';
import { WitnessSpanProcessor } from './witness-span-processor.js';

const DEFAULT_FLUSH_TIMEOUT_MS = 5_000;

/** Set by the first copy of this module in a process. */
const REGISTERED = Symbol.for('@infrafabric/exporter/register');
const global = globalThis as { [REGISTERED]?: true };

// NODE_OPTIONS reaches worker threads as well, ours among them.
if (isMainThread && process.env.OTEL_SDK_DISABLED?.trim().toLowerCase() !== 'true' && global[REGISTERED] !== true) {
  global[REGISTERED] = true;
  try {
    start();
  } catch (error) {
    say(`nothing is witnessed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function start(): void {
  const flushTimeoutMs = flushTimeout(process.env.IF_WITNESS_FLUSH_TIMEOUT_MS);
  const makeWitness = (): WitnessSpanProcessor =>
    new WitnessSpanProcessor({
      ledger: process.env.IF_WITNESS_LEDGER || undefined,
      // A commit that waits longer than the flush may could not be waited for.
      timeoutMs: Math.min(flushTimeoutMs, 5_000),
      warn: say,
    });
  const processors = startNodeSdk(makeWitness, say);
  if (processors === undefined) return;
  const flush = (): Promise<unknown> => Promise.allSettled(processors.map((processor) => processor.forceFlush()));
  flushAtSignals(flush, flushTimeoutMs);
  process.once('beforeExit', flush);
}

function flushTimeout(text: string | undefined): number {
  if (text === undefined || text === '') return DEFAULT_FLUSH_TIMEOUT_MS;
  const timeoutMs = Number(text);
  if (timeoutMs >= 0) return timeoutMs;
  say(`IF_WITNESS_FLUSH_TIMEOUT_MS must be milliseconds, not ${text}: using ${DEFAULT_FLUSH_TIMEOUT_MS}`);
  return DEFAULT_FLUSH_TIMEOUT_MS;
}

function say(message: string): void {
  process.stderr.write(`if-witness: ${message}\n`);
}
