/**
 * Forwarding to one target: reads what comes next, sends it, moves the cursor. One request at a time, so spans arrive in the
 * order of the ledger. A request that fails is made anew from the ledger: what was erased meanwhile is not in it any more.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { FedSpan } from '@infrafabric/ledger/reader';
import {
  type Backoff,
  buildTraceBody,
  retryPauseMs,
  type SendOutcome,
  sendForOutcome,
  type TraceBody,
  tracesEndpoint,
} from '@infrafabric/otlp/send';
import type { Cursor, CursorFile } from './cursor-file.js';
import { Doorbell } from './doorbell.js';
import { type ForwardEventName, type ForwardLog, type ForwardLogEvent, OncePerMinute } from './forward-log.js';
import type { ForwardCounts, ForwardTarget, RunningCounts } from './forward-target.js';
import type { LedgerTail } from './ledger-tail.js';
import { Losses } from './losses.js';
import { RequestSize } from './request-size.js';
import { type LedgerState, startingPlace } from './starting-place.js';

const MAX_SPANS = 512;
const UNREADABLE_PAUSE_MS = 500;

/** What a line needs. */
export interface LineOptions {
  readonly target: ForwardTarget;
  readonly tail: LedgerTail;
  readonly file: CursorFile;
  readonly backoff: Backoff;
  /** When forwarding was started, Unix milliseconds. */
  readonly startedMs: number;
  /** Counts to go on from. */
  readonly counts: ForwardCounts;
  readonly log: ForwardLog;
}

/** Spans on their way. */
interface Batch {
  readonly built: TraceBody;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly erased: number;
  /** Seq to go on with when this is dealt with. */
  readonly next: number;
}

/** One target. */
export class TargetLine {
  readonly counts: RunningCounts;
  readonly #options: LineOptions;
  readonly #endpoint: string;
  readonly #losses: Losses;
  readonly #size: RequestSize;
  readonly #bell = new Doorbell();
  readonly #retryDue = new OncePerMinute();
  readonly #warningDue = new OncePerMinute();
  #cursor: Cursor | 'none' | 'damaged';
  #saved: Cursor | undefined;
  #failures = 0;
  #failingSinceMs = 0;
  #isFailureTold = false;
  #isSending = false;
  #isClosing = false;

  constructor(options: LineOptions) {
    const { target, file, counts, log } = options;
    this.#options = options;
    this.#endpoint = tracesEndpoint(target.url)?.href ?? target.url;
    this.counts = { ...counts };
    this.#losses = new Losses(target.name, log);
    this.#size = new RequestSize(target.maxRequestBytes);
    this.#cursor = file.read();
    if (typeof this.#cursor !== 'string') this.#saved = this.#cursor;
  }

  /** Forwards until {@link TargetLine.close}. Never rejects for what a network, a backend or a ledger can do. */
  async run(): Promise<void> {
    while (!(this.#isClosing && this.#failures > 0)) {
      const batch = this.#nextBatch();
      if (batch === 'nothing' || batch === 'unreadable') {
        if (this.#isClosing) return;
        if (batch === 'nothing') await this.#bell.wait(undefined);
        else await sleep(UNREADABLE_PAUSE_MS);
      } else if (batch === 'passed over') await nextTurn();
      else await this.#deliver(batch);
    }
  }

  /** Looks at where the ledger is: rings if there is something to do, and gives up what is too far behind. */
  observe(ledger: LedgerState): void {
    // What is under way now is settled first; then this is looked at again.
    if (!this.#isSending) this.#place(ledger);
    if (typeof this.#cursor === 'string') return;
    this.counts.queueSize = Math.max(0, ledger.end - this.#cursor.next);
    if (this.counts.queueSize > 0) this.#bell.ring();
  }

  #place(ledger: LedgerState): void {
    const { target, tail, startedMs } = this.#options;
    const { next, level, message } = startingPlace(this.#cursor, ledger, startedMs);
    if (message !== undefined) this.#tell(level, 'forward.start', message, { next_seq: next });
    this.#cursor = { origin: ledger.origin, next };
    const from = ledger.end - target.maxBehind;
    const spans = from > next ? tail.countSpans(next, from) : undefined;
    if (spans === undefined) return;
    this.counts.droppedSpans += spans;
    this.#losses.add('too_far_behind', spans, next, from - 1);
    this.#moveTo(from);
  }

  /** Goes on to the ledger's present end, as long as requests succeed; then {@link TargetLine.run} ends. */
  close(): void {
    this.#isClosing = true;
    this.#bell.ring();
  }

  /** Keeps the place durably, if it moved; tells what was lost. @throws Error of the file system */
  save(losses: 'due' | 'all'): void {
    this.#losses.flush(losses);
    const cursor = this.#cursor;
    if (typeof cursor === 'string') return;
    if (cursor.origin === this.#saved?.origin && cursor.next === this.#saved.next) return;
    this.#options.file.write(cursor);
    this.#saved = cursor;
  }

  #nextBatch(): Batch | 'nothing' | 'passed over' | 'unreadable' {
    const { tail, target } = this.#options;
    const ledger = tail.look();
    if (ledger === undefined) return 'nothing';
    this.observe(ledger);
    if (typeof this.#cursor === 'string' || this.#cursor.next >= ledger.end) return 'nothing';
    const from = this.#cursor.next;
    const read = tail.read(from, MAX_SPANS, this.#size.bytes);
    if (read === undefined) return 'unreadable';
    if (read.next === from) return 'nothing';
    const batch = this.#batchOf(read.spans, read.next, target);
    if (batch.built.spans > 0) return batch;
    this.#settle(batch);
    return 'passed over';
  }

  #batchOf(fed: readonly FedSpan[], next: number, target: ForwardTarget): Batch {
    const whole = fed.filter((span) => span.kind === 'span');
    const built = buildTraceBody(whole, target.contentType, this.#size.bytes);
    // What did not fit is read again, so what lies behind it is not dealt with either.
    const upTo = whole[built.taken]?.seq ?? next;
    const dealtWith = fed.filter(({ seq }) => seq < upTo);
    return {
      built: { ...built, unreadable: built.unreadable + dealtWith.filter(({ kind }) => kind === 'unreadable').length },
      firstSeq: dealtWith[0]?.seq ?? upTo,
      lastSeq: dealtWith.at(-1)?.seq ?? upTo,
      erased: dealtWith.filter(({ kind }) => kind === 'erased').length,
      next: upTo,
    };
  }

  async #deliver(batch: Batch): Promise<void> {
    const { headers, contentType, compression, timeoutMs } = this.#options.target;
    const { body } = batch.built;
    this.#isSending = true;
    const outcome = await sendForOutcome({
      endpoint: this.#endpoint,
      headers,
      contentType,
      compression,
      timeoutMs,
      body,
    }).finally(() => {
      this.#isSending = false;
    });
    if (outcome.kind === 'retry') return this.#retryLater(outcome, batch);
    this.#recovered();
    this.#finish(outcome, batch);
  }

  #finish(outcome: Exclude<SendOutcome, { kind: 'retry' }>, batch: Batch): void {
    const { spans, body } = batch.built;
    if (outcome.kind === 'refused' && outcome.status === 413 && spans > 1) {
      this.#size.shrink(body.length);
      return;
    }
    if (outcome.kind === 'refused') {
      this.counts.sendFailedSpans += spans;
      this.#losses.add('refused', spans, batch.firstSeq, batch.lastSeq, outcome.message);
    } else {
      const rejected = outcome.kind === 'partial' ? Math.min(outcome.rejectedSpans, spans) : 0;
      this.counts.sentSpans += spans - rejected;
      this.counts.sendFailedSpans += rejected;
      this.#losses.add('rejected', rejected, batch.firstSeq, batch.lastSeq, outcome.message);
      this.#size.succeeded();
      if (outcome.kind === 'accepted' && outcome.message !== '' && this.#warningDue.isDue(Date.now())) {
        this.#tell('warn', 'forward.warning', outcome.message);
      }
    }
    this.#settle(batch);
  }

  /** Nothing more is to be done about this batch. */
  #settle(batch: Batch): void {
    const { erased, firstSeq, lastSeq, built } = batch;
    this.counts.droppedSpans += erased + built.unreadable;
    this.#losses.add('erased', erased, firstSeq, lastSeq);
    this.#losses.add('unreadable', built.unreadable, firstSeq, lastSeq);
    this.#moveTo(batch.next);
  }

  async #retryLater(outcome: Extract<SendOutcome, { kind: 'retry' }>, { built }: Batch): Promise<void> {
    if (this.#failures++ === 0) this.#failingSinceMs = Date.now();
    // Some answer a request that is too large by hanging up.
    if (outcome.isCutOff && built.spans > 1) this.#size.shrink(built.body.length);
    const pauseMs = Math.ceil(retryPauseMs(this.#failures, outcome.afterMs, this.#options.backoff));
    if (this.#retryDue.isDue(Date.now())) {
      this.#isFailureTold = true;
      const message = `${outcome.message}; tried again in ${(pauseMs / 1_000).toFixed(1)} s and until it succeeds`;
      this.#tell('warn', 'forward.retry', message, { failures: this.#failures, waiting: this.counts.queueSize });
    }
    for (const until = Date.now() + pauseMs; !this.#isClosing && Date.now() < until; ) {
      await this.#bell.wait(Math.max(0, until - Date.now()));
    }
  }

  #recovered(): void {
    const failures = this.#failures;
    this.#failures = 0;
    // Of one that fails at every other request, a line a minute is enough.
    if (!this.#isFailureTold) return;
    this.#isFailureTold = false;
    const message = `the backend answers again, after ${Math.round((Date.now() - this.#failingSinceMs) / 1_000)} s`;
    this.#tell('info', 'forward.recovered', message, { failures, waiting: this.counts.queueSize });
  }

  #moveTo(next: number): void {
    if (typeof this.#cursor === 'string') return;
    this.counts.queueSize = Math.max(0, this.counts.queueSize - (next - this.#cursor.next));
    this.#cursor = { ...this.#cursor, next };
  }

  #tell(
    level: ForwardLogEvent['level'],
    event: ForwardEventName,
    message: string,
    details: ForwardLogEvent['details'] = {},
  ): void {
    this.#options.log({ level, event, exporter: this.#options.target.name, message, details });
  }
}
