/**
 * The one way from the doors to the ledger. This thread decodes, accounts and packs; the ledger's thread appends, and while
 * one commit is under way the next requests gather for the following one. What is under way is bounded, so that a flood is
 * refused at once instead of waiting in memory. Nothing here throws or rejects.
 */
import { randomFillSync } from 'node:crypto';
import {
  LedgerError,
  type PackedSpans,
  type Packing,
  packSpans,
  type Rotated,
  witnessPaths,
} from '@infrafabric/ledger';
import { HomePricing } from '@infrafabric/ledger/pricing';
import { LedgerThread, type RequestSummary } from '@infrafabric/ledger/thread';
import {
  countSpans,
  type DecodedTraceRequest,
  type DecodeLimits,
  decodeTraceRequest,
  OtlpDecodeError,
  parseTraceRequestJson,
  type SpanRecord,
} from '@infrafabric/otlp';
import { BlockPool } from './block-pool.js';
import { ByteBudget } from './byte-budget.js';
import { DECODE_LIMITS, decodedSizeProblem } from './decoded-size.js';
import type { Intake, IntakeAnswer, TraceRequest, Transport } from './intake.js';
import type { IntakeMeter, RefusalReason } from './intake-meter.js';

/** How an intake is set up. */
export interface LedgerIntakeOptions {
  /** Witness home and ledger file, as `Ledger.open` takes them. */
  readonly home?: string | undefined;
  readonly ledger?: string | undefined;
  /** Spans between their arrival and their commit; a request is taken as long as fewer are under way. */
  readonly maxInFlightSpans: number;
  /** Bytes that request bodies may take together. */
  readonly memoryBytes: number;
  /** How long a commit waits for another writer, milliseconds. Senders wait as long. */
  readonly lockTimeoutMs?: number;
  readonly decodeLimits?: Partial<DecodeLimits>;
  readonly meter: IntakeMeter;
  /** Told what budgets have to say. */
  readonly onNotice: (notice: unknown) => void;
  /** Told when the ledger stops or starts to take spans: `undefined` when it does again. */
  readonly onOutage?: (outage: LedgerError | undefined) => void;
}

/** Well inside the ten seconds that a sender waits. */
const LOCK_TIMEOUT_MS = 2_000;
const PROBE_EVERY_MS = 1_000;
/** Larger requests are decoded one after the other. */
const LARGE_JSON_OCTETS = 1024 * 1024;
/** Spans of one request that share a commit at most: a part of those that may be in flight, so that others fit beside them. */
const SPANS_AT_ONCE = 2048;
/** After this long the same request is welcome again: overload passes soon, a ledger that must be mended does not. */
const RETRY_SOON_SECONDS = 1;
const RETRY_LATER_SECONDS = 30;
const JSON_TEXT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

/** An {@link Intake} into one ledger. */
export class LedgerIntake implements Intake {
  readonly memory: ByteBudget;
  readonly #options: LedgerIntakeOptions;
  readonly #meter: IntakeMeter;
  readonly #thread: LedgerThread;
  readonly #pricing: HomePricing;
  readonly #blocks = new BlockPool();
  readonly #limits: Partial<DecodeLimits>;
  /** Settled when no large request is under way. */
  #large: Promise<void> = Promise.resolve();
  #inFlight = 0;
  #closing: Promise<void> | undefined;
  #outage: LedgerError | undefined;
  #probeTimer: NodeJS.Timeout | undefined;

  constructor(options: LedgerIntakeOptions) {
    const { home, ledger } = witnessPaths(options);
    this.#options = options;
    this.#meter = options.meter;
    this.#limits = { ...DECODE_LIMITS, ...options.decodeLimits };
    this.memory = new ByteBudget(options.memoryBytes);
    this.#pricing = new HomePricing(home);
    this.#thread = new LedgerThread({
      home,
      ledger,
      timeoutMs: options.lockTimeoutMs ?? LOCK_TIMEOUT_MS,
      ingest: true,
      afterCommit: import.meta.resolve('@infrafabric/budgets/after-commit'),
    });
    this.#thread.onNotice = options.onNotice;
    this.#thread.onBlock = (block) => this.#blocks.give(block);
    this.#thread.onCommit = ({ spans, seconds }) => this.#meter.committed(spans, seconds);
  }

  /** Spans between their arrival and their commit. */
  get inFlightSpans(): number {
    return this.#inFlight;
  }

  /** Why the ledger took nothing the last time; undefined while it works. */
  get outage(): LedgerError | undefined {
    return this.#outage;
  }

  /** Opens the ledger, creating it when there is none. Resolves with why it cannot be written, if so; it is tried again by itself. */
  async open(): Promise<LedgerError | undefined> {
    await this.#probe();
    return this.#outage;
  }

  async take(request: TraceRequest): Promise<IntakeAnswer> {
    if (this.#closing !== undefined) return this.#refuse(request, 'stopping', 'this collector is being stopped');
    if (this.#inFlight >= this.#options.maxInFlightSpans) {
      return this.#refuse(request, 'overload', `${this.#inFlight} spans wait for their commit already`);
    }
    if (!isLarge(request)) return this.#commitAll(request.transport, this.#prepare(request));
    // Its spans stay decoded until the last of them is packed, and take several times as much as their octets, which are counted.
    const stored = this.#large.then(() => this.#commitAll(request.transport, this.#prepare(request)));
    this.#large = stored.then(ignore, ignore);
    return stored;
  }

  /** Changes the signing key, between two commits, once it is so old; undefined when it is not. @throws LedgerError by rejection. */
  rotateKey(ifOlderThanMs: number): Promise<Rotated | undefined> {
    return this.#thread.rotateKey(ifOlderThanMs);
  }

  /** Commits what was taken, then closes the ledger. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#probeTimer);
    await this.#thread.close();
  }

  #decode({ body, encoding }: TraceRequest): DecodedTraceRequest | OtlpDecodeError {
    try {
      if (encoding === 'protobuf') return decodeTraceRequest(body, this.#limits);
      return parseTraceRequestJson(jsonText(body), this.#limits);
    } catch (error) {
      if (error instanceof OtlpDecodeError) return error;
      throw error;
    }
  }

  /**
   * What is to be committed, or why nothing is. Not a part of an async function: what is decoded must not outlive its packing,
   * or the garbage collector carries it about until the commit.
   */
  #prepare(request: TraceRequest): Parts | OtlpDecodeError {
    const problem = decodedSizeProblem(request);
    if (problem !== undefined) return new OtlpDecodeError('too_many_values', problem);
    const decoded = this.#decode(request);
    if (decoded instanceof OtlpDecodeError) return decoded;
    const { spans, rejected } = decoded;
    const pack = (some: readonly SpanRecord[]): Packing =>
      packSpans(some, this.#pricing, fillRandom, this.#blocks.take());
    if (spans.length <= SPANS_AT_ONCE) return { rejected, spans: spans.length, packings: [pack(spans)] };
    return { rejected, spans: spans.length, packings: inParts(spans, pack) };
  }

  async #commitAll(transport: Transport, parts: Parts | OtlpDecodeError): Promise<IntakeAnswer> {
    if (parts instanceof OtlpDecodeError) {
      this.#meter.refused(transport, 0, 'malformed');
      return { outcome: 'malformed', message: parts.message };
    }
    let stored = 0;
    let duplicates = 0;
    for (const { packed } of parts.packings) {
      if (packed.count === 0) continue;
      const summary = await this.#commit(packed);
      if (summary instanceof LedgerError) {
        // Of what was stored of it the sender is not told: it comes again, and is known then.
        this.#meter.refused(transport, parts.spans, 'ledger');
        return { outcome: 'unavailable', message: summary.message, retryAfterSeconds: retryAfter(summary) };
      }
      stored += packed.count;
      duplicates += summary.duplicates;
    }
    if (stored > 0) this.#meter.accepted(transport, stored);
    if (duplicates > 0) this.#meter.duplicates(duplicates);
    const { count, message } = rejectionsOf(parts.rejected, parts.spans - stored);
    if (count > 0) this.#meter.refused(transport, count, 'rejected');
    return { outcome: 'stored', rejected: count, message };
  }

  async #commit(packed: PackedSpans): Promise<RequestSummary | LedgerError> {
    // Transferring it away leaves only the number.
    const { count } = packed;
    this.#inFlight += count;
    try {
      void this.#pricing.refresh();
      const summary = await this.#thread.appendPacked(packed);
      this.#setOutage(undefined);
      return summary;
    } catch (error) {
      const outage = error instanceof LedgerError ? error : new LedgerError('io', String(error));
      this.#setOutage(outage);
      return outage;
    } finally {
      this.#inFlight -= count;
    }
  }

  #refuse({ transport, body, encoding }: TraceRequest, reason: RefusalReason, message: string): IntakeAnswer {
    this.#meter.refused(transport, encoding === 'protobuf' ? countSpans(body) : 0, reason);
    return { outcome: 'unavailable', message, retryAfterSeconds: RETRY_SOON_SECONDS };
  }

  #setOutage(outage: LedgerError | undefined): void {
    if (this.#outage?.code !== outage?.code) this.#options.onOutage?.(outage);
    this.#outage = outage;
    if (outage !== undefined && this.#closing === undefined) {
      // Senders may be told to stay away while this is not ready: then nobody else finds out that it works again.
      this.#probeTimer ??= setTimeout(() => {
        this.#probeTimer = undefined;
        void this.#probe();
      }, PROBE_EVERY_MS).unref();
    }
  }

  async #probe(): Promise<void> {
    if (this.#closing !== undefined) return;
    try {
      await this.#pricing.refresh();
      await this.#thread.probe();
      this.#setOutage(undefined);
    } catch (error) {
      this.#setOutage(error instanceof LedgerError ? error : new LedgerError('io', String(error)));
    }
  }
}

/** A request on its way to the ledger. */
interface Parts {
  readonly rejected: DecodedTraceRequest['rejected'];
  /** Spans that were decoded. */
  readonly spans: number;
  /** Each becomes one commit, or a part of one. */
  readonly packings: Iterable<Packing>;
}

/** Packs some at a time, when it is asked for more: memory for all at once is not needed, and others get their turn. */
function* inParts(spans: readonly SpanRecord[], pack: (some: readonly SpanRecord[]) => Packing): Generator<Packing> {
  for (let from = 0; from < spans.length; from += SPANS_AT_ONCE) yield pack(spans.slice(from, from + SPANS_AT_ONCE));
}

function isLarge({ body, encoding }: TraceRequest): boolean {
  return encoding === 'json' ? body.length > LARGE_JSON_OCTETS : countSpans(body) > SPANS_AT_ONCE;
}

interface Rejections {
  readonly count: number;
  readonly message: string;
}

function rejectionsOf(rejected: DecodedTraceRequest['rejected'], tooLarge: number): Rejections {
  const parts = rejected.map(({ count, message }) => `${count} × ${message}`);
  if (tooLarge > 0) parts.push(`${tooLarge} × larger than an entry's payload may be`);
  return { count: rejected.reduce((sum, { count }) => sum + count, tooLarge), message: parts.join('; ') };
}

function jsonText(body: Uint8Array): string {
  try {
    return JSON_TEXT.decode(body);
  } catch (cause) {
    throw new OtlpDecodeError('bad_json', 'the body is not UTF-8', { cause });
  }
}

function retryAfter({ code }: LedgerError): number {
  return code === 'locked' || code === 'io' || code === 'closed' ? RETRY_SOON_SECONDS : RETRY_LATER_SECONDS;
}

function ignore(): void {}

function fillRandom(octets: Uint8Array): void {
  randomFillSync(octets);
}
