import {
  ATTRIBUTE_TABLE,
  ATTRIBUTE_TABLE_VERSION,
  type AttributeField,
  JSON_SOURCES,
  labelsOf,
  RESPONSE_ID_KEYS,
  usageOf,
} from '@infrafabric/accounting';
import { sha256Hex, utf8Of } from '@infrafabric/format';
import { describe, expect, test } from 'vitest';
import { span } from './spans.js';

const COUNTS = [
  'input',
  'output',
  'cache_read',
  'cache_write',
  'cache_write_5m',
  'cache_write_1h',
  'reasoning',
] as const;
const TEXTS = ['model', 'provider', 'operation', 'response'] as const;
const LABELS = ['session', 'user', 'agent', 'tool'] as const;

const keysOf = <Field extends AttributeField>(fields: readonly Field[]) =>
  fields.flatMap((field) => ATTRIBUTE_TABLE[field].map((key, place) => [field, key, place] as const));
/** Keys of a field that come after a place, each with another value. */
const later = (field: AttributeField, place: number) => ATTRIBUTE_TABLE[field].slice(place + 1);

describe('a key is read, noted, and wins over every later key of its field, wherever it stands', () => {
  test.each(keysOf(COUNTS))('%s: %s', (field, key, place) => {
    const others = later(field, place).map((other, i) => [other, BigInt(i + 1)] as const);
    for (const attributes of [
      [[key, 77n] as const, ...others],
      [...others, [key, 77n] as const],
    ]) {
      const usage = usageOf(span(attributes));
      expect(usage?.raw?.[field]).toBe(77);
      expect(usage?.keys?.[field]).toBe(key);
      expect(usage?.table).toBe(ATTRIBUTE_TABLE_VERSION);
    }
  });

  test.each(keysOf(TEXTS))('%s: %s', (field, key, place) => {
    const others = later(field, place).map((other) => [other, 'other'] as const);
    // An output, and so a usage, that none of these keys gives.
    const usage = usageOf(span([...others, [key, 'wanted'], ['gen_ai.usage.output_tokens', 5n]]));
    expect(usage?.[field]).toBe('wanted');
    expect(usage?.keys?.[field]).toBe(key);
  });

  test.each(keysOf(LABELS))('%s: %s', (field, key, place) => {
    const others = later(field, place).map((other) => [other, 'other'] as const);
    expect(labelsOf([...others, [key, 'wanted'], ['traceloop.span.kind', field]])[field]).toBe('wanted');
  });
});

test('no key stands twice in the lists of accounting', () => {
  const { session, user, agent, tool, ...accounting } = ATTRIBUTE_TABLE;
  const keys = Object.values(accounting).flat();
  expect(new Set(keys).size).toBe(keys.length);
  for (const list of [session, user, agent, tool]) expect(new Set(list).size).toBe(list.length);
});

test('the version changes with the table', () => {
  // When this fails, readings change: give the table another version and note the new hash here.
  const hash = sha256Hex(utf8Of(JSON.stringify([ATTRIBUTE_TABLE, JSON_SOURCES, RESPONSE_ID_KEYS])));
  expect([ATTRIBUTE_TABLE_VERSION, hash]).toEqual([
    '2026-11',
    'dbf2abaf8380de2d2a81884b91d58493bc8c3fa699424ae4ed567dd5aba17907',
  ]);
});

test('aggregates of several calls, and metrics, are not usage', () => {
  expect(
    usageOf(
      span({
        'gen_ai.aggregated_usage.input_tokens': 12315n,
        'gen_ai.aggregated_usage.output_tokens': 461n,
        'gen_ai.client.token.usage': 6330n,
      }),
    ),
  ).toBeUndefined();
});

describe('labels', () => {
  test('an entity name is an agent, a tool or neither, as its kind says', () => {
    const name = ['traceloop.entity.name', 'weather'] as const;
    expect(labelsOf([name, ['traceloop.span.kind', 'agent']])).toEqual({ agent: 'weather' });
    expect(labelsOf([['traceloop.span.kind', 'tool'], name])).toEqual({ tool: 'weather' });
    expect(labelsOf([name, ['traceloop.span.kind', 'task']])).toEqual({});
    expect(labelsOf([name])).toEqual({});
  });

  test('empty text names nobody, and a number does', () => {
    expect(
      labelsOf([
        ['session.id', ''],
        ['gen_ai.conversation.id', ' '],
        ['langfuse.session.id', 's'],
        ['user.id', 7n],
      ]),
    ).toEqual({ session: 's', user: '7' });
  });
});
