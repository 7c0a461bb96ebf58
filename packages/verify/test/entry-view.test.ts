/** The fast view of an entry says what `JSON.parse` says, and never throws anything but a `FormatError`. */
import {
  type Envelope,
  encodeBody,
  encodeEntry,
  encodeSpanBody,
  FormatError,
  parseCanonicalJson,
  parseEntry,
  type SpanBody,
} from '@infrafabric/format';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { differingColumn, expectedColumns, utf8Length } from '../dist/columns.js';
import { viewEntry } from '../dist/entry-view.js';

const hex = (octets: number) =>
  fc.uint8Array({ minLength: octets, maxLength: octets }).map((b) => Buffer.from(b).toString('hex'));
/** Text that means to be taken for structure. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom(
    '","span":"0000000000000000","start":"',
    '"}',
    '\\',
    '\\"',
    ',"type":"genesis"}',
    '\ufffd',
    '\u2028',
    'a b - 3:c',
    '',
  ),
);
const decimal = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);
const span: fc.Arbitrary<SpanBody> = fc.record(
  {
    business: text,
    business_parent: text,
    charge: fc.record(
      {
        key: text,
        rated: fc.record({
          card: text,
          cost: decimal,
          lines: fc.constant([]),
          match: text,
          model: text,
          sha256: hex(32),
        }),
        source: fc.constantFrom('reported', 'computed', 'estimated', 'unpriced'),
      },
      { requiredKeys: ['source'] },
    ),
    component: text,
    conflict: fc.nat(),
    cut: fc.array(text),
    end: decimal,
    event: text,
    kind: fc.nat(5),
    lossy: fc.array(text),
    parent: hex(8),
    service: text,
    span: hex(8),
    start: decimal,
    status: fc.nat(2),
    trace: hex(16),
    usage: fc.record({ model: text, keys: fc.dictionary(fc.string(), text), provider: text }, { requiredKeys: [] }),
  },
  { requiredKeys: ['end', 'event', 'kind', 'span', 'start', 'status', 'trace'] },
) as fc.Arbitrary<SpanBody>;
const envelope: fc.Arbitrary<Envelope> = fc.record(
  {
    at: decimal,
    checkpoint: hex(32),
    clock: fc.constant('backwards' as const),
    critical: fc.constant(true as const),
    payload: hex(32),
    prev: hex(32),
    seq: fc.maxSafeNat(),
    type: fc.constantFrom('span', 'gap', 'genesis', 'a-later-type'),
  },
  { requiredKeys: ['at', 'prev', 'seq', 'type'] },
);
const entry = fc.tuple(envelope, span, fc.dictionary(fc.string(), text)).map(([head, body, other]) => ({
  head,
  body,
  text: encodeEntry(head, head.type === 'span' ? encodeSpanBody(body) : encodeBody(other)),
}));

test('a canonical entry is viewed as it is parsed, whether its prev was foretold or not', () => {
  fc.assert(
    fc.property(entry, ({ head, body, text }) => {
      const expected = {
        at: head.at,
        checkpoint: head.checkpoint,
        backwards: head.clock === 'backwards',
        critical: head.critical === true,
        payload: head.payload,
        prev: head.prev,
        seq: head.seq,
        type: head.type,
        inParts: false,
        span:
          head.type === 'span'
            ? {
                traceHex: body.trace,
                spanHex: body.span,
                business: body.business,
                businessParent: body.business_parent,
                isRated: body.charge?.rated !== undefined || body.charge?.source === 'computed',
              }
            : undefined,
      };
      expect(viewEntry(text)).toEqual(expected);
      expect(viewEntry(text, head.prev)).toEqual(expected);
      expect(viewEntry(text, 'f'.repeat(64))).toEqual(expected);
    }),
    { numRuns: 500 },
  );
});

test('a damaged entry is refused with a FormatError, or viewed as it is parsed where it is canonical still', () => {
  fc.assert(
    fc.property(entry, fc.nat(), fc.nat(), fc.string({ maxLength: 3 }), ({ text, head }, at, cut, put) => {
      const start = at % text.length;
      const damaged = text.slice(0, start) + put + text.slice(start + (cut % 3));
      let view: ReturnType<typeof viewEntry>;
      try {
        view = viewEntry(damaged, head.prev);
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
        return;
      }
      let parsed: ReturnType<typeof parseEntry>;
      try {
        parseCanonicalJson(damaged);
        parsed = parseEntry(damaged);
      } catch {
        return;
      }
      const { at: when, checkpoint, payload, prev, seq, type } = parsed;
      expect(view).toMatchObject({ at: when, checkpoint, payload, prev, seq, type });
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  '',
  '{',
  '[]',
  'null',
  '{"at":"',
  '{"at":"1","body":{',
  '"',
  '{"at":"1","body":{"business":"\\q"},"prev":"',
])('%j is refused with a FormatError', (damaged) => {
  expect(() => viewEntry(damaged)).toThrow(FormatError);
});

describe('columns', () => {
  const view = {
    at: '1',
    checkpoint: undefined,
    backwards: false,
    critical: false,
    payload: undefined,
    prev: '',
    seq: 65_536,
    type: 'span',
    span: { traceHex: 'aa', spanHex: 'bb', business: 'a b - 3:c', businessParent: undefined, isRated: false },
    inParts: false,
  };

  test('are joined so that no two rows give the same text', () => {
    expect(expectedColumns(view)).toBe("1 x'aa'x'bb'4:span9:a b - 3:c:");
    expect(expectedColumns({ ...view, type: 'gap', span: undefined })).toBe('1 nullnull3:gap::');
  });

  test.each([
    ['segment', "2 x'aa'x'bb'4:span9:a b - 3:c:"],
    ['segment', "11 x'aa'x'bb'4:span9:a b - 3:c:"],
    ['segment', ''],
    ['trace_id', "1 x'ab'x'bb'4:span9:a b - 3:c:"],
    ['trace_id', "1 x'aab'x'bb'4:span9:a b - 3:c:"],
    ['trace_id', "1 nullx'bb'4:span9:a b - 3:c:"],
    ['trace_id', "1 'aa'x'bb'4:span9:a b - 3:c:"],
    ['span_id', "1 x'aa'x'bbb'4:span9:a b - 3:c:"],
    ['type', "1 x'aa'x'bb'4:spam9:a b - 3:c:"],
    ['type', "1 x'aa'x'bb'5:span 9:a b - 3:c:"],
    ['business', "1 x'aa'x'bb'4:span::"],
    ['business', "1 x'aa'x'bb'4:span9:a b - 3:d:"],
    ['business', "1 x'aa'x'bb'4:span10:a b - 3:c::"],
    ['business_parent', "1 x'aa'x'bb'4:span9:a b - 3:c0:"],
    ['business_parent', "1 x'aa'x'bb'4:span9:a b - 3:c1:x"],
    ['business_parent', "1 x'aa'x'bb'4:span9:a b - 3:c::"],
  ])('%s is named when the row says %j', (column, actual) => {
    expect(differingColumn(view, actual)).toBe(column);
  });

  test('that agree name none', () => {
    expect(differingColumn(view, expectedColumns(view))).toBeUndefined();
  });

  test('octets are counted as UTF-8 has them', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (any) => {
        const wellFormed = any.toWellFormed();
        expect(utf8Length(wellFormed)).toBe(Buffer.byteLength(wellFormed));
      }),
    );
  });
});
