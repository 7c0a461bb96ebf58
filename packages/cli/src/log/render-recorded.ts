/** The answer of `log` and `exec`. */
import type { SpanRecord } from '@infrafabric/otlp';
import { escapeJson, escapeText } from '../escape.js';
import type { Recorded } from './span-recorder.js';

/** One line for people, or one JSON object. `businessId` is undefined where only an OpenTelemetry trace id is known. */
export function renderRecorded(
  recorded: Recorded,
  { traceId, spanId }: SpanRecord,
  businessId: string | undefined,
  json: boolean,
): string {
  const entry = recorded.outcome === 'committed' ? recorded.entries[0]! : undefined;
  // Whatever is printed here, `if-witness trace` finds.
  const shownId = businessId ?? traceId;
  if (json) {
    const answer = {
      seq: entry?.seq ?? null,
      hash: entry?.hashHex ?? null,
      trace_id: shownId,
      otel_trace_id: traceId,
      span_id: spanId,
      outcome: entry?.outcome ?? 'spooled',
    };
    return `${escapeJson(JSON.stringify(answer))}\n`;
  }
  const head = entry === undefined ? 'spooled' : `seq ${entry.seq}  hash ${entry.hashHex}`;
  return `${head}  trace ${escapeText(shownId)}\n`;
}
