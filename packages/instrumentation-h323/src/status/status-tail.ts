/**
 * Follows GnuGk's status port (TCP 7000): connects, reads lines, records what they say, connects again when the connection
 * breaks and asks for what was missed. It sends one command and no other, and keeps trying until it is closed.
 */
import { createConnection, type Socket } from 'node:net';
import { diag } from '@opentelemetry/api';
import { CallWatch, type WatchOptions } from '../calls/call-watch.js';
import { ObservedClock } from '../calls/clock.js';
import { SCOPE_NAME } from '../names.js';
import { type Missed, missedOf, parseReplayed, type ReplayedLine, type SeenLine, withoutReplayed } from './backlog.js';
import { recordStatusLine } from './status-events.js';
import { parseStatusLine } from './status-line.js';
import { TelnetLines } from './telnet-lines.js';

/** Where the status port is, and how it is followed. */
export interface GnuGkStatusTailOptions extends WatchOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 7000. */
  readonly port?: number;
  /** How long is waited before connecting again: from `minMs`, doubled each time, to `maxMs`. Default 500 and 30,000. */
  readonly backoff?: { readonly minMs: number; readonly maxMs: number };
  /** A backlog is complete when no line of it comes for so long, milliseconds; default 1,000. */
  readonly backlogQuietMs?: number;
  /** Bandwidth of calls of which the port says none, bit/s: without it they have no cost. What follows is marked as inferred. */
  readonly assumedBandwidthBps?: number;
  /** How the gatekeeper is called in ladders; default `host:port`. */
  readonly gatekeeper?: string;
}

/** What was counted besides what was recorded. */
export interface StatusCounts {
  readonly connections: number;
  readonly lines: number;
  /** That are no line of the status port, or not as it should be. */
  readonly unread: number;
  /** That a backlog brought and had not been seen. */
  readonly replayed: number;
}

const DEFAULT_PORT = 7000;
const DEFAULT_BACKOFF = { minMs: 500, maxMs: 30_000 };
const DEFAULT_BACKLOG_QUIET_MS = 1_000;
const SWEEP_INTERVAL_MS = 1_000;
/** A connection that says nothing is probed by the system after that. */
const KEEP_ALIVE_MS = 30_000;
/** Lines that are remembered to know them in a backlog, and lines that are held while one arrives. */
const MAX_SEEN = 2_000;
const MAX_HELD = 10_000;

/** Follows one gatekeeper. */
export class GnuGkStatusTail {
  readonly #options: GnuGkStatusTailOptions;
  readonly #watch: CallWatch;
  readonly #clock = new ObservedClock();
  readonly #counts = { connections: 0, lines: 0, unread: 0, replayed: 0 };
  #sweptMs = Number.NEGATIVE_INFINITY;
  #seen: SeenLine[] = [];
  /** Our clock minus the stamps of backlogs. */
  #offsetMs: number | undefined;
  #socket: Socket | undefined;
  #isClosed = true;
  #failures = 0;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #sweepTimer: ReturnType<typeof setInterval> | undefined;
  /** While a backlog arrives: its lines, and those that came live since the reconnect. */
  #replay:
    | { readonly backlog: ReplayedLine[]; readonly held: SeenLine[]; timer: ReturnType<typeof setTimeout> }
    | undefined;
  #isInVersion = false;

  constructor(options: GnuGkStatusTailOptions = {}) {
    this.#options = options;
    this.#watch = new CallWatch(options);
  }

  get counts(): StatusCounts {
    return { ...this.#counts };
  }

  /** Calls under way. */
  get openCalls(): number {
    return this.#watch.openCalls;
  }

  /** Begins to follow. A gatekeeper that is not there is tried again. A second call does nothing. */
  start(): void {
    if (!this.#isClosed) return;
    this.#isClosed = false;
    this.#sweepTimer = setInterval(() => this.#watch.sweep(this.#clock.now()), SWEEP_INTERVAL_MS);
    this.#sweepTimer.unref();
    this.#connect();
  }

  /** Stops: what is open ends as `closed`. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#retryTimer);
    clearInterval(this.#sweepTimer);
    this.#endReplay();
    this.#socket?.destroy();
    const nowMs = this.#clock.now();
    this.#watch.close(Number.isFinite(nowMs) ? nowMs : Date.now());
  }

  #connect(): void {
    const { host = '127.0.0.1', port = DEFAULT_PORT } = this.#options;
    const socket = createConnection({ host, port, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS });
    this.#socket = socket;
    this.#isInVersion = false;
    const lines = new TelnetLines((line, isCut) => this.#guard(() => this.#line(line, isCut)));
    socket.on('connect', () => {
      this.#counts.connections++;
      // The first connection sees what is to come; a later one also asks for what has been.
      if (this.#counts.connections > 1) this.#startReplay(socket);
    });
    socket.on('data', (octets) => lines.push(octets));
    socket.on('error', (error) => diag.debug(`${SCOPE_NAME}: status port ${host}:${port}`, error));
    socket.on('close', () => this.#reconnect());
  }

  #reconnect(): void {
    // A backlog that ends with its connection: what came of it is taken.
    this.#guard(() => this.#endReplay());
    if (this.#isClosed) return;
    const { minMs, maxMs } = this.#options.backoff ?? DEFAULT_BACKOFF;
    const delayMs = Math.min(maxMs, minMs * 2 ** Math.min(this.#failures, 20));
    this.#failures++;
    this.#retryTimer = setTimeout(() => this.#connect(), delayMs);
  }

  #startReplay(socket: Socket): void {
    this.#replay = { backlog: [], held: [], timer: this.#replayTimer() };
    socket.write('printeventbacklog\r\n');
  }

  #replayTimer(): ReturnType<typeof setTimeout> {
    const { backlogQuietMs = DEFAULT_BACKLOG_QUIET_MS } = this.#options;
    return setTimeout(() => this.#guard(() => this.#endReplay()), backlogQuietMs);
  }

  #line(line: string, isCut: boolean): void {
    this.#counts.lines++;
    this.#failures = 0;
    const text = line.trimEnd();
    if (text === 'Version:') this.#isInVersion = true;
    // A lone semicolon ends the version block, and an RCF whose line lacks it.
    if (text === ';') this.#isInVersion = false;
    if (this.#isInVersion || text === ';' || text === '') return;
    const replayed = parseReplayed(text);
    const replay = this.#replay;
    if (replayed !== undefined) {
      if (replay === undefined) return;
      replay.backlog.push({ ...replayed, text: withoutEnd(replayed.text) });
      if (replay.backlog.length > MAX_HELD) replay.backlog.shift();
      clearTimeout(replay.timer);
      replay.timer = this.#replayTimer();
      return;
    }
    const live = { text: withoutEnd(text), atMs: Date.now() };
    if (isCut) this.#counts.unread++;
    else if (replay === undefined) this.#take(live);
    else if (replay.held.push(live) >= MAX_HELD) this.#endReplay();
  }

  /** The backlog is complete, as far as can be told: takes what was missed, and then what came meanwhile. */
  #endReplay(): void {
    const replay = this.#replay;
    if (replay === undefined) return;
    this.#replay = undefined;
    clearTimeout(replay.timer);
    const nowMs = Date.now();
    // The gatekeeper's own, once known; else UTC and our zone.
    const likely = this.#offsetMs === undefined ? [0, new Date(nowMs).getTimezoneOffset() * 60_000] : [this.#offsetMs];
    const missed: Missed = missedOf(replay.backlog, this.#seen, likely);
    this.#offsetMs = missed.offsetMs ?? this.#offsetMs;
    for (const line of missed.lines) {
      this.#counts.replayed++;
      this.#take(line, missed.offsetMs === undefined);
    }
    for (const line of withoutReplayed(replay.held, missed.lines)) this.#take(line);
  }

  #take(line: SeenLine, isTimeGuessed = false): void {
    this.#seen.push(line);
    if (this.#seen.length > 2 * MAX_SEEN) this.#seen = this.#seen.slice(-MAX_SEEN);
    this.#clock.observe(line.atMs);
    // Not with every line: the table may be long.
    if (line.atMs - this.#sweptMs >= SWEEP_INTERVAL_MS) {
      this.#sweptMs = line.atMs;
      this.#watch.sweep(line.atMs);
    }
    const parsed = parseStatusLine(line.text);
    if (parsed === undefined) {
      this.#counts.unread++;
      return;
    }
    const {
      host = '127.0.0.1',
      port = DEFAULT_PORT,
      gatekeeper = `${host}:${port}`,
      assumedBandwidthBps,
    } = this.#options;
    recordStatusLine(this.#watch, parsed, line.atMs, { gatekeeper, assumedBandwidthBps, isTimeGuessed });
  }

  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      diag.error(`${SCOPE_NAME}: a status line was not recorded`, error);
    }
  }
}

/** A line without the semicolon that some have at their end and some on a line of its own. */
function withoutEnd(text: string): string {
  return text.endsWith(';') ? text.slice(0, -1) : text;
}
