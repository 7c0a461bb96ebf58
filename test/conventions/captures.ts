/** The recorded exports of test/data/genai: their spans, and what they add up to. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { accountFor, type CountableSpan, countableSpan, countCalls } from '@infrafabric/accounting';
import { decodeTraceRequest, parseTraceRequestJson, type SpanRecord } from '@infrafabric/otlp';

const DATA = join(import.meta.dirname, '../data/genai');

/** Sums over calls. Classes exclude each other, but for `reasoning`, which is part of `output`. */
export interface Sums {
  readonly uncached_input: number;
  readonly cache_read: number;
  readonly cache_write: number;
  readonly output: number;
  readonly reasoning: number;
  readonly calls: number;
}
export const CLASSES = ['uncached_input', 'cache_read', 'cache_write', 'output', 'reasoning'] as const;

/** A line of INDEX.tsv. */
export interface Indexed {
  readonly capture: string;
  readonly reachable: 'exact' | 'totals' | 'no';
  readonly unknownCalls: number;
  readonly difference: Partial<Sums>;
}

export const INDEX: readonly Indexed[] = readFileSync(join(DATA, 'INDEX.tsv'), 'utf8')
  .trim()
  .split('\n')
  .slice(1)
  .map((line) => {
    const [capture, reachable, unknownCalls, difference] = line.split('\t');
    return {
      capture: capture!,
      reachable: reachable as Indexed['reachable'],
      unknownCalls: Number(unknownCalls),
      difference: JSON.parse(difference || '{}'),
    };
  });

/** What the provider served, and the spans of each request in the order received. */
export function readCapture(capture: string): {
  readonly totals: Sums;
  readonly requests: readonly (readonly SpanRecord[])[];
} {
  const { totals, requests } = JSON.parse(readFileSync(join(DATA, capture, 'truth.json'), 'utf8')) as {
    totals: Sums;
    requests: { file: string }[];
  };
  return {
    totals,
    requests: requests.map(({ file }) => {
      const body = readFileSync(join(DATA, capture, file));
      return (file.endsWith('.pb') ? decodeTraceRequest(body) : parseTraceRequestJson(body.toString())).spans;
    }),
  };
}

/** Spans that arrived, each once, with the seq of its arrival. */
export class Arrived {
  readonly countable: CountableSpan[] = [];
  readonly #parents = new Map<string, string | undefined>();
  #seq = 0;

  add(spans: readonly SpanRecord[]): void {
    for (const span of spans) {
      const key = `${span.traceId}/${span.spanId}`;
      if (this.#parents.has(key)) continue;
      this.#parents.set(key, span.parentSpanId || undefined);
      const account = accountFor({
        attributes: span.attributes,
        scopeName: span.scope.name,
        statusCode: span.status.code,
      });
      const countable = countableSpan(++this.#seq, {
        ...account,
        trace: span.traceId,
        span: span.spanId,
        start: String(span.startUnixNano),
        end: String(span.endUnixNano),
        event: span.name,
        kind: span.kind,
        status: span.status.code,
      });
      if (countable !== undefined) this.countable.push(countable);
    }
  }

  /** The sums of what counts, and the calls whose usage is not known. */
  sums(): { readonly sums: Sums; readonly unknownCalls: number } {
    const { notCounted } = countCalls(this.countable, (traceId, spanId) => this.#parents.get(`${traceId}/${spanId}`));
    const sums = { uncached_input: 0, cache_read: 0, cache_write: 0, output: 0, reasoning: 0, calls: 0 };
    let unknownCalls = 0;
    for (const { seq, tokens, isUnknownCall } of this.countable) {
      if (notCounted.has(seq)) continue;
      if (tokens === undefined) {
        unknownCalls += Number(isUnknownCall);
        continue;
      }
      sums.calls++;
      sums.uncached_input += tokens.input ?? 0;
      sums.cache_read += tokens.cache_read ?? 0;
      sums.cache_write += (tokens.cache_write ?? 0) + (tokens.cache_write_5m ?? 0) + (tokens.cache_write_1h ?? 0);
      sums.output += tokens.output ?? 0;
      sums.reasoning += tokens.reasoning ?? 0;
    }
    return { sums, unknownCalls };
  }
}

/** Input with cache. */
export function allInput(sums: Sums): number {
  return sums.uncached_input + sums.cache_read + sums.cache_write;
}
