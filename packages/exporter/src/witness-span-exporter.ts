/** Door 1: a `SpanExporter` for SDK 2.x and 3.x, under whatever span processor the application has. */
import { ProtoWriter } from '@infrafabric/otlp';
import type { WitnessCounts } from './counts.js';
import type { ReadableSpan } from './readable-span.js';
import { TraceRequestBuilder } from './trace-request.js';
import type { WitnessOptions } from './witness-options.js';
import { type Problem, WitnessPipeline } from './witness-pipeline.js';

/** The SDK's `ExportResult`: 0 success, 1 failed. */
export interface ExportResult {
  code: 0 | 1;
  error?: Error;
}

/**
 * Writes spans to a ledger. `SUCCESS` means committed; spans that went to the spool instead answer `FAILED`, are counted,
 * and reach the ledger later by themselves: exporting them again is harmless and not needed.
 */
export class WitnessSpanExporter {
  readonly #pipeline: WitnessPipeline;
  readonly #writer = new ProtoWriter(4096);
  #isShutdown = false;

  /** @throws RangeError for an option out of range; nothing else here throws. */
  constructor(options: WitnessOptions = {}) {
    this.#pipeline = new WitnessPipeline(options, () => undefined);
  }

  /** What became of the spans so far. */
  get counts(): WitnessCounts {
    return this.#pipeline.counts;
  }

  /** Calls back exactly once, never before `export` returns. After shutdown: failed, nothing is kept. */
  export(spans: readonly ReadableSpan[], resultCallback: (result: ExportResult) => void): void {
    const answer = (error: Problem): void => {
      try {
        resultCallback(error === undefined ? { code: 0 } : { code: 1, error });
      } catch (cause) {
        this.#pipeline.say('callback', `a result callback threw: ${String(cause)}`);
      }
    };
    this.#submit(spans).then(answer, answer);
  }

  /** Resolves when all spans exported before are committed, in the spool or counted as lost. */
  forceFlush(): Promise<void> {
    return this.#pipeline.flush();
  }

  /** Finishes within `shutdownTimeoutMs`, then writes what is left to the spool. */
  shutdown(): Promise<void> {
    this.#isShutdown = true;
    return this.#pipeline.close();
  }

  async #submit(spans: readonly ReadableSpan[]): Promise<Problem> {
    if (this.#isShutdown) {
      this.#pipeline.lose(spans.length, 'shut-down');
      return new Error('the exporter is shut down');
    }
    const builder = new TraceRequestBuilder(this.#writer);
    for (const span of spans) builder.add(span);
    return this.#pipeline.submit(builder);
  }
}
