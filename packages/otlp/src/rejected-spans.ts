/** What a request decoder returns: the spans it could keep, and why it could not keep the others. */
import type { DecodeLimits } from './decode-limits.js';
import type { SpanRecord } from './span-record.js';

/** Why a well-formed span is refused. Stable codes. */
export type RejectReason =
  | 'trace_id'
  | 'span_id'
  | 'parent_span_id'
  | 'link_id'
  | 'too_deep'
  | 'too_many_attributes'
  | 'too_many_events'
  | 'too_many_links';

/** The spans of one request that were refused for one reason. */
export interface RejectedSpan {
  readonly reason: RejectReason;
  /** For people; may change. */
  readonly message: string;
  /** How many spans; at least 1. */
  readonly count: number;
}

/** A request's spans in the order received. `rejected` has one row per reason, in the order first met. */
export interface DecodedTraceRequest {
  readonly spans: SpanRecord[];
  readonly rejected: RejectedSpan[];
}

/** Collects a {@link DecodedTraceRequest}. */
export class SpanCollector {
  readonly spans: SpanRecord[] = [];
  private readonly counts = new Map<RejectReason, number>();
  private readonly limits: DecodeLimits;

  constructor(limits: DecodeLimits) {
    this.limits = limits;
  }

  /** Takes a span, or counts why there is none. */
  add(span: SpanRecord | RejectReason): void {
    if (typeof span === 'string') this.counts.set(span, (this.counts.get(span) ?? 0) + 1);
    else this.spans.push(span);
  }

  /** What was collected. */
  result(): DecodedTraceRequest {
    const rejected = Array.from(this.counts, ([reason, count]) => ({
      reason,
      message: rejectMessage(reason, this.limits),
      count,
    }));
    return { spans: this.spans, rejected };
  }
}

/** The sentence for a reason. */
export function rejectMessage(reason: RejectReason, limits: DecodeLimits): string {
  switch (reason) {
    case 'trace_id':
      return 'trace_id must be 16 bytes, not all zero';
    case 'span_id':
      return 'span_id must be 8 bytes, not all zero';
    case 'parent_span_id':
      return 'parent_span_id must be 8 bytes, or empty for a root span';
    case 'link_id':
      return 'the ids of a link must be hex';
    case 'too_deep':
      return `attribute values may nest ${limits.maxDepth} levels deep`;
    case 'too_many_attributes':
      return `a span, resource or scope may hold ${limits.maxAttributes} attributes and nested values`;
    case 'too_many_events':
      return `a span may hold ${limits.maxEvents} events`;
    case 'too_many_links':
      return `a span may hold ${limits.maxLinks} links`;
  }
}
