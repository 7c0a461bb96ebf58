/** Where an event's span belongs: its trace, its parent, its links. */
import { spanIdOfBusinessId, traceIdOfBusinessId } from '@infrafabric/format';
import type { LinkRecord } from '@infrafabric/otlp';
import { WITNESS_TRACE_ID, WITNESS_TRACE_PARENT_ID } from '@infrafabric/semconv';
import type { AmbientContext, RemoteSpan } from './ambient-context.js';

/** The place of a span. */
export interface Placement {
  readonly traceId: string;
  /** '' for a root span. */
  readonly parentSpanId: string;
  readonly traceState: string;
  /** OTLP flags. */
  readonly flags: number;
  readonly links: readonly LinkRecord[];
  readonly businessId: string | undefined;
  readonly businessParentId: string | undefined;
}

const SAMPLED = 0x01;
/** OTLP SpanFlags: whether the parent is remote is known, and it is. */
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

/**
 * The business trace id decides: the flag's, else the baggage's. Without one the span joins the trace of TRACEPARENT;
 * without that too, `newBusinessId` names a new flow. TRACEPARENT is the parent of a span of its own trace, and a link of
 * any other. Baggage may name a business id on top of a trace that TRACEPARENT decides.
 */
export function placeSpan(
  flagged: { readonly businessId?: string | undefined; readonly parentBusinessId?: string | undefined },
  { remote, baggage }: AmbientContext,
  newBusinessId: () => string,
): Placement {
  const carried = baggage.get(WITNESS_TRACE_ID);
  const businessId = flagged.businessId ?? carried ?? (remote === undefined ? newBusinessId() : undefined);
  const followsRemote = flagged.businessId === undefined && remote !== undefined;
  const traceId = followsRemote ? remote.traceId : traceIdOfBusinessId(businessId!);
  // The parent in the baggage is that of the baggage's own flow.
  const carriedParent = businessId === carried ? baggage.get(WITNESS_TRACE_PARENT_ID) : undefined;
  const businessParentId = flagged.parentBusinessId ?? carriedParent;
  const isChild = remote?.traceId === traceId;
  const links: LinkRecord[] = [];
  if (remote !== undefined && !isChild) links.push(linkTo(remote));
  if (businessParentId !== undefined) links.push(linkToFlow(businessParentId));
  return {
    traceId,
    parentSpanId: isChild ? remote.spanId : '',
    traceState: isChild ? remote.traceState : '',
    flags: isChild ? remote.traceFlags | HAS_IS_REMOTE | IS_REMOTE : SAMPLED | HAS_IS_REMOTE,
    links,
    businessId,
    businessParentId,
  };
}

function linkTo({ traceId, spanId, traceState, traceFlags }: RemoteSpan): LinkRecord {
  return {
    traceId,
    spanId,
    traceState,
    attributes: [],
    droppedAttributesCount: 0,
    flags: traceFlags | HAS_IS_REMOTE | IS_REMOTE,
  };
}

function linkToFlow(businessId: string): LinkRecord {
  const traceId = traceIdOfBusinessId(businessId);
  const spanId = spanIdOfBusinessId(businessId);
  return { traceId, spanId, traceState: '', attributes: [], droppedAttributesCount: 0, flags: 0 };
}
