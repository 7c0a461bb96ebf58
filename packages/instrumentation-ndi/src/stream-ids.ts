/** What a stream is called, and the flow that it belongs to. */
import { type BusinessIds, businessIdsOf, newFlowId, withBusinessIds } from '@infrafabric/events';
import { type Context, context } from '@opentelemetry/api';

const MAX_NAME_CHARS = 256;

/** A stream's ids and the context of its span. */
export interface StreamIds {
  /** `ndi-stream-` and twelve hex digits. */
  readonly streamId: string;
  /** Business trace id. */
  readonly traceId: string;
  readonly context: Context;
}

/**
 * A business trace id that is given wins; then the active context's; then the stream's own id. With only a parent given, the
 * stream is a flow of its own under that parent.
 */
export function newStreamIds(given: BusinessIds, active: Context = context.active()): StreamIds {
  const streamId = newFlowId('ndi-stream');
  const inherited = given.parentTraceId === undefined ? businessIdsOf(active).traceId : undefined;
  const traceId = given.traceId ?? inherited ?? streamId;
  return { streamId, traceId, context: withBusinessIds({ traceId, parentTraceId: given.parentTraceId }, active) };
}

/** A name as it may be recorded. */
export function boundedName(name: unknown, otherwise: string): string {
  return typeof name === 'string' && name !== '' ? name.slice(0, MAX_NAME_CHARS).toWellFormed() : otherwise;
}
