import { describe, expect, test } from 'vitest';
import { parseBatchLine } from '../dist/log/batch-line.js';
import { LineSplitter } from '../dist/log/lines.js';

const NEEDED = '"event":"e","component":"c"';

describe('a line of a batch', () => {
  test('fills every member', () => {
    const line = `{${NEEDED},"trace_id":"t","parent_trace_id":"p","payload":{"n":12345678901234567890},"tokens_in":1,
      "tokens_out":"2","cost":0.00000012,"model":"m","provider":"v","start":1762855200123456789,"end":"2025-11-11T10:00:01Z",
      "kind":"client","status":"error","status_message":"oops","attributes":{"i":1,"d":1.5,"b":true,"l":["x"],"o":{"k":null}}}`;
    expect(parseBatchLine(line, {})).toEqual({
      event: 'e',
      component: 'c',
      businessId: 't',
      parentBusinessId: 'p',
      payload: '{"n":12345678901234567890}',
      tokensIn: 1,
      tokensOut: 2,
      costUsd: '0.00000012',
      model: 'm',
      provider: 'v',
      startUnixNano: 1_762_855_200_123_456_789n,
      endUnixNano: 1_762_855_201_000_000_000n,
      kind: 3,
      status: { code: 2, message: 'oops' },
      attributes: [
        ['i', 1n],
        ['d', 1.5],
        ['b', true],
        ['l', ['x']],
        ['o', { kvlist: [['k', null]] }],
      ],
    });
  });

  test('is completed by defaults, and null stands for nothing', () => {
    const event = parseBatchLine('{"event":"e","cost":null}', { component: 'c', costUsd: '1', event: 'other' });
    expect(event).toMatchObject({ event: 'e', component: 'c', costUsd: '1' });
  });

  test.each([
    ['', 'not a JSON object'],
    ['[]', 'not a JSON object'],
    ['{"event":"e"', 'not a JSON object'],
    [`{${NEEDED},"event":"f"}`, 'there twice'],
    ['{"component":"c"}', 'event is missing'],
    ['{"event":"","component":"c"}', 'event is empty'],
    ['{"event":1,"component":"c"}', 'event must be text'],
    [`{${NEEDED},"tokens-in":1}`, 'there is no member "tokens-in"'],
    [`{${NEEDED},"__proto__":{}}`, 'there is no member "__proto__"'],
    [`{${NEEDED},"tokens_in":1.5}`, 'tokens_in must be a whole number'],
    [`{${NEEDED},"tokens_in":-1}`, 'tokens_in must be a whole number'],
    [`{${NEEDED},"tokens_in":9007199254740992}`, 'tokens_in must be a whole number'],
    [`{${NEEDED},"tokens_in":true}`, 'tokens_in must be a number or text'],
    [`{${NEEDED},"cost":-1}`, 'negative'],
    [`{${NEEDED},"cost":"NaN"}`, 'NaN is not an amount'],
    [`{${NEEDED},"cost":1e999}`, 'too large'],
    [`{${NEEDED},"kind":"toString"}`, 'kind is one of'],
    [`{${NEEDED},"start":2,"end":1}`, 'the end is before the start'],
    [`{${NEEDED},"attributes":[]}`, 'attributes must be an object'],
    [`{${NEEDED},"attributes":{"n":9007199254740993}}`, 'beyond 2^53'],
    [`{${NEEDED},"attributes":{"witness.cost.usd":"9"}}`, 'cannot set witness.cost.usd'],
  ])('that makes no sense is refused: %s', (line, why) => {
    expect(() => parseBatchLine(line, {})).toThrow(why);
  });
});

describe('lines', () => {
  test('are the same however the bytes are cut', () => {
    const bytes = Buffer.from('one\n\nthree – ü\r\nfour');
    for (let size = 1; size <= bytes.length; size++) {
      const splitter = new LineSplitter(100);
      const lines = [];
      for (let at = 0; at < bytes.length; at += size) lines.push(...splitter.push(bytes.subarray(at, at + size)));
      const last = splitter.end();
      expect([...lines, last].map((line) => line?.text)).toEqual(['one', '', 'three – ü\r', 'four']);
    }
  });

  test('that are too long or not UTF-8 are named, and the next one is well', () => {
    const splitter = new LineSplitter(4);
    const lines = [
      ...splitter.push(Buffer.from('12345\nok\n')),
      ...splitter.push(Uint8Array.of(0xff, 0x0a, 0x41, 0x0a)),
    ];
    expect(lines.map(({ number, text, fault }) => [number, text, fault])).toEqual([
      [1, undefined, 'the line has 5 bytes, more than 4'],
      [2, 'ok', undefined],
      [3, undefined, 'the line is not UTF-8'],
      [4, 'A', undefined],
    ]);
  });
});
