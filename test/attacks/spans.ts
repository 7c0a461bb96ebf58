/** Spans to be witnessed: like those of a real service, each different from every other, U+FFFD among the texts. */
import type { ResourceRecord, ScopeRecord, SpanRecord } from '@infrafabric/otlp';

const resource: ResourceRecord = {
  attributes: [
    ['service.name', 'orders'],
    ['witness.component', 'IF.witness.orders'],
  ],
  droppedAttributesCount: 0,
  entityRefs: [],
  schemaUrl: '',
};
const scope: ScopeRecord = {
  name: 'orders-tracer',
  version: '1.2.3',
  attributes: [],
  droppedAttributesCount: 0,
  schemaUrl: '',
};

/** Span number `n`, with `change`. Every third names a parent flow, every fourth has U+FFFD in its texts. */
export function spanRecord(n: number, change: Partial<SpanRecord> = {}): SpanRecord {
  const flow = `session-flow-${n % 5}${n % 4 === 0 ? ' \ufffd' : ''}`;
  return {
    traceId: (1 + (n % 7)).toString(16).padStart(32, 'a'),
    spanId: (n + 1).toString(16).padStart(16, '0'),
    parentSpanId: '',
    traceState: '',
    flags: 1,
    name: n % 4 === 0 ? `request \ufffd ${n}` : `request ${n}`,
    kind: 3,
    // 2^53 is in 1970 when counted in nanoseconds, so every time here is beyond it.
    startUnixNano: 1_753_000_000_000_000_001n + BigInt(n),
    endUnixNano: 1_753_000_001_000_000_001n + BigInt(n),
    attributes: [
      ['witness.trace.id', flow],
      ...(n % 3 === 0 ? [['witness.trace.parent_id', `user-request \ufffd ${n}`] as const] : []),
      ['gen_ai.request.model', 'gpt-4o'],
      ['gen_ai.usage.input_tokens', BigInt(100 + n)],
      ['gen_ai.usage.output_tokens', 50n],
      // 9,007,199,254,740,993 pico-dollars: 2^53 + 1.
      ['witness.cost.usd', '9007.199254740993'],
      ['note', 'the prompt of \ufffd'],
    ],
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    status: { code: 0, message: '' },
    resource,
    scope,
    lossy: [],
    ...change,
  };
}
