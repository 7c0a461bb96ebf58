/**
 * `getStats()` of one connection: once when it has connected (the selected pair), soon and often until media flows, then
 * periodically, and a last time just before it is closed. One at a time, and none keeps the process alive.
 */
import type { ConnectionEvents } from './connection-events.js';
import { EVENT_PAIR_SELECTED, EVENT_STATS } from './names.js';
import type { PeerConnectionLike } from './peer-connection.js';
import { qualityPayload } from './quality.js';
import { type RttUnit, readStats, type SelectedPair, type StatsSample } from './stats.js';

/** How quality is recorded. */
export interface SamplerOptions {
  /** Between two `webrtc_stats`; 0: only the last one. */
  readonly intervalMs: number;
  readonly rttUnit: RttUnit;
  readonly pseudonym: (name: string) => string;
}

/** Statistics are not asked for sooner than this after connecting (the pair still changes) or after the last time. */
const SETTLED_MS = 100;
/** Until media flows, the first of these and then the double of the one before. */
const FIRST_LOOK_MS = 250;
const LONGEST_LOOK_MS = 4_000;

/** Samples one connection. */
export class Sampler {
  readonly #pc: PeerConnectionLike;
  readonly #events: ConnectionEvents;
  readonly #options: SamplerOptions;
  /** Called with each sample; returns whether media is still waited for. */
  readonly #onSample: (sample: StatsSample, atMs: number) => boolean;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #latest: StatsSample | undefined;
  /** The sample of the last `webrtc_stats`. */
  #recorded: StatsSample | undefined;
  #recordedMs = 0;
  /** When statistics were asked for, or when the connection connected, milliseconds since 1970. */
  #askedMs = 0;
  #asked: Promise<StatsSample | undefined> | undefined;
  #pairKey = '';
  #lookMs = FIRST_LOOK_MS;
  #isRunning = false;
  #isStopped = false;
  #isAsking = false;
  #isClosing = false;

  constructor(
    pc: PeerConnectionLike,
    events: ConnectionEvents,
    options: SamplerOptions,
    onSample: (sample: StatsSample, atMs: number) => boolean,
  ) {
    this.#pc = pc;
    this.#events = events;
    this.#options = options;
    this.#onSample = onSample;
  }

  /** The newest sample. */
  get latest(): StatsSample | undefined {
    return this.#latest;
  }

  /** The connection is connected. */
  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#recordedMs = this.#events.elapsedMs;
    this.#askedMs = this.#events.nowMs;
    this.#setTimer(SETTLED_MS);
  }

  /** Samples now, and goes on from there. */
  look(): void {
    if (this.#isStopped || this.#isClosing || this.#isAsking || !this.#isRunning) return;
    clearTimeout(this.#timer);
    this.#isAsking = true;
    this.#asked = this.#sample();
    void this.#asked.then((sample) => {
      this.#isAsking = false;
      if (this.#isStopped || this.#isClosing) return;
      const isWaiting = sample !== undefined && this.#take(sample);
      this.#recordWhenDue();
      this.#schedule(isWaiting);
    });
  }

  /**
   * Asks a last time, before the close. Undefined when there is nothing to wait for: the connection hardly lived, or was asked
   * just now; a sample costs up to a millisecond. Never rejects. @param atMs of the close
   */
  last(atMs: number): Promise<StatsSample | undefined> | undefined {
    this.#isClosing = true;
    clearTimeout(this.#timer);
    const isRecent = atMs - this.#askedMs < SETTLED_MS;
    if (isRecent && !this.#isAsking) return undefined;
    const asked = isRecent ? this.#asked : this.#sample();
    return asked?.then((sample) => {
      if (sample !== undefined) this.#take(sample, atMs);
      return sample;
    });
  }

  /** Records the last `webrtc_stats`, of the whole connection, and stops. */
  stop(atMs: number): void {
    clearTimeout(this.#timer);
    if (this.#isStopped) return;
    this.#isStopped = true;
    if (this.#latest === undefined) return;
    this.#events.record(EVENT_STATS, { final: true, ...qualityPayload(this.#latest) }, { atMs });
  }

  async #sample(): Promise<StatsSample | undefined> {
    this.#askedMs = this.#events.nowMs;
    try {
      return readStats(await this.#pc.getStats(), this.#options.rttUnit);
    } catch {
      // Closed in the meantime.
      return undefined;
    }
  }

  #take(sample: StatsSample, atMs: number = this.#events.nowMs): boolean {
    if (this.#isStopped) return false;
    // Once closed some stacks report emptiness; what was known stays known.
    this.#latest = sample.pair === undefined && this.#latest?.pair !== undefined ? this.#latest : sample;
    if (sample.pair !== undefined) this.#recordPair(sample.pair, sample.rttMs, atMs);
    return this.#onSample(sample, atMs);
  }

  #recordPair(pair: SelectedPair, rttMs: number | undefined, atMs: number): void {
    // A remote candidate that was found (prflx) may get its name and its address later: it is the same pair.
    const key = [pair.protocol, pair.localAddress, pair.localPort, pair.remotePort].join(' ');
    if (key === this.#pairKey) return;
    this.#pairKey = key;
    const { pseudonym } = this.#options;
    const { localAddress, remoteAddress } = pair;
    this.#events.record(
      EVENT_PAIR_SELECTED,
      {
        local_type: pair.localType,
        local_address: localAddress === undefined ? undefined : pseudonym(localAddress),
        local_port: pair.localPort,
        remote_type: pair.remoteType,
        remote_address: remoteAddress === undefined ? undefined : pseudonym(remoteAddress),
        remote_port: pair.remotePort,
        protocol: pair.protocol,
        relay_protocol: pair.relayProtocol,
        rtt_ms: rttMs,
      },
      { atMs },
    );
  }

  #recordWhenDue(): void {
    const sinceMs = this.#events.elapsedMs - this.#recordedMs;
    // Timers may be a little early.
    if (this.#options.intervalMs === 0 || sinceMs < this.#options.intervalMs - 20 || this.#latest === undefined) return;
    this.#events.record(EVENT_STATS, { interval_ms: sinceMs, ...qualityPayload(this.#latest, this.#recorded) });
    this.#recorded = this.#latest;
    this.#recordedMs = this.#events.elapsedMs;
  }

  #schedule(isWaiting: boolean): void {
    const { intervalMs } = this.#options;
    const dueMs = intervalMs === 0 ? Infinity : this.#recordedMs + intervalMs - this.#events.elapsedMs;
    const waitMs = Math.min(dueMs, isWaiting ? this.#lookMs : Infinity);
    if (isWaiting) this.#lookMs = Math.min(this.#lookMs * 2, LONGEST_LOOK_MS);
    if (waitMs === Infinity) return;
    this.#setTimer(Math.max(0, waitMs));
  }

  #setTimer(waitMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.look(), waitMs);
    // Browsers number their timers.
    if (typeof this.#timer === 'object') this.#timer.unref();
  }
}
