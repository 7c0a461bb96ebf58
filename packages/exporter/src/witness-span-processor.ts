/**
 * A span processor that loses nothing it is given: not in a burst, not while the ledger is locked or gone, not at exit.
 * A span is encoded as it ends, so that a burst costs no more than its bytes; those that memory may not hold wait on disk.
 */

import { ProtoWriter } from '@infrafabric/otlp';
import { WITNESS_BAGGAGE_KEYS } from '@infrafabric/semconv';
import { type Context, TraceFlags } from '@opentelemetry/api';
import { copyBaggage, type StartedSpan } from './baggage.js';
import type { WitnessCounts } from './counts.js';
import type { ReadableSpan } from './readable-span.js';
import { TraceRequestBuilder } from './trace-request.js';
import type { WitnessBaggageOptions } from './witness-baggage-processor.js';
import { checked, type WitnessOptions } from './witness-options.js';
import { WitnessPipeline } from './witness-pipeline.js';

/** All are optional. */
export interface WitnessSpanProcessorOptions extends WitnessOptions, WitnessBaggageOptions {
  /** Longest that a finished span waits for others before it is sent; default 500. */
  readonly scheduledDelayMs?: number | undefined;
}

const BATCH_SPANS = 512;
const BATCH_BYTES = 512 * 1024;

/** For `spanProcessors` of the SDK, 2.x and 3.x. */
export class WitnessSpanProcessor {
  readonly #pipeline: WitnessPipeline;
  readonly #baggageKeys: readonly string[];
  readonly #scheduledDelayMs: number;
  readonly #writer = new ProtoWriter(4096);
  #batch: TraceRequestBuilder;
  #timer: NodeJS.Timeout | undefined;
  #isShutdown = false;

  /** @throws RangeError for an option out of range; nothing else here throws. */
  constructor(options: WitnessSpanProcessorOptions = {}) {
    this.#baggageKeys = options.baggageKeys ?? WITNESS_BAGGAGE_KEYS;
    this.#scheduledDelayMs = checked('scheduledDelayMs', options.scheduledDelayMs, 500);
    this.#batch = new TraceRequestBuilder(this.#writer);
    this.#pipeline = new WitnessPipeline(options, () => this.#send());
  }

  /** What became of the spans so far; what is buffered is in none of them. */
  get counts(): WitnessCounts {
    return this.#pipeline.counts;
  }

  /** Gives the span the business ids that came in baggage. */
  onStart(span: StartedSpan, parentContext: Context): void {
    copyBaggage(this.#baggageKeys, span, parentContext);
  }

  /** Takes the span's bytes; the span itself is not kept. */
  onEnd(span: ReadableSpan): void {
    if (!isSampled(span)) return;
    if (this.#isShutdown) {
      this.#pipeline.lose(1, 'shut-down');
      return;
    }
    this.#batch.add(span);
    if (this.#batch.spans >= BATCH_SPANS || this.#batch.bytes >= BATCH_BYTES) this.#send();
    else this.#timer ??= setTimeout(() => this.#send(), this.#scheduledDelayMs).unref();
  }

  /** Resolves when all spans ended before are committed, in the spool or counted as lost. */
  forceFlush(): Promise<void> {
    this.#send();
    return this.#pipeline.flush();
  }

  /** Finishes within `shutdownTimeoutMs`, then writes what is left to the spool. Spans that end later are lost, and counted. */
  shutdown(): Promise<void> {
    this.#send();
    this.#isShutdown = true;
    return this.#pipeline.close();
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#batch;
    if (batch.spans === 0 && batch.refusals.size === 0) return;
    this.#batch = new TraceRequestBuilder(this.#writer);
    void this.#pipeline.submit(batch);
  }
}

/** What cannot say is taken, and refused with a count. */
function isSampled(span: ReadableSpan): boolean {
  try {
    return (span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0;
  } catch {
    return true;
  }
}
