/** Lets one waiting loop be woken. A ring that nobody waits for is kept. */

/** Rung by others, waited for by one. */
export class Doorbell {
  #rung = false;
  #answer: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#answer?.();
  }

  /** Resolves at the next ring, at once after one that was missed, or after `timeoutMs` where there is one. */
  async wait(timeoutMs: number | undefined): Promise<void> {
    if (!this.#rung) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#answer = resolve;
        if (timeoutMs !== undefined) timer = setTimeout(resolve, timeoutMs);
      });
      clearTimeout(timer);
      this.#answer = undefined;
    }
    this.#rung = false;
  }
}
