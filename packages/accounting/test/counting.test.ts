import { type CountableSpan, type Counting, countableSpan, countCalls, mayBeSameCall } from '@infrafabric/accounting';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

/** A span of these tests: its parent, and what differs from a call of 100 in and 10 out. */
interface Made extends Partial<CountableSpan> {
  readonly id: string;
  readonly parent?: string;
  readonly counts?: readonly [input: number, output: number];
}

let seq = 0;
function make({ id, parent: _, counts = [100, 10], ...rest }: Made): CountableSpan {
  return {
    seq: ++seq,
    traceId: 't',
    spanId: id,
    scope: 'a',
    model: undefined,
    response: undefined,
    startUnixNano: 0n,
    endUnixNano: 10n,
    tokens: { input: counts[0], output: counts[1] },
    isUnknownCall: false,
    isEstimated: false,
    hasUnits: false,
    cost: 'none',
    ...rest,
  };
}
const unknown = { tokens: undefined, isUnknownCall: true } as const;
const costOnly = { tokens: undefined, cost: 'reported' } as const;

/** Counts these spans; what does not count as `id: why by id`, and whose cost is taken. */
function count(made: readonly Made[], alsoParents: Readonly<Record<string, string>> = {}) {
  const spans = made.map(make);
  const parents = new Map(made.map(({ id, parent, traceId = 't' }) => [`${traceId}/${id}`, parent]));
  const result = countCalls(spans, (traceId, id) => parents.get(`${traceId}/${id}`) ?? alsoParents[id]);
  const idOf = (wanted: number) => spans.find((span) => span.seq === wanted)?.spanId;
  return {
    out: Object.fromEntries([...result.notCounted].map(([of, { why, by }]) => [idOf(of), `${why} ${idOf(by)}`]).sort()),
    costs: Object.fromEntries([...result.costFrom].map(([of, from]) => [idOf(of), idOf(from)])),
  };
}
const notCounted = (...args: Parameters<typeof count>) => count(...args).out;

describe('containers', () => {
  test('an agent above calls does not count, whatever it adds up', () => {
    const calls: Made[] = [
      { id: 'x', parent: 'agent', counts: [100, 10] },
      { id: 'y', parent: 'agent', counts: [120, 12] },
    ];
    for (const counts of [
      [220, 22],
      [120, 12],
      [100, 10],
      [7, 7],
    ] as const)
      expect(notCounted([{ id: 'agent', counts }, ...calls])).toEqual({ agent: 'container x' });
  });

  test('also with spans between that say nothing, and over several levels', () => {
    const out = notCounted(
      [
        { id: 'top', counts: [9, 9] },
        { id: 'mid', parent: 's1', counts: [8, 8] },
        { id: 'low', parent: 's2' },
      ],
      { s1: 'top', s2: 's3', s3: 'mid' },
    );
    expect(out).toEqual({ top: 'container low', mid: 'container low' });
  });

  test('two equal calls of one scope are two calls, below a container that equals them', () => {
    expect(notCounted([{ id: 'agent' }, { id: 'x', parent: 'agent' }, { id: 'y', parent: 'agent' }])).toEqual({
      agent: 'container x',
    });
  });

  test('a cost above tokens or above a cost is a sum', () => {
    expect(
      notCounted([
        { id: 'top', ...costOnly },
        { id: 'x', parent: 'top' },
      ]),
    ).toEqual({ top: 'container x' });
    expect(
      notCounted([
        { id: 'top', ...costOnly },
        { id: 'x', parent: 'top', ...costOnly },
      ]),
    ).toEqual({
      top: 'container x',
    });
  });

  test('a cost for units is none, nor does a cost below make tokens a sum', () => {
    expect(
      notCounted([
        { id: 'top', ...costOnly, hasUnits: true },
        { id: 'x', parent: 'top' },
      ]),
    ).toEqual({});
    expect(notCounted([{ id: 'top' }, { id: 'x', parent: 'top', ...costOnly }])).toEqual({});
  });

  test('spans that claim to be above each other are none', () => {
    expect(
      notCounted([
        { id: 'x', parent: 'y', counts: [1, 1] },
        { id: 'y', parent: 'x' },
        { id: 'z', parent: 'y', counts: [2, 2] },
      ]),
    ).toEqual({ y: 'container z' });
    expect(
      notCounted([
        { id: 'x', parent: 'y', counts: [1, 1] },
        { id: 'y', parent: 'x' },
      ]),
    ).toEqual({});
    expect(notCounted([{ id: 'x', parent: 'x' }])).toEqual({});
  });
});

describe('the same call', () => {
  test('is what stands in one line with equal counts', () => {
    expect(notCounted([{ id: 'outer' }, { id: 'inner', parent: 'outer', startUnixNano: 1n }])).toEqual({
      outer: 'same-call inner',
    });
    expect(
      notCounted([
        { id: 'outer', tokens: { input: 60, cache_read: 40, output: 10 } },
        { id: 'inner', parent: 'outer', startUnixNano: 1n },
      ]),
    ).toEqual({ inner: 'same-call outer' });
  });

  test('a container of the last step is that step, and still a container', () => {
    expect(
      notCounted([
        { id: 'all', counts: [7, 7] },
        { id: 'x', parent: 'all' },
        { id: 'y', parent: 'all', counts: [7, 7] },
      ]),
    ).toEqual({ all: 'container x' });
  });

  test('has the same response id, across traces, with whatever counts', () => {
    expect(
      notCounted([
        { id: 'x', response: 'r' },
        { id: 'y', response: 'r', traceId: 'u', tokens: { input: 90, output: 10, reasoning: 4 }, startUnixNano: 99n },
      ]),
    ).toEqual({ x: 'same-call y' });
  });

  test('but a sum over several does not become its last call by that call’s id', () => {
    expect(
      notCounted([
        { id: 'all', response: 'r', tokens: { input: 200, output: 20, cache_read: 5 } },
        { id: 'x', parent: 'all', response: 'q' },
        { id: 'y', parent: 'all', response: 'r' },
      ]),
    ).toEqual({ all: 'container x' });
  });

  test('is seen once by each scope: paired one to one', () => {
    const out = notCounted([
      { id: 'a1', startUnixNano: 0n, endUnixNano: 10n },
      { id: 'a2', startUnixNano: 20n, endUnixNano: 30n },
      { id: 'a3', startUnixNano: 40n, endUnixNano: 50n },
      { id: 'b1', scope: 'b', startUnixNano: 21n, endUnixNano: 29n },
      { id: 'b2', scope: 'b', startUnixNano: 41n, endUnixNano: 49n },
    ]);
    expect(out).toEqual({ a2: 'same-call b1', a3: 'same-call b2' });
  });

  test('in one trace also when the spans do not overlap, in different traces only when they do', () => {
    const point = { id: 'b', scope: 'b', startUnixNano: 11n, endUnixNano: 11n } as const;
    expect(notCounted([{ id: 'a' }, point])).toEqual({ a: 'same-call b' });
    expect(notCounted([{ id: 'a' }, { ...point, traceId: 'u' }])).toEqual({});
    expect(notCounted([{ id: 'a' }, { ...point, traceId: 'u', startUnixNano: 10n }])).toEqual({ a: 'same-call b' });
  });

  test('not of two scopes that both know an id', () => {
    expect(
      notCounted([
        { id: 'a', response: 'r' },
        { id: 'b', scope: 'b', response: 'q' },
      ]),
    ).toEqual({});
    expect(
      notCounted([
        { id: 'a', response: 'r' },
        { id: 'b', scope: 'b' },
      ]),
    ).toEqual({ b: 'same-call a' });
  });

  test('never two spans of one scope, also when a third scope saw one', () => {
    const out = notCounted([{ id: 'a1' }, { id: 'a2' }, { id: 'b', scope: 'b' }, { id: 'c', scope: 'c' }]);
    expect(Object.values(out)).toHaveLength(2);
  });

  test('never two spans that are logged by hand, whatever their scopes', () => {
    const scopeOf = (name: string): string | undefined =>
      countableSpan(1, {
        ...{ trace: 't', span: 's', event: 'e', kind: 1, status: 0, start: '0', end: '0', payload_bytes: 0 },
        usage: { tokens: { input: 1 }, scope: name },
      } as unknown as Parameters<typeof countableSpan>[1])?.scope;
    const byHand = ['@infrafabric/cli', '@infrafabric/instrumentation-sip', '@infrafabric/instrumentation-h323'];
    expect(new Set(byHand.map(scopeOf)).size).toBe(1);
    expect(['@infrafabric/cli-of-others', 'a'].map(scopeOf)).toEqual(['@infrafabric/cli-of-others', 'a']);
  });

  test('of two scopes below a third', () => {
    expect(
      notCounted([
        { id: 'outer', scope: 'c' },
        { id: 'a', parent: 'outer', startUnixNano: 1n },
        { id: 'b', parent: 'outer', scope: 'b', startUnixNano: 2n },
      ]),
    ).toEqual({ outer: 'same-call b', a: 'same-call b' });
  });

  test('is counted by who knows most of it, then by an SDK that traces itself; guesses come last', () => {
    expect(
      notCounted([
        { id: 'a', response: 'r' },
        { id: 'b', response: 'r', scope: 'com.anthropic.sdk.python' },
      ]),
    ).toEqual({
      a: 'same-call b',
    });
    const guess = { id: 'b', response: 'r', isEstimated: true, tokens: { input: 1, output: 2, reasoning: 1 } };
    expect(notCounted([{ id: 'a', response: 'r' }, guess])).toEqual({ b: 'same-call a' });
  });

  test('has one cost, the surest', () => {
    const { costs } = count([
      { id: 'a', response: 'r', tokens: { input: 1, output: 2, reasoning: 1 }, cost: 'computed' },
      { id: 'b', response: 'r', cost: 'reported' },
      { id: 'c', response: 'r', cost: 'estimated' },
    ]);
    expect(costs).toEqual({ a: 'b' });
    expect(
      count([
        { id: 'a', response: 'r', cost: 'reported' },
        { id: 'b', response: 'r', cost: 'reported' },
      ]).costs,
    ).toEqual({});
  });

  test('of one span that arrived twice, the fuller arrival counts', () => {
    const spans = [
      make({ id: 'x', cost: 'reported' }),
      make({ id: 'x', tokens: { input: 1, cache_read: 99, output: 10 } }),
    ];
    const { notCounted: out, costFrom } = countCalls(spans, () => undefined);
    expect([...out]).toEqual([[spans[0]!.seq, { why: 'same-call', by: spans[1]!.seq }]]);
    expect([...costFrom]).toEqual([[spans[1]!.seq, spans[0]!.seq]]);
  });
});

describe('unknown calls', () => {
  test('around or inside a known call are that call', () => {
    expect(
      notCounted([
        { id: 'u', ...unknown },
        { id: 'x', parent: 'u' },
      ]),
    ).toEqual({ u: 'known-call x' });
    expect(notCounted([{ id: 'x' }, { id: 'u', parent: 'x', ...unknown }])).toEqual({ u: 'known-call x' });
    expect(
      notCounted([
        { id: 'x', response: 'r' },
        { id: 'u', response: 'r', ...unknown },
      ]),
    ).toEqual({ u: 'same-call x' });
  });

  test('beside a known call below a container are calls', () => {
    expect(
      notCounted([
        { id: 'all', counts: [9, 9] },
        { id: 'x', parent: 'all' },
        { id: 'u', parent: 'all', ...unknown },
      ]),
    ).toEqual({
      all: 'container x',
    });
  });

  test('in one line are one', () => {
    expect(
      notCounted([
        { id: 'u', ...unknown },
        { id: 'v', parent: 'u', ...unknown },
        { id: 'w', parent: 'v', ...unknown },
      ]),
    ).toEqual({
      u: 'container w',
      v: 'container w',
    });
  });

  test('above each other in two traces do not replace each other', () => {
    const out = notCounted([
      { id: '1', response: 'r', ...unknown },
      { id: '2', parent: '1', response: 'q', ...unknown },
      { id: '3', traceId: 'u', response: 'q', ...unknown },
      { id: '4', traceId: 'u', parent: '3', response: 'r', ...unknown },
    ]);
    expect(Object.keys(out)).toHaveLength(3);
  });
});

const ROLES = [
  {},
  {},
  {},
  unknown,
  costOnly,
  { cost: 'computed' },
  { ...costOnly, hasUnits: true },
  { isEstimated: true },
] as const;
/** Few traces, scopes, counts and times, so that everything meets everything. */
const someSpans = fc
  .array(
    fc.record({
      trace: fc.nat({ max: 2 }),
      parent: fc.option(fc.nat({ max: 12 }), { nil: undefined }),
      scope: fc.constantFrom('a', 'b', 'c'),
      response: fc.option(fc.constantFrom('r', 'q'), { nil: undefined, freq: 3 }),
      counts: fc.constantFrom<[number, number]>([100, 10], [100, 10], [90, 10], [190, 20]),
      start: fc.nat({ max: 20 }),
      length: fc.nat({ max: 10 }),
      role: fc.constantFrom(...ROLES),
    }),
    { maxLength: 12 },
  )
  .map((records) =>
    records.map(({ trace, parent, scope, response, counts, start, length, role }, i) => ({
      parent: parent === undefined || parent === i ? undefined : `${parent}`,
      span: {
        ...make({ id: `${i}`, counts, scope, response, ...role }),
        seq: i + 1,
        traceId: `t${trace}`,
        startUnixNano: BigInt(start),
        endUnixNano: BigInt(start + length),
      },
    })),
  );
type Some = typeof someSpans extends fc.Arbitrary<infer T> ? T : never;

function countSome(some: Some): Counting {
  const parents = new Map(some.map(({ span, parent }) => [`${span.traceId}/${span.spanId}`, parent]));
  return countCalls(
    some.map(({ span }) => span),
    (traceId, id) => parents.get(`${traceId}/${id}`),
  );
}
const plain = ({ notCounted, costFrom }: Counting) => [
  [...notCounted].sort(([a], [b]) => a - b),
  [...costFrom].sort(([a], [b]) => a - b),
];

describe('for any spans', () => {
  const runs = { numRuns: 3000 };

  test('the order makes no difference', () => {
    fc.assert(
      fc.property(someSpans, fc.infiniteStream(fc.nat()), (some, random) => {
        const keys = new Map(some.map((one) => [one, random.next().value as number]));
        const other = [...some].sort((a, b) => keys.get(a)! - keys.get(b)!);
        expect(plain(countSome(other))).toEqual(plain(countSome(some)));
      }),
      runs,
    );
  });

  test('neither do the sequence numbers, which tell when a span arrived', () => {
    fc.assert(
      fc.property(someSpans, (some) => {
        const total = some.length + 1;
        const late = some.map(({ span, parent }) => ({ parent, span: { ...span, seq: total - span.seq } }));
        const mirrored = [...countSome(late).notCounted].map(([seq, { why, by }]) => [
          total - seq,
          { why, by: total - by },
        ]);
        expect(mirrored.sort(([a], [b]) => Number(a) - Number(b))).toEqual(plain(countSome(some))[0]);
      }),
      runs,
    );
  });

  test('a second arrival of each changes no total', () => {
    fc.assert(
      fc.property(someSpans, (some) => {
        const again = some.map(({ span, parent }) => ({ parent, span: { ...span, seq: span.seq + 100 } }));
        const once = countSome(some);
        const twice = countSome([...some, ...again]);
        for (const { span } of some) {
          expect(twice.notCounted.has(span.seq)).toBe(once.notCounted.has(span.seq));
          expect(twice.notCounted.has(span.seq + 100)).toBe(true);
        }
      }),
      runs,
    );
  });

  test('what counts in the place of another counts, and something always does', () => {
    fc.assert(
      fc.property(someSpans, (some) => {
        const { notCounted: out, costFrom } = countSome(some);
        for (const [of, { by }] of out) {
          expect(by).not.toBe(of);
          expect(out.has(by)).toBe(false);
          expect(some.some(({ span }) => span.seq === by)).toBe(true);
        }
        for (const [of, from] of costFrom) {
          expect(out.has(of)).toBe(false);
          expect(out.get(from)?.why).toBe('same-call');
        }
        expect(new Set(costFrom.values()).size).toBe(costFrom.size);
        if (some.length > 0) expect(out.size).toBeLessThan(some.length);
      }),
      runs,
    );
  });

  test('a closed part counts alone as it counts in the whole', () => {
    fc.assert(
      fc.property(someSpans, (some) => {
        const whole = countSome(some).notCounted;
        const left = new Set(some);
        while (left.size > 0) {
          const part: Some = [];
          const open = [...left].slice(0, 1);
          for (let one = open.pop(); one !== undefined; one = open.pop()) {
            if (!left.delete(one)) continue;
            part.push(one);
            for (const other of left) if (mayBeSameCall(one.span, other.span)) open.push(other);
          }
          const alone = countSome(part).notCounted;
          for (const { span } of part) expect(alone.get(span.seq)).toEqual(whole.get(span.seq));
        }
      }),
      runs,
    );
  });

  test('two calls of one scope in one trace with no id, not above each other, both count or stand in different pairs', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 8 }),
        fc.integer({ min: 0, max: 8 }),
        fc.integer({ min: 0, max: 8 }),
        (a, b, c) => {
          const of = (scope: string, n: number): Made[] =>
            Array.from({ length: n }, (_, i) => ({ id: scope + i, scope }));
          const all = [...of('a', a), ...of('b', b), ...of('c', c)];
          expect(all.length - Object.keys(notCounted(all)).length).toBe(Math.max(a, b, c));
        },
      ),
    );
  });
});

// A second on a machine that does nothing else; what grows with the square takes minutes.
describe('100,000 spans take seconds', () => {
  const N = 100_000;
  const chain = (_: string, id: string) => (id === '0' ? undefined : String(Number(id) - 1));
  test.each<[string, (i: number) => Partial<CountableSpan>, (traceId: string, id: string) => string | undefined]>([
    ['equal, of one scope', () => ({}), () => undefined],
    ['equal, of two scopes', (i) => ({ scope: `s${i % 2}` }), () => undefined],
    [
      'equal, of two scopes, each with an id, at one time',
      (i) => ({ scope: `s${i % 2}`, traceId: `t${i}`, response: `r${i}` }),
      () => undefined,
    ],
    ['equal, of as many scopes', (i) => ({ scope: `s${i}` }), () => undefined],
    ['in one line', () => ({}), chain],
    ['in one line, of one response, unequal', (i) => ({ response: 'r', tokens: { input: i, output: 1 } }), chain],
    ['unknown, in one line', () => unknown, chain],
    ['in a circle', () => ({}), (_, id) => String((Number(id) + 1) % N)],
    ['of one response', () => ({ response: 'r' }), () => undefined],
    ['with one id', () => ({ spanId: 'x' }), () => undefined],
  ])('%s', (_, rest, parentOf) => {
    const spans = Array.from({ length: N }, (_, i) => ({
      ...make({ id: String(i) }),
      endUnixNano: BigInt(i + 10),
      ...rest(i),
    }));
    const started = performance.now();
    countCalls(spans, parentOf);
    expect(performance.now() - started).toBeLessThan(6000);
  });

  test('three, with a hundred thousand spans between', () => {
    const spans = ['0', '50000', '100000'].map((id, i) => make({ id, counts: [i, 1] }));
    expect(countCalls(spans, chain).notCounted.size).toBe(2);
  });
});

describe('the countable part of an entry', () => {
  const body = { trace: 't', span: 's', start: '900', end: '1000', event: '', kind: 0, status: 0 };

  test('of a span that bears on no total is nothing', () => {
    expect(countableSpan(1, body)).toBeUndefined();
    expect(countableSpan(1, { ...body, usage: { model: 'm' }, charge: { source: 'unpriced' } })).toBeUndefined();
  });

  test('has what counting needs', () => {
    const usage = { tokens: { input: 1, output: 2 }, response: 'r', scope: 'x', model: 'm', marks: ['estimated'] };
    expect(countableSpan(3, { ...body, usage, charge: { source: 'computed', cost: '1', currency: 'USD' } })).toEqual({
      seq: 3,
      traceId: 't',
      spanId: 's',
      scope: 'x',
      model: 'm',
      response: 'r',
      startUnixNano: 900n,
      endUnixNano: 1000n,
      tokens: usage.tokens,
      isUnknownCall: false,
      isEstimated: true,
      hasUnits: false,
      cost: 'computed',
    });
    expect(countableSpan(1, { ...body, usage: { marks: ['unknown'] } })).toMatchObject({
      isUnknownCall: true,
      cost: 'none',
    });
  });

  test('begins where the call of a log record began', () => {
    const usage = { tokens: { input: 1, output: 2 }, raw: { duration_ns: 300 } };
    expect(countableSpan(1, { ...body, start: '1000', usage })?.startUnixNano).toBe(700n);
    expect(
      countableSpan(1, { ...body, start: '1000', usage: { ...usage, raw: { duration_ns: 3000 } } })?.startUnixNano,
    ).toBe(1000n);
  });
});
