import { describe, expect, test } from 'vitest';
import type { Flow } from '../dist/read/select-trace.js';
import type { SpanEntry } from '../dist/read/span-entry.js';
import { treeLines } from '../dist/read/trace-tree.js';

let seq = 0;

function span(spanId: string, parentSpanId?: string): SpanEntry {
  return {
    seq: seq++,
    imported: undefined,
    hashHex: '',
    receivedUnixNano: 0n,
    event: spanId,
    component: undefined,
    service: undefined,
    businessId: undefined,
    businessParentId: undefined,
    traceId: 't',
    spanId,
    parentSpanId,
    kind: 1,
    status: 0,
    startUnixNano: 0n,
    endUnixNano: 0n,
    model: undefined,
    provider: undefined,
    tokens: undefined,
    isUnknownCall: false,
    charge: undefined,
    countable: undefined,
    adjustedBy: undefined,
    conflict: undefined,
  };
}

function flow(id: string, entries: SpanEntry[], children: Flow[] = []): Flow {
  return { id, entries, children };
}

function drawn(root: Flow): string[] {
  return treeLines(root).map(({ prefix, entry, flowId }) => prefix + (entry?.event ?? flowId));
}

describe('the tree', () => {
  test('puts spans below their parents and child flows below theirs', () => {
    const child = flow('child', [span('x')], [flow('grandchild', [span('y')])]);
    expect(drawn(flow('root', [span('a'), span('b', 'a'), span('c', 'a'), span('d', 'c')], [child]))).toEqual([
      'root',
      '├─ a',
      '│  ├─ b',
      '│  └─ c',
      '│     └─ d',
      '└─ child',
      '   ├─ x',
      '   └─ grandchild',
      '      └─ y',
    ]);
  });

  test('puts a span whose parent is not there at the top', () => {
    expect(drawn(flow('root', [span('a', 'gone'), span('b')]))).toEqual(['root', '├─ a', '└─ b']);
  });

  test('shows each span of a circle of parents once', () => {
    const lines = drawn(flow('root', [span('a', 'c'), span('b', 'a'), span('c', 'b'), span('d', 'd')]));
    expect(lines).toEqual(['root', '├─ a', '│  └─ b', '│     └─ c', '└─ d']);
  });

  test('shows two entries of one span, the children below the first', () => {
    expect(drawn(flow('root', [span('a'), span('a'), span('b', 'a')]))).toEqual(['root', '├─ a', '│  └─ b', '└─ a']);
  });

  test('of a chain of 100,000 parents is drawn, in lines of bounded length', () => {
    const chain = Array.from({ length: 100_000 }, (_, i) => span(String(i), i === 0 ? undefined : String(i - 1)));
    const lines = treeLines(flow('root', chain));
    expect(lines).toHaveLength(100_001);
    expect(Math.max(...lines.slice(-10).map(({ prefix }) => prefix.length))).toBeLessThan(100);
  });
});
