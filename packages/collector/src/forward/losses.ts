/** Spans that a target will not get: told at once, then summed up, so that a wrong token does not fill the log. */
import { type ForwardLog, OncePerMinute } from './forward-log.js';

/** Why a target does not get a span. All of them are still in the ledger, erased payloads excepted. */
export type LossReason =
  /** It was more than `maxBehind` entries behind. */
  | 'too_far_behind'
  /** The payload was erased by a redaction before its turn. */
  | 'erased'
  /** The payload is damaged. */
  | 'unreadable'
  /** The backend refused the request for good. */
  | 'refused'
  /** The backend took the request, but not these spans. */
  | 'rejected';

const WHY: Readonly<Record<LossReason, string>> = {
  too_far_behind: 'the target was too far behind; if-witness replay sends them',
  erased: 'their payloads were erased before their turn',
  unreadable: 'they are damaged in the ledger: run if-witness verify',
  refused: 'the backend refused the request',
  rejected: 'the backend took the request without them',
};

interface Sum {
  readonly due: OncePerMinute;
  spans: number;
  firstSeq: number;
  lastSeq: number;
  message: string;
}

/** The losses of one target. */
export class Losses {
  readonly #exporter: string;
  readonly #log: ForwardLog;
  readonly #sums = new Map<LossReason, Sum>();

  constructor(exporter: string, log: ForwardLog) {
    this.#exporter = exporter;
    this.#log = log;
  }

  /** Spans between two seqs, both included. The message is what the backend said. */
  add(reason: LossReason, spans: number, firstSeq: number, lastSeq: number, message = ''): void {
    if (spans === 0) return;
    const sum = this.#sums.get(reason) ?? { due: new OncePerMinute(), spans: 0, firstSeq, lastSeq, message };
    this.#sums.set(reason, sum);
    if (sum.spans === 0) sum.firstSeq = firstSeq;
    sum.spans += spans;
    sum.lastSeq = lastSeq;
    sum.message = message;
    if (sum.due.isDue(Date.now())) this.#tell(reason, sum);
  }

  /** Tells what was not told yet; those of the last minute only with `all`. */
  flush(what: 'due' | 'all'): void {
    for (const [reason, sum] of this.#sums) {
      if (sum.spans > 0 && (what === 'all' || sum.due.isDue(Date.now()))) this.#tell(reason, sum);
    }
  }

  #tell(reason: LossReason, sum: Sum): void {
    const { spans, firstSeq, lastSeq, message } = sum;
    this.#log({
      level: reason === 'erased' ? 'info' : 'error',
      event: 'forward.lost',
      exporter: this.#exporter,
      message: `${spans} spans are not forwarded: ${WHY[reason]}${message === '' ? '' : ` (${message})`}`,
      details: { reason, spans, first_seq: firstSeq, last_seq: lastSeq },
    });
    sum.spans = 0;
  }
}
