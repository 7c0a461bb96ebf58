/** `log --batch`: JSON lines from stdin into the ledger, in commits of 512, in bounded memory. */
import { isatty } from 'node:tty';
import type { ResourceRecord, SpanRecord } from '@infrafabric/otlp';
import { CliError } from '../cli-error.js';
import { printErr } from '../output.js';
import type { AmbientContext } from './ambient-context.js';
import { parseBatchLine } from './batch-line.js';
import { MAX_PAYLOAD_CHARS } from './event-values.js';
import { type Line, LineSplitter } from './lines.js';
import { placeSpan } from './place-span.js';
import { SpanIds } from './span-ids.js';
import { spanOfEvent } from './span-of-event.js';
import type { SpanRecorder } from './span-recorder.js';
import type { PartialEvent } from './witness-event.js';

/** Spans of a commit, at most. */
const COMMIT_SPANS = 512;
/** Line bytes of a commit, about: large payloads are not gathered. */
const COMMIT_BYTES = 8 * 1024 * 1024;
/** Without new input for so long, what was read is committed: stdin may be a `tail -f`. */
const IDLE_MS = 200;
const PROGRESS_MS = 200;

/** What a batch needs. */
export interface BatchOptions {
  readonly input: AsyncIterable<Uint8Array>;
  readonly recorder: SpanRecorder;
  readonly ambient: AmbientContext;
  readonly resource: ResourceRecord;
  readonly defaults: PartialEvent;
  readonly newBusinessId: () => string;
  /** Bad lines are counted instead of ending the batch. */
  readonly keepGoing: boolean;
  readonly quiet: boolean;
  /** Told of each bad line that is skipped. */
  readonly skipped: (line: number, why: string) => void;
  /** Told of each commit. */
  readonly committed: (records: readonly SpanRecord[]) => Promise<void>;
}

/** What became of a batch. */
export interface BatchResult {
  lines: number;
  appended: number;
  duplicates: number;
  spooled: number;
  skipped: number;
  firstSeq: number | undefined;
  lastSeq: number | undefined;
  /** Of the last entry. */
  hashHex: string | undefined;
  /** Why the ledger did not take what is in the spool. */
  spooledWhy: Error | undefined;
  /** What ended the batch before its end; everything before the place is recorded. */
  stoppedBy: unknown;
}

/** Reads the batch to its end, or to the first line that cannot be used. Never throws: see `stoppedBy`. */
export async function logBatch(options: BatchOptions): Promise<BatchResult> {
  const batch = new Batch(options);
  try {
    await batch.run();
  } catch (error) {
    batch.result.stoppedBy = error;
  }
  return batch.result;
}

class Batch {
  readonly result: BatchResult = {
    lines: 0,
    appended: 0,
    duplicates: 0,
    spooled: 0,
    skipped: 0,
    firstSeq: undefined,
    lastSeq: undefined,
    hashHex: undefined,
    spooledWhy: undefined,
    stoppedBy: undefined,
  };
  readonly #options: BatchOptions;
  readonly #splitter = new LineSplitter(MAX_PAYLOAD_CHARS);
  readonly #spanIds = new SpanIds();
  readonly #showsProgress: boolean;
  #pending: SpanRecord[] = [];
  #pendingBytes = 0;
  #nextProgress = 0;

  constructor(options: BatchOptions) {
    this.#options = options;
    this.#showsProgress = !options.quiet && isatty(2);
  }

  async run(): Promise<void> {
    try {
      for await (const chunk of withIdle(this.#options.input, () => this.#pending.length > 0)) {
        if (chunk === undefined) await this.#commit();
        else for (const line of this.#splitter.push(chunk)) await this.#take(line);
      }
      const last = this.#splitter.end();
      if (last !== undefined) await this.#take(last);
    } finally {
      // Also when a bad line ends the batch: what stands before it counts.
      await this.#commit();
      if (this.#showsProgress) printErr('\r\x1b[K');
    }
  }

  async #take(line: Line): Promise<void> {
    this.result.lines = line.number;
    if (line.text?.trim() === '') return;
    const record = this.#recordOf(line);
    if (record === undefined) return;
    this.#pending.push(record);
    this.#pendingBytes += line.text!.length;
    if (this.#pending.length >= COMMIT_SPANS || this.#pendingBytes >= COMMIT_BYTES) await this.#commit();
  }

  #recordOf({ number, text, fault }: Line): SpanRecord | undefined {
    const { ambient, resource, defaults, newBusinessId, keepGoing, skipped } = this.#options;
    try {
      if (text === undefined) throw new CliError('input', fault!);
      const event = parseBatchLine(text, defaults);
      return spanOfEvent(event, {
        placement: placeSpan(event, ambient, newBusinessId),
        resource,
        spanId: this.#spanIds.next(),
        nowUnixNano: BigInt(Date.now()) * 1_000_000n,
      });
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      if (!keepGoing) throw new CliError('input', `line ${number}: ${error.message}`, { hint: error.hint });
      this.result.skipped++;
      skipped(number, error.message);
      return undefined;
    }
  }

  async #commit(): Promise<void> {
    const records = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    if (records.length === 0) return;
    const { result } = this;
    const recorded = await this.#options.recorder.record(records);
    if (recorded.outcome === 'spooled') {
      result.spooled += records.length;
      result.spooledWhy = recorded.why;
    } else {
      for (const { outcome, seq, hashHex } of recorded.entries) {
        if (outcome === 'duplicate') result.duplicates++;
        else result.appended++;
        result.firstSeq ??= seq;
        result.lastSeq = seq;
        result.hashHex = hashHex;
      }
    }
    await this.#options.committed(records);
    this.#progress();
  }

  #progress(): void {
    if (!this.#showsProgress || Date.now() < this.#nextProgress) return;
    this.#nextProgress = Date.now() + PROGRESS_MS;
    printErr(`\r\x1b[K${(this.result.appended + this.result.spooled).toLocaleString('en')} events`);
  }
}

/** The chunks of an input, and undefined whenever none came for a while although `isWaiting`. */
async function* withIdle(
  input: AsyncIterable<Uint8Array>,
  isWaiting: () => boolean,
): AsyncGenerator<Uint8Array | undefined> {
  const chunks = input[Symbol.asyncIterator]();
  let next = chunks.next();
  for (;;) {
    const idle = isWaiting() ? afterMs(IDLE_MS) : undefined;
    const got = idle === undefined ? await next : await Promise.race([next, idle.passed]);
    idle?.cancel();
    if (got === undefined) {
      yield undefined;
      continue;
    }
    if (got.done === true) return;
    yield got.value;
    next = chunks.next();
  }
}

function afterMs(ms: number): { readonly passed: Promise<undefined>; readonly cancel: () => void } {
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  return { passed, cancel: () => clearTimeout(timer) };
}
