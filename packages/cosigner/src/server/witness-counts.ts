/** What is counted in a witness, and the page of it in the text format of Prometheus. */

const STATUSES = [200, 400, 403, 404, 409, 413, 422] as const;

/** Counts answers to `add-checkpoint`. */
export class WitnessCounts {
  readonly #answers = new Map<number, number>(STATUSES.map((status) => [status, 0]));
  readonly #logs: () => number;
  #seconds = 0;
  #lastCosignedUnixS = 0;

  /** @param logs how many are listed now */
  constructor(logs: () => number) {
    this.#logs = logs;
  }

  /** One more answer, and how long it took from the last octet of the question. */
  answered(status: number, ms = 0): void {
    this.#answers.set(status, (this.#answers.get(status) ?? 0) + 1);
    this.#seconds += ms / 1000;
    if (status === 200) this.#lastCosignedUnixS = Math.floor(Date.now() / 1000);
  }

  /** The page. */
  page(): string {
    const requests = [...this.#answers].map(
      ([status, count]) => `if_witness_cosigner_answers_total{status="${status}"} ${count}`,
    );
    return `${[
      '# HELP if_witness_cosigner_answers_total Answers to add-checkpoint, by HTTP status.',
      '# TYPE if_witness_cosigner_answers_total counter',
      ...requests,
      '# HELP if_witness_cosigner_seconds_total Time spent on answers to add-checkpoint.',
      '# TYPE if_witness_cosigner_seconds_total counter',
      `if_witness_cosigner_seconds_total ${this.#seconds}`,
      '# HELP if_witness_cosigner_logs Logs that are cosigned.',
      '# TYPE if_witness_cosigner_logs gauge',
      `if_witness_cosigner_logs ${this.#logs()}`,
      '# HELP if_witness_cosigner_last_cosigned_timestamp_seconds When a checkpoint was cosigned last, Unix time; 0 before the first.',
      '# TYPE if_witness_cosigner_last_cosigned_timestamp_seconds gauge',
      `if_witness_cosigner_last_cosigned_timestamp_seconds ${this.#lastCosignedUnixS}`,
    ].join('\n')}\n`;
  }
}
