/** Copies business ids from baggage to spans; for applications that keep a stock span processor. */

import { WITNESS_BAGGAGE_KEYS } from '@infrafabric/semconv';
import type { Context } from '@opentelemetry/api';
import { copyBaggage, type StartedSpan } from './baggage.js';

/** Which members. */
export interface WitnessBaggageOptions {
  /** Baggage keys, which are also the attribute names. Anything a caller sends under them is believed. */
  readonly baggageKeys?: readonly string[] | undefined;
}

/** A span processor that only sets attributes. `WitnessSpanProcessor` does the same by itself. */
export class WitnessBaggageProcessor {
  readonly #keys: readonly string[];

  constructor(options: WitnessBaggageOptions = {}) {
    this.#keys = options.baggageKeys ?? WITNESS_BAGGAGE_KEYS;
  }

  onStart(span: StartedSpan, parentContext: Context): void {
    copyBaggage(this.#keys, span, parentContext);
  }

  onEnd(): void {}

  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }
}
