/** A sender of spans whose ids are known, which sends each request until it is answered 200. */
import { setTimeout as delay } from 'node:timers/promises';

/** Trace id of the `n`th span that `sendSpans` sends. */
export const traceIdOf = (n: number): string => (n + 1).toString(16).padStart(32, '0');
/** Its span id. */
export const spanIdOf = (n: number): string => (n + 1).toString(16).padStart(16, '0');

/** How to send. */
export interface Sending {
  /** Spans from this number … */
  readonly from: number;
  /** … to before this one, in requests of ten. */
  readonly to: number;
  readonly pauseMs?: number;
}

/** Sends spans to `url`, a full one, and returns when all of them are acknowledged. @throws Error after a minute */
export async function sendSpans(url: string, { from, to, pauseMs = 0 }: Sending): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (let first = from; first < to; first += 10) {
    const numbers = Array.from({ length: Math.min(10, to - first) }, (_, i) => first + i);
    const body = JSON.stringify(requestOf(numbers));
    const headers = { 'content-type': 'application/json' };
    for (;;) {
      const response = await fetch(url, { method: 'POST', headers, body }).catch(() => undefined);
      await response?.body?.cancel();
      if (response?.status === 200) break;
      if (Date.now() > deadline) throw new Error(`${url} does not take spans: ${response?.status ?? 'no answer'}`);
      await delay(100);
    }
    await delay(pauseMs);
  }
}

function requestOf(numbers: readonly number[]) {
  const spans = numbers.map((n) => ({
    traceId: traceIdOf(n),
    spanId: spanIdOf(n),
    name: `span ${n}`,
    kind: 1,
    startTimeUnixNano: '1764000000000000000',
    endTimeUnixNano: '1764000000001000000',
    attributes: [{ key: 'n', value: { intValue: String(n) } }],
  }));
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'sender' } }] };
  return { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'sender' }, spans }] }] };
}

/** The sorted numbers of spans that `sendSpans` sent, for comparing. */
export function numbersOf(spans: readonly { readonly spanId: string }[]): number[] {
  return spans.map(({ spanId }) => Number.parseInt(spanId, 16) - 1).sort((a, b) => a - b);
}

/** The numbers from 0 to before `to`. */
export function upTo(to: number): number[] {
  return Array.from({ length: to }, (_, n) => n);
}
