/** Business ids travel between processes as W3C baggage; spans started under it get them as attributes. */
import { type Context, propagation } from '@opentelemetry/api';

/** What is written to of a span that just started. */
export interface StartedSpan {
  readonly attributes: Readonly<Record<string, unknown>>;
  setAttribute(key: string, value: string): unknown;
}

/** Copies the named members to attributes that the span does not have yet. Never throws. */
export function copyBaggage(keys: readonly string[], span: StartedSpan, parentContext: Context): void {
  try {
    const baggage = propagation.getBaggage(parentContext);
    if (baggage === undefined) return;
    for (const key of keys) {
      const entry = baggage.getEntry(key);
      if (entry !== undefined && span.attributes[key] === undefined) span.setAttribute(key, entry.value);
    }
  } catch {
    // A span without its business id is still a span.
  }
}
