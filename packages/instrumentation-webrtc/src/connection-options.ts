/** What an application says about a connection that is watched, and what it gets. */
import type { BusinessIds } from '@infrafabric/events';
import type { Context, TracerProvider } from '@opentelemetry/api';
import type { RttUnit } from './stats.js';

/** All of it may be left out. */
export interface ConnectionOptions extends BusinessIds {
  /** Who this end is, `peer_id` of every event. Default `local`. */
  readonly peerId?: string | undefined;
  /** Who the other end is, for the ladder. Default `remote`. */
  readonly remotePeerId?: string | undefined;
  /** Parent of the connection's span. Default: the active context. */
  readonly context?: Context | undefined;
  /** Default: the global one. */
  readonly tracerProvider?: TracerProvider | undefined;
  /** Between two `webrtc_stats` while connected, milliseconds; 0: only the last one. Default 10,000. */
  readonly statsIntervalMs?: number | undefined;
  /** A connection that is not connected for so long ends as `timeout`, milliseconds; 0: never. Default 600,000. */
  readonly timeoutMs?: number | undefined;
  /** Also record each candidate, at most 256. Default: only the summary. */
  readonly eachCandidate?: boolean | undefined;
  /** Makes peer ids and addresses into pseudonyms before they are recorded: `pseudonymiser(key)` of @infrafabric/events. */
  readonly pseudonym?: ((name: string) => string) | undefined;
  /** Unit of round trips in the stack's statistics. Default: milliseconds for node-datachannel, else seconds. */
  readonly rttUnit?: RttUnit | undefined;
  /** Called when a page is left, after every span was ended: `() => provider.forceFlush()`. */
  readonly flush?: (() => unknown) | undefined;
}

/** A connection that is watched. */
export interface WatchedConnection {
  /** `connection_id` of its first event. */
  readonly connectionId: string;
  /** In which the connection's span is active: for the application's own spans. */
  readonly context: Context;
  /** Settles when the span has ended. Wait for it before the SDK is shut down: the last statistics come after `close()`. */
  readonly ended: Promise<void>;
  /** Ends the span and watches no longer; the connection itself goes on. */
  stop(): void;
}

/** @throws RangeError for times that are none, TypeError for what is no function */
export function checkOptions({ statsIntervalMs, timeoutMs, pseudonym, flush, rttUnit }: ConnectionOptions): void {
  for (const [name, value] of Object.entries({ statsIntervalMs, timeoutMs })) {
    if (value === undefined) continue;
    // Beyond this a timer fires at once.
    if (!(value >= 0 && value < 2 ** 31))
      throw new RangeError(`${name} must be milliseconds from 0 up to 2,147,483,647`);
  }
  for (const [name, value] of Object.entries({ pseudonym, flush })) {
    if (value !== undefined && typeof value !== 'function') throw new TypeError(`${name} must be a function`);
  }
  if (rttUnit !== undefined && rttUnit !== 's' && rttUnit !== 'ms') throw new TypeError("rttUnit must be 's' or 'ms'");
}
