/**
 * One peer connection, watched from outside: by its events, its state properties and `getStats()`. Two methods of the instance
 * are hooked because nothing tells of them: `close` (browsers emit no event) and `createDataChannel`. Everything else is the
 * application's own, and nothing here throws into it.
 */
import { EventRecorder, newFlowId, type Session, withBusinessIds } from '@infrafabric/events';
import { type Attributes, type Context, diag } from '@opentelemetry/api';
import { Channels } from './channels.js';
import { ConnectionEvents } from './connection-events.js';
import type { ConnectionOptions, WatchedConnection } from './connection-options.js';
import { Gathering } from './gathering.js';
import { hookMethod } from './hook-method.js';
import { Media } from './media.js';
import * as names from './names.js';
import { Negotiation } from './negotiation.js';
import { addOpenConnection, type OpenConnection, removeOpenConnection } from './open-connections.js';
import { member, type PeerConnectionLike } from './peer-connection.js';
import { qualityAttributes } from './quality.js';
import { Sampler } from './sampler.js';
import { States } from './states.js';
import { rttUnitOf } from './stats.js';

const DEFAULT_STATS_INTERVAL_MS = 10_000;
const DEFAULT_TIMEOUT_MS = 600_000;
/** A stack that does not answer must not keep a span open. */
const LAST_STATS_MS = 1_000;

/** How a connection ends. */
interface Ending {
  readonly reason: names.EndReason;
  readonly atMs: number;
  readonly elapsedMs: number;
  /** Connection state before it. */
  readonly state: string;
  readonly party?: 'local' | 'remote' | undefined;
}

/** Watches one connection from its construction to its end. */
export class ConnectionWatch implements WatchedConnection, OpenConnection {
  readonly connectionId: string;
  readonly context: Context;
  readonly ended: Promise<void>;
  readonly flush: (() => unknown) | undefined;
  readonly #pc: PeerConnectionLike;
  readonly #session: Session;
  readonly #events: ConnectionEvents;
  readonly #states: States;
  readonly #negotiation: Negotiation;
  readonly #gathering: Gathering;
  readonly #channels: Channels;
  readonly #media: Media;
  readonly #sampler: Sampler;
  readonly #timeoutMs: number;
  readonly #undo: (() => void)[] = [];
  #resolveEnded: () => void = () => {};
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ending: Ending | undefined;

  constructor(pc: PeerConnectionLike, options: ConnectionOptions) {
    const pseudonym = options.pseudonym ?? ((name: string) => name);
    const peerId = pseudonym(options.peerId ?? 'local');
    const remotePeerId = pseudonym(options.remotePeerId ?? 'remote');
    const recorder = new EventRecorder({
      scope: names.WEBRTC_SCOPE,
      component: names.WEBRTC_COMPONENT,
      tracerProvider: options.tracerProvider,
    });
    const startMs = Date.now();
    this.#pc = pc;
    this.connectionId = newFlowId(`webrtc-${peerId}`);
    this.flush = options.flush;
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.#session = recorder.startSession(
      {
        name: names.SPAN_PEER_CONNECTION,
        startTime: startMs,
        attributes: {
          [names.ATTR_PEER_ID]: peerId,
          [names.ATTR_CONNECTION_ID]: this.connectionId,
          ...(options.remotePeerId === undefined ? {} : { [names.ATTR_REMOTE_PEER_ID]: remotePeerId }),
        },
      },
      withBusinessIds(options, options.context),
    );
    this.context = this.#session.context;
    this.#events = new ConnectionEvents(recorder, this.context, startMs, { local: peerId, remote: remotePeerId });
    this.#states = new States(pc, this.#events);
    this.#negotiation = new Negotiation(this.#events);
    this.#gathering = new Gathering(this.#events, { eachCandidate: options.eachCandidate ?? false, pseudonym });
    this.#channels = new Channels(this.#events);
    this.#media = new Media(this.#events);
    const rttUnit = options.rttUnit ?? rttUnitOf(pc);
    const intervalMs = options.statsIntervalMs ?? DEFAULT_STATS_INTERVAL_MS;
    this.#sampler = new Sampler(pc, this.#events, { intervalMs, rttUnit, pseudonym }, (sample, atMs) => {
      this.#media.look(pc, sample, atMs);
      return !this.#media.isReady && this.#media.hasMedia(pc);
    });
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#events.record(names.EVENT_STARTED, { connection_id: this.connectionId }, { atMs: startMs });
    addOpenConnection(this);
    this.#safely('the connection', () => {
      this.#listen();
      this.#hook();
      this.#onState();
    });
    this.#setTimeout();
  }

  endNow(reason: names.EndReason): void {
    if (this.#session.hasEnded) return;
    // A close that waits for its last statistics is what ended it.
    this.#ending ??= this.#endingNow(reason);
    this.#finish(this.#ending);
  }

  #listen(): void {
    this.#on('signalingstatechange', () => this.#lookAtDescriptions());
    this.#on('icegatheringstatechange', () => this.#gathering.onState(this.#pc));
    this.#on('icecandidate', (event) => this.#gathering.onCandidate(event, this.#pc));
    this.#on('icecandidateerror', (event) => this.#gathering.onError(event));
    this.#on('iceconnectionstatechange', () => this.#onState());
    this.#on('connectionstatechange', () => this.#onState());
    this.#on('track', (event) => this.#media.onTrack(event, () => this.#sampler.look(), this.#isOver));
    this.#on('datachannel', (event) => this.#channels.add(member(event, 'channel'), 'remote', this.#isOver));
  }

  #on(type: string, listener: (event?: unknown) => void): void {
    const guarded = (event?: unknown): void => {
      if (this.#isOver()) return;
      this.#safely(type, () => listener(event));
    };
    this.#pc.addEventListener(type, guarded);
    this.#undo.push(() => this.#pc.removeEventListener?.(type, guarded));
  }

  #hook(): void {
    const undoClose = hookMethod(this.#pc, 'close', (proceed) => {
      // werift's close comes here again from within.
      this.#safely('close', () => this.#onClose());
      return proceed();
    });
    const undoChannel = hookMethod(this.#pc, 'createDataChannel', (proceed) => {
      const channel = proceed();
      this.#safely('createDataChannel', () => this.#channels.add(channel, 'local', this.#isOver));
      return channel;
    });
    this.#undo.push(undoClose, undoChannel);
  }

  readonly #isOver = (): boolean => this.#ending !== undefined;

  /** werift tells of the new state first and sets the description then, before anything else can run. */
  #lookAtDescriptions(): void {
    queueMicrotask(() => this.#safely('the negotiation', () => this.#isOver() || this.#negotiation.look(this.#pc)));
  }

  #onState(): void {
    const { left, isClosed } = this.#states.look(this.#pc);
    if (isClosed) {
      // Nobody called `close()` here: else it would be over already. node-datachannel closes what failed.
      const hasFailed = this.#states.failure !== undefined;
      const ending = this.#endingNow(hasFailed ? 'failed' : 'hangup');
      this.#finish({ ...ending, state: left ?? ending.state, party: hasFailed ? undefined : 'remote' });
    } else if (this.#states.connection !== 'connected') {
      if (left === 'connected') this.#setTimeout();
    } else if (left !== undefined) {
      clearTimeout(this.#timer);
      if (this.#negotiation.isOpen) this.#negotiation.look(this.#pc);
      this.#sampler.start();
    }
  }

  /** The application closes: statistics are asked for before the real close, and their answer is waited for after it. */
  #onClose(): void {
    if (this.#ending !== undefined) return;
    if (this.#negotiation.isOpen) this.#negotiation.look(this.#pc);
    // @roamhq/wrtc does not tell that it is disconnected; and when werift calls this from within, ICE is closed already.
    this.#onState();
    if (this.#ending !== undefined) return;
    const ending = this.#endingOfClose();
    this.#ending = ending;
    const asked = this.#states.firstConnectedMs === undefined ? undefined : this.#sampler.last(ending.atMs);
    if (asked === undefined) {
      this.#finish(ending);
      return;
    }
    const limit = setTimeout(() => this.#finish(ending), LAST_STATS_MS);
    void asked.then((sample) => {
      clearTimeout(limit);
      const isRemote = ending.reason !== 'failed' && sample?.dtlsState === 'closed';
      this.#finish(isRemote ? { ...ending, reason: 'hangup', party: 'remote' } : ending);
    });
  }

  #endingOfClose(): Ending {
    if (this.#states.failure !== undefined) return this.#endingNow('failed');
    if (this.#states.firstConnectedMs === undefined) return { ...this.#endingNow('cancelled'), party: 'local' };
    if (this.#channels.wereClosedByRemote) return { ...this.#endingNow('hangup'), party: 'remote' };
    if (this.#states.connection === 'disconnected') return this.#endingNow('disconnected');
    return { ...this.#endingNow('hangup'), party: 'local' };
  }

  #endingNow(reason: names.EndReason): Ending {
    const { nowMs, elapsedMs } = this.#events;
    return { reason, atMs: nowMs, elapsedMs, state: this.#states.connection };
  }

  #finish(ending: Ending): void {
    if (this.#session.hasEnded) return;
    this.#ending = ending;
    const { reason, atMs, elapsedMs, state, party } = ending;
    clearTimeout(this.#timer);
    removeOpenConnection(this);
    for (const undo of this.#undo) this.#safely('undo', undo);
    this.#gathering.end(atMs);
    this.#media.end(this.#pc);
    this.#sampler.stop(atMs);
    // What the standard says happens, without an event, where the stack closes here.
    const isClosed = reason === 'hangup' || reason === 'cancelled' || reason === 'failed' || reason === 'disconnected';
    if (isClosed) this.#states.ice('closed', atMs);
    this.#events.record(
      names.EVENT_CLOSED,
      {
        duration_seconds: elapsedMs / 1_000,
        end_reason: reason,
        hangup_party: party,
        last_state: state,
        data_channels: this.#channels.count,
      },
      {
        atMs,
        ...(party === undefined ? {} : { arrow: { from: party, label: reason } }),
        ...(reason === 'timeout' ? { error: { type: 'timeout' } } : {}),
      },
    );
    const { failure, firstConnectedMs } = this.#states;
    if (reason === 'failed' || reason === 'timeout') this.#session.fail(failure ?? 'timeout');
    const { latest } = this.#sampler;
    const attributes: Attributes = {
      [names.ATTR_CALL_END_REASON]: reason,
      [names.ATTR_CALL_LAST_CODE]: state,
      ...(party === undefined ? {} : { [names.ATTR_CALL_HANGUP_PARTY]: party }),
      ...(latest === undefined ? {} : qualityAttributes(latest)),
    };
    if (firstConnectedMs !== undefined) {
      attributes[names.ATTR_CALL_SETUP_TIME_MS] = firstConnectedMs - (this.#negotiation.firstOfferMs ?? 0);
      attributes[names.ATTR_CALL_DURATION_MS] = elapsedMs - firstConnectedMs;
    }
    this.#session.end(attributes, atMs);
    this.#resolveEnded();
  }

  /** A connection that is not connected for this long has been forgotten. */
  #setTimeout(): void {
    clearTimeout(this.#timer);
    if (this.#timeoutMs === 0 || this.#ending !== undefined) return;
    this.#timer = setTimeout(() => this.endNow('timeout'), this.#timeoutMs);
    // Browsers number their timers.
    if (typeof this.#timer === 'object') this.#timer.unref();
  }

  #safely(what: string, act: () => unknown): void {
    try {
      act();
    } catch (error) {
      diag.error(`${names.WEBRTC_SCOPE.name}: ${what} was not recorded`, error);
    }
  }

  stop(): void {
    this.endNow('shutdown');
  }
}
