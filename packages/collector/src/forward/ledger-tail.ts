/**
 * The ledger as forwarding reads it: opened when it is there, opened again after errors or when the file is another one, each
 * read short. It never waits and never throws: what cannot be read now is read at the next look.
 */
import { type FedSpan, LedgerReader, SpanFeed } from '@infrafabric/ledger/reader';
import type { ForwardLog } from './forward-log.js';
import type { LedgerState } from './starting-place.js';

/** SQLite stops the thread while it waits for a lock. */
const BUSY_TIMEOUT_MS = 100;
/** Shorter troubles, such as a ledger that is just being created, are not worth a line. */
const TELL_AFTER_MS = 2_000;

interface Open {
  readonly reader: LedgerReader;
  readonly feed: SpanFeed;
  readonly origin: string;
  readonly begunMs: number;
}

/** Reads one ledger file for all targets. */
export class LedgerTail {
  readonly #path: string;
  readonly #looking: Trouble;
  readonly #readingOn: Trouble;
  #open: Open | undefined;
  #wasOpen = false;

  constructor(path: string, log: ForwardLog) {
    this.#path = path;
    this.#looking = new Trouble('the ledger', log);
    // A look may succeed where a page further on is damaged.
    this.#readingOn = new Trouble('spans of the ledger', log);
  }

  /** The ledger as it is now; undefined while there is none that can be read. */
  look(): LedgerState | undefined {
    return this.#reading(this.#looking, ({ reader, origin, begunMs }) => ({
      origin,
      begunMs,
      end: reader.entryCount(),
    }));
  }

  /** As `SpanFeed.read`; undefined while that cannot be done. */
  read(from: number, maxSpans: number, maxOctets: number): { spans: FedSpan[]; next: number } | undefined {
    return this.#reading(this.#readingOn, ({ feed }) => feed.read(from, maxSpans, maxOctets));
  }

  /** As `LedgerReader.countSpans`; undefined while that cannot be done. */
  countSpans(from: number, to: number): number | undefined {
    return this.#reading(this.#readingOn, ({ reader }) => reader.countSpans(from, to));
  }

  close(): void {
    this.#open?.reader.close();
    this.#open = undefined;
  }

  #reading<T>(trouble: Trouble, read: (open: Open) => T): T | undefined {
    try {
      if (this.#open?.reader.isSameFile() === false) this.close();
      this.#open ??= openLedger(this.#path);
      const result = read(this.#open);
      this.#wasOpen = true;
      trouble.end();
      return result;
    } catch (error) {
      this.close();
      const isNotYetThere = !this.#wasOpen && (error as { code?: unknown }).code === 'gone';
      if (!isNotYetThere) trouble.meet(error);
      return undefined;
    }
  }
}

/** Tells of a trouble once while it lasts, and of its end. */
class Trouble {
  readonly #what: string;
  readonly #log: ForwardLog;
  #sinceMs: number | undefined;
  #isTold = false;

  constructor(what: string, log: ForwardLog) {
    this.#what = what;
    this.#log = log;
  }

  meet(error: unknown): void {
    this.#sinceMs ??= Date.now();
    if (this.#isTold || Date.now() - this.#sinceMs < TELL_AFTER_MS) return;
    this.#isTold = true;
    const why = error instanceof Error ? error.message : String(error);
    this.#tell('warn', `${this.#what} cannot be read, so nothing is forwarded: ${why}`);
  }

  end(): void {
    if (this.#isTold) this.#tell('info', `${this.#what} can be read again`);
    this.#sinceMs = undefined;
    this.#isTold = false;
  }

  #tell(level: 'info' | 'warn', message: string): void {
    this.#log({ level, event: 'forward.ledger', exporter: undefined, message, details: {} });
  }
}

/** Looks once, and leaves nothing open. @throws LedgerError */
export function lookAtLedger(path: string): LedgerState {
  const { reader, origin, begunMs } = openLedger(path);
  try {
    return { origin, begunMs, end: reader.entryCount() };
  } finally {
    reader.close();
  }
}

function openLedger(path: string): Open {
  const reader = LedgerReader.open(path, { timeoutMs: BUSY_TIMEOUT_MS, sees: 'latest' });
  try {
    const genesis = reader.genesis();
    if (genesis === undefined) throw new Error(`there is no entry in it yet: ${path}`);
    const begunMs = Number(BigInt(genesis.entry.at) / 1_000_000n);
    return { reader, feed: new SpanFeed(reader), origin: String(genesis.entry.body.origin), begunMs };
  } catch (error) {
    reader.close();
    throw error;
  }
}
