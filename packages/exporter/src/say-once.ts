/** Warnings: each kind once, because an outage meets every batch. The counters have the rest. */
import { diag } from '@opentelemetry/api';

/** Says a message unless its kind was said before. Never throws. */
export type SayOnce = (kind: string, message: string) => void;

/** @param warn default: the API's diagnostic logger, which is silent until the application sets one. */
export function sayOnce(warn: (message: string) => void = (message) => diag.warn(`witness: ${message}`)): SayOnce {
  const said = new Set<string>();
  return (kind, message) => {
    if (said.has(kind)) return;
    said.add(kind);
    try {
      warn(message);
    } catch {
      // A logger that fails must not take spans with it.
    }
  };
}
