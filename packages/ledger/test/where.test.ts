/** The language of retention rules: what it means, and where it stops making sense. */
import { describe, expect, test } from 'vitest';
import { parseAge, parseWhere, WhereError } from '../dist/erasure/index.js';

const entry = {
  type: 'span',
  body: {
    business: 'session-flow-001',
    component: 'IF.witness.sip',
    event: "it's a call (of 1)",
    service: 'gateway',
    usage: { model: 'gpt-4o', provider: 'openai' },
  },
};

describe('an expression', () => {
  test.each<[string, boolean]>([
    ['component=IF.witness.sip', true],
    ['component=IF.witness.ndi', false],
    ['component = "IF.witness.sip"', true],
    ["component='IF.witness.sip'", true],
    ['component!=IF.witness.sip', false],
    ['component=IF.witness.*', true],
    ['component=*.sip', true],
    ['component=*witness*', true],
    ['component=*ndi*', false],
    ['component=IF?witness?sip', true],
    ['component=IF.witness.si', false],
    ['component=*', true],
    ['component=', false],
    ['component="IF.witness.\\*"', false],
    ['component=if.witness.sip', false],
    ['model=gpt-* and provider=openai', true],
    ['model=gpt-* and provider=anthropic', false],
    ['model=claude* or service=gateway', true],
    ['not model=claude*', true],
    ['NOT model=claude* AND type=span', true],
    ['type=budget', false],
    ['trace_id=session-*', true],
    ['parent_trace_id=*', false],
    ['parent_trace_id!=x', true],
    ['event="it\'s a call (of 1)"', true],
    ["event='it\\'s *'", true],
    // and binds more tightly than or.
    ['service=gateway or service=x and model=y', true],
    ['(service=gateway or service=x) and model=y', false],
    ['not (service=x or model=y)', true],
    ['not not service=gateway', true],
  ])('%s', (text, expected) => {
    if (text === 'component=') expect(() => parseWhere(text)).toThrow('a value is missing, at character 11');
    else expect(parseWhere(text).matches(entry)).toBe(expected);
  });

  test.each<[string, string, number]>([
    ['', 'a field is missing', 0],
    ['component', '= or != is missing after component', 9],
    ['component=a model=b', '"and" or "or" is missing', 12],
    ['component=a and', 'a field is missing', 15],
    ['(component=a', 'a ) is missing', 12],
    ['component=a)', '"and" or "or" is missing', 11],
    ['colour=red', '"colour" is no field', 0],
    ['constructor=x', '"constructor" is no field', 0],
    ['component=="a"', 'a value is missing', 10],
    ['component="a', 'a quote that does not end', 10],
    ['component=a\\b', '"\\\\" is not understood', 11],
    ['component!a', '"!" is not understood', 9],
    [`${'('.repeat(40)}type=span${')'.repeat(40)}`, 'more than 32 levels', 33],
    ['x'.repeat(5_000), 'more than 4096 characters', 4096],
  ])('%s is refused: %s', (text, message, position) => {
    const parse = (): unknown => parseWhere(text);
    expect(parse).toThrow(WhereError);
    expect(parse).toThrow(message);
    expect(parse).toThrow(expect.objectContaining({ position }));
  });

  test('knows which fields it asks for', () => {
    expect([...parseWhere('type=span or (not model=x and type=y)').fields].sort()).toEqual(['model', 'type']);
  });

  test('takes no long time for a hostile pattern and text', () => {
    const hostile = parseWhere(`component=${'*a'.repeat(1_000)}b`);
    expect(hostile.matches({ type: 'span', body: { component: 'a'.repeat(1_000) } })).toBe(false);
  });
});

describe('an age', () => {
  test.each<[string, bigint]>([
    ['12h', 12n],
    ['180d', 4_320n],
    ['2w', 336n],
    ['0d', 0n],
  ])('%s', (text, hours) => expect(parseAge(text)).toBe(hours * 3_600_000_000_000n));

  test.each(['', 'd', '180', '-1d', '1.5d', '180 d', '1y', '100000d', '٣d'])('%j is refused', (text) => {
    expect(() => parseAge(text)).toThrow(RangeError);
  });
});
