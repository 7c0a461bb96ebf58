/**
 * Business trace ids in OpenTelemetry contexts: W3C Baggage carries them between processes. Where there is no trace yet, the
 * id itself decides which it is, so that all who say `session-flow-001` are one trace in any backend.
 */
import { spanIdOfBusinessId, traceIdOfBusinessId } from '@infrafabric/format';
import { WITNESS_TRACE_ID, WITNESS_TRACE_PARENT_ID } from '@infrafabric/semconv';
import { type Attributes, type Context, context, propagation, TraceFlags, trace } from '@opentelemetry/api';

/** Where an event belongs. */
export interface BusinessIds {
  /** Business trace id. Default: what the context says. */
  readonly traceId?: string | undefined;
  /** Business trace id of the flow that this one belongs to. */
  readonly parentTraceId?: string | undefined;
}

/**
 * A context in which spans belong to a business trace id. A span that is active in `base` stays the parent; without one the
 * parent is the span id that stands for the whole flow, which no span has: backends and `if-witness trace` show roots.
 */
export function withBusinessIds(ids: BusinessIds, base: Context = context.active()): Context {
  const { traceId, parentTraceId } = ids;
  let result = base;
  if (traceId !== undefined || parentTraceId !== undefined) {
    let baggage = propagation.getBaggage(base) ?? propagation.createBaggage();
    if (traceId !== undefined) baggage = baggage.setEntry(WITNESS_TRACE_ID, { value: traceId });
    if (parentTraceId !== undefined) baggage = baggage.setEntry(WITNESS_TRACE_PARENT_ID, { value: parentTraceId });
    result = propagation.setBaggage(base, baggage);
  }
  const flow = businessIdsOf(result).traceId;
  if (flow === undefined || trace.getSpanContext(result) !== undefined) return result;
  return trace.setSpanContext(result, {
    traceId: traceIdOfBusinessId(flow),
    spanId: spanIdOfBusinessId(flow),
    traceFlags: TraceFlags.SAMPLED,
    isRemote: true,
  });
}

/** The business ids of a context. */
export function businessIdsOf(of: Context): BusinessIds {
  const baggage = propagation.getBaggage(of);
  return {
    traceId: baggage?.getEntry(WITNESS_TRACE_ID)?.value,
    parentTraceId: baggage?.getEntry(WITNESS_TRACE_PARENT_ID)?.value,
  };
}

/** The same as span attributes: not every processor copies baggage. */
export function businessAttributesOf(of: Context): Attributes {
  const { traceId, parentTraceId } = businessIdsOf(of);
  const attributes: Attributes = {};
  if (traceId !== undefined) attributes[WITNESS_TRACE_ID] = traceId;
  if (parentTraceId !== undefined) attributes[WITNESS_TRACE_PARENT_ID] = parentTraceId;
  return attributes;
}
