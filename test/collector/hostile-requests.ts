/** Requests that no SDK writes: small on the wire and large in memory, deep, crowded, broken. */
import { encodeTraceRequest, renderTraceRequestJson } from '@infrafabric/otlp';
import { concat, field, requestOf, ids as someIds } from '../../packages/otlp/test/samples.js';
import { spanRecord } from '../attacks/spans.js';
import { MIB } from './inside.js';

/** A request and what must come of it. */
export interface HostileCase {
  readonly name: string;
  readonly body: () => Uint8Array;
  /** HTTP's; gRPC's has to agree. */
  readonly status: 200 | 400 | 413;
  /** Of a partial success. */
  readonly rejected?: number;
  /** Entries that there are afterwards. */
  readonly stored: number;
}

/** `count` times the same octets. */
function times(octets: readonly number[], count: number): Uint8Array {
  return Uint8Array.from(Buffer.alloc(octets.length * count, Uint8Array.from(octets)));
}

/** A span with ids of its own. */
function spanWithId(n: number, ...rest: Uint8Array[]): Uint8Array {
  const id = Buffer.alloc(8);
  id.writeUInt32BE(1);
  id.writeUInt32BE(n, 4);
  return concat(field(1, Buffer.alloc(16, 0xab)), field(2, id), ...rest);
}

/** The request with many spans; concatenated at once, for requestOf() takes them as arguments. */
function manySpans(count: number, span: (n: number) => Uint8Array): Uint8Array {
  return field(1, field(2, Buffer.concat(Array.from({ length: count }, (_, n) => field(2, span(n))))));
}

/** A value in a value in a value; each level is `tags`, outermost first. */
function nested(levels: number, tags: readonly number[]): Uint8Array {
  const heads: Uint8Array[] = [];
  let length = 0;
  for (let level = 0; level < levels; level++) {
    for (const tag of tags.toReversed()) {
      const head = [tag];
      for (let rest = length; ; rest >>>= 7) {
        head.push(rest > 127 ? (rest & 127) | 128 : rest);
        if (rest <= 127) break;
      }
      heads.push(Uint8Array.from(head));
      length += head.length;
    }
  }
  return Buffer.concat(heads.reverse());
}

const GOOD = encodeTraceRequest([spanRecord(1)]);
/** An attribute with the value in these octets. */
const attribute = (value: Uint8Array): Uint8Array => field(9, concat(field(1, 'k'), field(2, value)));
const EMPTY_ATTRIBUTE = [0x4a, 0];

/** In protobuf. */
export const protobufCases: readonly HostileCase[] = [
  {
    name: 'as many attributes in a span as may be',
    body: () => requestOf(spanWithId(1, times(EMPTY_ATTRIBUTE, 100_000))),
    status: 200,
    stored: 1,
  },
  {
    name: 'one attribute more, beside a good span',
    body: () => concat(requestOf(spanWithId(1, times(EMPTY_ATTRIBUTE, 100_001))), GOOD),
    status: 200,
    rejected: 1,
    stored: 1,
  },
  {
    name: 'four million attributes in forty spans',
    body: () => manySpans(40, (n) => spanWithId(n, times(EMPTY_ATTRIBUTE, 100_000))),
    status: 400,
    stored: 0,
  },
  {
    name: 'arrays in arrays, 100,000 levels',
    body: () => concat(requestOf(spanWithId(1, attribute(nested(100_000, [0x2a, 0x0a])))), GOOD),
    status: 200,
    rejected: 1,
    stored: 1,
  },
  {
    name: 'lists in lists, 100,000 levels, in a resource',
    body: () => {
      const resource = field(1, field(1, concat(field(1, 'k'), field(2, nested(100_000, [0x32, 0x0a, 0x12])))));
      return concat(field(1, concat(resource, field(2, field(2, spanWithId(1))))), GOOD);
    },
    status: 200,
    rejected: 1,
    stored: 1,
  },
  {
    name: 'groups in groups, a million',
    body: () => requestOf(spanWithId(1, times([0x9b, 0x06], 1_000_000))),
    status: 400,
    stored: 0,
  },
  {
    name: 'ids of all zeros, of other lengths, and none',
    body: () => {
      const [trace, span] = [Buffer.alloc(16, 1), Buffer.alloc(8, 1)];
      const bad = [
        concat(field(1, Buffer.alloc(16)), field(2, span)),
        concat(field(1, trace), field(2, Buffer.alloc(8))),
        concat(field(1, trace.subarray(1)), field(2, span)),
        concat(field(1, concat(trace, span)), field(2, span)),
        concat(field(1, trace), field(2, span.subarray(1))),
        concat(field(1, trace), field(2, Buffer.alloc(1_000_000, 1))),
        concat(field(1, trace), field(2, span), field(4, span.subarray(1))),
        field(1, trace),
        field(2, span),
        new Uint8Array(),
      ];
      return requestOf(...bad, someIds);
    },
    status: 200,
    rejected: 10,
    stored: 1,
  },
  {
    name: 'twenty thousand spans of the same ids',
    body: () => manySpans(20_000, (n) => concat(someIds, field(5, `other content ${n}`))),
    status: 200,
    stored: 20_000,
  },
  {
    name: 'one span, twenty thousand times',
    body: () => manySpans(20_000, () => concat(someIds, field(5, 'the same'))),
    status: 200,
    stored: 1,
  },
  { name: '100,000 spans', body: () => manySpans(100_000, (n) => spanWithId(n)), status: 200, stored: 100_000 },
  {
    name: 'more spans than a body of their size can be decoded to',
    body: () => manySpans(600_000, (n) => spanWithId(n)),
    status: 400,
    stored: 0,
  },
  {
    name: 'a million empty spans',
    body: () => field(1, field(2, times([0x12, 0], 1_000_000))),
    status: 200,
    rejected: 1_000_000,
    stored: 0,
  },
  { name: 'ten million empty resources', body: () => times([0x0a, 0], 10_000_000), status: 200, stored: 0 },
  { name: 'ten million empty scopes', body: () => field(1, times([0x12, 0], 10_000_000)), status: 200, stored: 0 },
  {
    name: 'one attribute of 20 MiB',
    body: () => requestOf(spanWithId(1, attribute(field(1, Buffer.alloc(20 * MIB - 100, 'p'))))),
    status: 200,
    stored: 1,
  },
  {
    name: 'one attribute of 20 MiB that is not UTF-8',
    body: () => requestOf(spanWithId(1, attribute(field(1, Buffer.alloc(20 * MIB - 100, 0xff))))),
    status: 200,
    stored: 1,
  },
  { name: 'one octet more than a body may have', body: () => Buffer.alloc(20 * MIB + 1, 0), status: 413, stored: 0 },
  {
    name: 'a tag and the greatest length',
    body: () => Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f),
    status: 400,
    stored: 0,
  },
  { name: 'nothing', body: () => new Uint8Array(), status: 200, stored: 0 },
];

const IDS = `"traceId":"${'ab'.repeat(16)}","spanId":"${'cd'.repeat(8)}"`;

/** Spans as JSON text, in a request. */
function jsonOf(spans: string): Uint8Array {
  return Buffer.from(`{"resourceSpans":[{"scopeSpans":[{"spans":[${spans}]}]}]}`);
}

/** Before a last one without a comma. */
function list(unit: string, count: number): string {
  return `${unit},`.repeat(count - 1) + unit;
}

const GOOD_JSON = JSON.stringify(
  (JSON.parse(renderTraceRequestJson([spanRecord(1)])) as { resourceSpans: [{ scopeSpans: [{ spans: [unknown] }] }] })
    .resourceSpans[0].scopeSpans[0].spans[0],
);

/** In JSON. */
export const jsonCases: readonly HostileCase[] = [
  {
    name: 'arrays in arrays, 20,000 levels of values',
    body: () => {
      const value = `${`{"arrayValue":{"values":[`.repeat(20_000)}{}${']}}'.repeat(20_000)}`;
      return jsonOf(`{${IDS},"attributes":[{"key":"k","value":${value}}]},${GOOD_JSON}`);
    },
    status: 200,
    rejected: 1,
    stored: 1,
  },
  {
    name: 'brackets, 100,000 levels, where a list should be',
    body: () => jsonOf(`{${IDS},"events":${'['.repeat(100_000)}${']'.repeat(100_000)}}`),
    status: 400,
    stored: 0,
  },
  {
    name: 'brackets, 100,000 levels, under a name that nobody knows',
    body: () => jsonOf(`{${IDS},"later":${'['.repeat(100_000)}${']'.repeat(100_000)}}`),
    status: 200,
    stored: 1,
  },
  {
    name: 'ten million brackets',
    body: () => Buffer.from(`{"x":${'['.repeat(1e7)}${']'.repeat(1e7)}}`),
    status: 400,
    stored: 0,
  },
  { name: 'six million empty objects', body: () => jsonOf(list('{}', 6_000_000)), status: 400, stored: 0 },
  {
    name: 'a million empty spans',
    body: () => jsonOf(list('{}', 1_000_000)),
    status: 200,
    rejected: 1_000_000,
    stored: 0,
  },
  {
    name: 'a million names',
    body: () => Buffer.from(`{${Array.from({ length: 1_000_000 }, (_, n) => `"${n.toString(36)}":0`).join()}}`),
    status: 200,
    stored: 0,
  },
  {
    name: 'a name of 20 MiB',
    body: () => jsonOf(`{${IDS},"${'n'.repeat(20 * MIB - 1000)}":0}`),
    status: 200,
    stored: 1,
  },
  {
    name: 'a text of ten million escapes',
    body: () => jsonOf(`{${IDS},"name":"${'\\n'.repeat(1e7)}"}`),
    status: 200,
    stored: 1,
  },
  {
    name: 'a number of a million digits',
    body: () => jsonOf(`{${IDS},"startTimeUnixNano":"${'9'.repeat(1_000_000)}"}`),
    status: 400,
    stored: 0,
  },
  {
    name: 'as many attributes as may be, and one more',
    body: () => jsonOf(`{${IDS},"attributes":[${list('{}', 100_001)}]},${GOOD_JSON}`),
    status: 200,
    rejected: 1,
    stored: 1,
  },
  {
    name: 'ids of all zeros, of other lengths, of no hex, and none',
    body: () =>
      jsonOf(
        [
          `{"traceId":"${'0'.repeat(32)}","spanId":"${'cd'.repeat(8)}"}`,
          `{"traceId":"${'ab'.repeat(16)}","spanId":"${'0'.repeat(16)}"}`,
          `{"traceId":"${'ab'.repeat(15)}","spanId":"${'cd'.repeat(8)}"}`,
          `{"traceId":"${'ab'.repeat(500_000)}","spanId":"${'cd'.repeat(8)}"}`,
          `{"traceId":"${'xy'.repeat(16)}","spanId":"${'cd'.repeat(8)}"}`,
          `{${IDS},"parentSpanId":"cd"}`,
          '{}',
          GOOD_JSON,
        ].join(),
      ),
    status: 200,
    rejected: 7,
    stored: 1,
  },
];
