/** The context that child processes get, so that what they log hangs below this span. */

import type { SpanRecord } from '@infrafabric/otlp';
import { WITNESS_TRACE_ID, WITNESS_TRACE_PARENT_ID } from '@infrafabric/semconv';
import type { AmbientContext } from './ambient-context.js';
import type { Placement } from './place-span.js';

/** Environment variables by name: TRACEPARENT, BAGGAGE, and TRACESTATE where the trace has one. */
export function childEnvironment(
  record: SpanRecord,
  { businessId, businessParentId }: Placement,
  { baggage }: AmbientContext,
): Readonly<Record<string, string>> {
  const traceFlags = (record.flags & 0xff).toString(16).padStart(2, '0');
  const carried =
    businessId === undefined
      ? baggage
      : baggage.with(WITNESS_TRACE_ID, businessId).with(WITNESS_TRACE_PARENT_ID, businessParentId);
  return {
    TRACEPARENT: `00-${record.traceId}-${record.spanId}-${traceFlags}`,
    ...(record.traceState === '' ? {} : { TRACESTATE: record.traceState }),
    BAGGAGE: carried.render(),
  };
}

/** Lines for a shell's `eval`. */
export function renderExports(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'\n`)
    .join('');
}
