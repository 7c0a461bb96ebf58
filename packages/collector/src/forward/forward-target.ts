/** A backend that spans are forwarded to, and how forwarding to it stands. */
import type { SendTraceRequest } from '@infrafabric/otlp/send';

/** How to reach a backend over OTLP/HTTP, and how much patience it gets. */
export interface ForwardTarget {
  /** Names it in counts and logs, and its place in the ledger: a new name starts at the ledger's present end. */
  readonly name: string;
  /** http or https; `/v1/traces` stands in for an empty path. */
  readonly url: string;
  /** Secret: never logged. */
  readonly headers: Readonly<Record<string, string>>;
  readonly contentType: SendTraceRequest['contentType'];
  readonly compression: 'none' | 'gzip';
  /** For one request. */
  readonly timeoutMs: number;
  /** Entries that may wait for it; of older ones the spans are dropped for this target, and counted. */
  readonly maxBehind: number;
  /** Of a body before compression; one span alone may be larger. */
  readonly maxRequestBytes: number;
}

/** Since the forwarder was started; queue figures are those of now. */
export interface ForwardCounts {
  /** The target's name. */
  readonly exporter: string;
  /** Spans that the backend acknowledged; after a crash some may be acknowledged twice. */
  readonly sentSpans: number;
  /** Spans that the backend refused for good. */
  readonly sendFailedSpans: number;
  /** Spans that were never sent: too far behind, erased before their turn, or damaged in the ledger. */
  readonly droppedSpans: number;
  /** Entries between the target's place and the ledger's end. */
  readonly queueSize: number;
  /** {@link ForwardTarget.maxBehind}. */
  readonly queueCapacity: number;
}

/** Counts while they are counted. */
export type RunningCounts = { -readonly [K in keyof ForwardCounts]: ForwardCounts[K] };
