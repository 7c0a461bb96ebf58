/** What crosses between the forwarder and its thread. */
import type { Backoff } from '@infrafabric/otlp/send';
import type { ForwardLogEvent } from './forward-log.js';
import type { ForwardCounts, ForwardTarget } from './forward-target.js';

/** What the thread is started with. */
export interface ForwardThreadData {
  readonly home: string;
  readonly ledger: string;
  readonly targets: readonly ForwardTarget[];
  /** To go on from, one a target. */
  readonly counts: readonly ForwardCounts[];
  readonly backoff: Backoff;
  readonly startedMs: number;
}

/** To the thread. */
export type ForwardRequest = { readonly type: 'wake' } | { readonly type: 'close'; readonly deadlineMs: number };

/** From the thread. */
export type ForwardReport =
  | { readonly type: 'counts'; readonly counts: readonly ForwardCounts[] }
  | { readonly type: 'log'; readonly event: ForwardLogEvent };
