/** What signals do to a collector: the first asks it to stop, the second ends it at once. */
import { constants } from 'node:os';

/** Listens from now on, so that a signal during the start is not lost. */
export class StopSignals {
  readonly #first: Promise<NodeJS.Signals>;

  /** @param onSecond called before the process ends with 128 and the signal's number */
  constructor(signals: readonly NodeJS.Signals[], onSecond: () => void) {
    this.#first = new Promise((resolve) => {
      let asked = false;
      for (const signal of signals) {
        process.on(signal, () => {
          if (asked) {
            onSecond();
            process.exit(128 + constants.signals[signal]);
          }
          asked = true;
          resolve(signal);
        });
      }
    });
  }

  /** Resolves with the first signal, now or later. */
  get first(): Promise<NodeJS.Signals> {
    return this.#first;
  }
}
