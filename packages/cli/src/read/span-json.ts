/** A span's entry as JSON, with its payload or what became of it. */
import { spanEntryJson } from './entry-json.js';
import type { SpanEntry } from './span-entry.js';
import type { SpanPayloads } from './span-payloads.js';

/** Its members. */
export function spanJson(entry: SpanEntry, payloads: SpanPayloads): ReturnType<typeof spanEntryJson> {
  const span = payloads.spanOf(entry.seq);
  return spanEntryJson(entry, span, span === 'erased' ? payloads.erasedBy(entry.seq) : undefined);
}
