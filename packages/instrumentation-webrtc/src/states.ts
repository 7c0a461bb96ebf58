/**
 * The two states of a connection: ICE's, and that of ICE and DTLS together. Stacks tell of them late, twice, out of order or
 * not at all, so both are read whatever event came, and equal ones are one.
 */
import type { ConnectionEvents } from './connection-events.js';
import { EVENT_ERROR, EVENT_ICE_STATE } from './names.js';
import type { PeerConnectionLike } from './peer-connection.js';

/** `setup_failed`: closed by its stack before it ever connected, and nothing says why. */
export type Failure = 'ice_failed' | 'dtls_failed' | 'setup_failed';

const MESSAGES: Readonly<Record<Failure, string>> = {
  ice_failed: 'no candidate pair works',
  dtls_failed: 'DTLS failed',
  setup_failed: 'closed by itself before it connected',
};

/** Follows the states of one connection. */
export class States {
  readonly #events: ConnectionEvents;
  #ice: string;
  #iceSinceMs = 0;
  #connection: string;
  #failure: Failure | undefined;
  #firstConnectedMs: number | undefined;

  constructor(pc: PeerConnectionLike, events: ConnectionEvents) {
    this.#events = events;
    this.#ice = pc.iceConnectionState;
    this.#connection = connectionStateOf(pc);
  }

  /** Connection state as it was last read. */
  get connection(): string {
    return this.#connection;
  }

  /** How it failed, until it connects again. */
  get failure(): Failure | undefined {
    return this.#failure;
  }

  /** When it connected first, in `elapsedMs`. */
  get firstConnectedMs(): number | undefined {
    return this.#firstConnectedMs;
  }

  /**
   * Reads both, and records what changed of ICE and what failed. @returns the connection state that was left, if it was; and whether all is closed
   */
  look(pc: PeerConnectionLike): { readonly left: string | undefined; readonly isClosed: boolean } {
    const { iceConnectionState } = pc;
    const connectionState = connectionStateOf(pc);
    const before = this.#connection;
    this.ice(iceConnectionState, this.#events.nowMs);
    if (connectionState !== before) this.#change(connectionState);
    const isClosed = connectionState === 'closed' || iceConnectionState === 'closed';
    if (iceConnectionState === 'failed') this.#fail('ice_failed');
    // ICE or DTLS has failed then (W3C WebRTC 1.0, RTCPeerConnectionState).
    else if (connectionState === 'failed') this.#fail('dtls_failed');
    else if (isClosed && this.#firstConnectedMs === undefined) this.#fail('setup_failed');
    return { left: connectionState === before ? undefined : before, isClosed };
  }

  /** Records that ICE is in this state, if it was not. */
  ice(state: string, atMs: number): void {
    if (state === this.#ice) return;
    const elapsedMs = Math.round(atMs - this.#events.startMs);
    const payload = {
      old_state: this.#ice,
      new_state: state,
      duration_ms: elapsedMs,
      state_duration_ms: elapsedMs - this.#iceSinceMs,
    };
    this.#events.record(EVENT_ICE_STATE, payload, { atMs });
    this.#ice = state;
    this.#iceSinceMs = elapsedMs;
  }

  #change(state: string): void {
    this.#connection = state;
    if (state !== 'connected') return;
    this.#failure = undefined;
    this.#firstConnectedMs ??= this.#events.elapsedMs;
  }

  #fail(failure: Failure): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    const message = MESSAGES[failure];
    this.#events.record(
      EVENT_ERROR,
      { error_code: failure, error_message: message, duration_ms: this.#events.elapsedMs },
      { error: { type: failure, message } },
    );
  }
}

/** Firefox before 113 has no `connectionState`. */
function connectionStateOf({ connectionState, iceConnectionState }: PeerConnectionLike): string {
  if (typeof connectionState === 'string') return connectionState;
  if (iceConnectionState === 'completed') return 'connected';
  return iceConnectionState === 'checking' ? 'connecting' : iceConnectionState;
}
