import fc from 'fast-check';
import type { Type } from 'protobufjs';
import { describe, expect, test } from 'vitest';
import { type DecodedTraceRequest, decodeTraceRequest, encodeTraceRequest, OtlpDecodeError } from '../dist/index.js';
import { requests } from './arbitraries.js';
import { messageType } from './otlp-proto.js';
import { decodeWithProtobufjs, type Outcome } from './protobufjs-records.js';
import { toHex } from './samples.js';
import {
  type Difference,
  Malformed,
  nestedType,
  normalise,
  readFields,
  type WireField,
  writeFields,
} from './wire-reference.js';

const requestType = messageType('ExportTraceServiceRequest');

/** Our answer in the form of {@link decodeWithProtobufjs}. */
function outcome({ spans, rejected }: DecodedTraceRequest): Outcome {
  return {
    spans: spans.map(({ lossy: _, ...span }) => span),
    rejected: Object.fromEntries(rejected.map(({ reason, count }) => [reason, count])),
  };
}

describe('decoding agrees with protobufjs', () => {
  test('on requests that this package encoded', () => {
    fc.assert(
      fc.property(requests, (records) => {
        const bytes = encodeTraceRequest(records);
        expect(outcome(decodeTraceRequest(bytes))).toStrictEqual(decodeWithProtobufjs(bytes));
      }),
      { numRuns: 150 },
    );
  });

  test('on requests that protobufjs encoded, defaults written out', () => {
    fc.assert(
      fc.property(requests, (records) => {
        const message = requestType.decode(encodeTraceRequest(records));
        const bytes = Uint8Array.from(requestType.encode(withDefaults(requestType, message)).finish());
        expect(decodeTraceRequest(bytes)).toStrictEqual({ spans: records, rejected: [] });
      }),
      { numRuns: 150 },
    );
  });
});

/** A copy of a protobufjs message in which scalars at their defaults are present, and so will be encoded. */
function withDefaults(type: Type, message: object): protobufMessage {
  const copy: Record<string, unknown> = {};
  for (const field of type.fieldsArray) {
    const value = (message as Record<string, unknown>)[field.name];
    const nested = nestedType(field);
    if (field.partOf !== null && !Object.hasOwn(message, field.name)) continue;
    if (field.repeated && nested !== undefined)
      copy[field.name] = (value as object[]).map((v) => withDefaults(nested, v));
    else if (nested !== undefined) copy[field.name] = value == null ? value : withDefaults(nested, value as object);
    else copy[field.name] = value;
  }
  return type.create(copy);
}
type protobufMessage = ReturnType<Type['create']>;

describe('what the encoding leaves open does not change the spans', () => {
  const seeds = fc.noShrink(fc.integer());

  test('fields in any order', () => {
    fc.assert(
      fc.property(requests, seeds, (records, seed) => {
        const bytes = rewrite(requestType, encodeTraceRequest(records), randomFrom(seed), shuffle);
        expect(decodeTraceRequest(bytes)).toStrictEqual({ spans: records, rejected: [] });
      }),
      { numRuns: 200 },
    );
  });

  test('embedded messages in two parts', () => {
    fc.assert(
      fc.property(requests, seeds, (records, seed) => {
        const bytes = rewrite(requestType, encodeTraceRequest(records), randomFrom(seed), splitEmbedded);
        expect(decodeTraceRequest(bytes)).toStrictEqual({ spans: records, rejected: [] });
      }),
      { numRuns: 200 },
    );
  });

  test('the last of a repeated scalar counts', () => {
    fc.assert(
      fc.property(requests, seeds, (records, seed) => {
        const bytes = rewrite(requestType, encodeTraceRequest(records), randomFrom(seed), repeatScalars);
        expect(decodeTraceRequest(bytes)).toStrictEqual({ spans: records, rejected: [] });
      }),
      { numRuns: 200 },
    );
  });
});

type Random = (below: number) => number;
type Rearrange = (fields: WireField[], random: Random) => WireField[];

function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Rearranges the fields of a message and of those within it. */
function rewrite(type: Type, bytes: Uint8Array, random: Random, rearrange: Rearrange): Uint8Array {
  const fields = Array.from(readFields(type, bytes), ({ field, value }) => {
    const nested = nestedType(field);
    return { field, value: nested === undefined ? value : rewrite(nested, value as Uint8Array, random, rearrange) };
  });
  return writeFields(rearrange(fields, random));
}

/** Any order, but that of one field's own occurrences. */
function shuffle(fields: WireField[], random: Random): WireField[] {
  const mixed: WireField[] = [];
  for (const read of fields) {
    const last = mixed.findLastIndex((other) => other.field === read.field);
    mixed.splice(last + 1 + random(mixed.length - last), 0, read);
  }
  return mixed;
}

function splitEmbedded(fields: WireField[], random: Random): WireField[] {
  return fields.flatMap((read) => {
    const nested = nestedType(read.field);
    if (nested === undefined || read.field.repeated) return [read];
    const inner = [...readFields(nested, read.value as Uint8Array)];
    const at = random(inner.length + 1);
    return [inner.slice(0, at), inner.slice(at)].map((part) => ({ field: read.field, value: writeFields(part) }));
  });
}

function repeatScalars(fields: WireField[], random: Random): WireField[] {
  return fields.flatMap((read) => {
    const scalar = nestedType(read.field) === undefined && !read.field.repeated;
    if (!scalar || random(2) === 0) return [read];
    const text = read.field.type === 'string' ? Uint8Array.of(0x78) : undefined;
    const other = typeof read.value === 'bigint' ? 1n : (text ?? read.value.map((byte) => byte ^ 1));
    return [{ field: read.field, value: other }, read];
  });
}

/**
 * Where we differ from protobufjs on purpose. We follow the encoding rules, but that a known field with another wire type,
 * which official parsers take for an unknown field, is refused, as is a group.
 */
const differences: Record<Difference, string> = {
  'field number 0 or beyond 29 bits': 'refused; protobufjs skips it or cuts it to 32 bits',
  'varint beyond 64 bits': 'refused; protobufjs reads 32 bits and skips the rest',
  'value past the end of its message': 'refused; protobufjs reads on into the enclosing message',
  'wire type of another type': 'refused; protobufjs reads the value as the type it expects',
  group: 'refused; protobufjs skips it',
  'embedded message given twice': 'merged; protobufjs takes the last',
  'oneof member given again': 'the last on the wire counts; protobufjs takes the one that came first last',
  'bool beyond 32 bits': 'true; protobufjs looks at 32 bits',
  'varint of six to nine bytes': 'read to its end; protobufjs takes ten bytes for anything of more than five',
  'text that is not UTF-8': 'each bad sequence is one U+FFFD; protobufjs reads surrogates and overlong forms',
};

describe('mutated requests', () => {
  test('are read by the encoding rules, and as protobufjs reads them but for the listed differences', () => {
    const random = randomFrom(20_260_101);
    const pool = fc
      .sample(requests, { numRuns: 300, seed: 7 })
      .map(encodeTraceRequest)
      .filter((bytes) => bytes.length > 60 && bytes.length < 600);
    const explained = new Set<Difference>();
    let refused = 0;
    for (let round = 0; round < 20_000; round++) {
      const bytes = mutate(pool, random);
      const seen = new Set<Difference>();
      const ours = attempt(() => outcome(decodeTraceRequest(bytes)), OtlpDecodeError);
      const rules = attempt(() => decodeWithProtobufjs(normalise(requestType, bytes, seen)), Malformed);
      if (ours !== rules) expect(ours, toHex(bytes)).toBe(rules);
      if (ours === 'refused') refused++;
      const plain = attempt(() => decodeWithProtobufjs(bytes), Error);
      if (ours === plain) continue;
      if (seen.size === 0) expect(ours, toHex(bytes)).toBe(plain);
      if (seen.size === 1) for (const difference of seen) explained.add(difference);
    }
    expect([...explained].sort()).toStrictEqual(Object.keys(differences).sort());
    expect(refused).toBeGreaterThan(2_000);
    expect(refused).toBeLessThan(18_000);
  }, 120_000);
});

/** The outcome as text that tells NaN, -0 and bigints apart. */
function attempt(decode: () => Outcome, expected: new (...args: never[]) => Error): string {
  try {
    return JSON.stringify(decode(), (_, value: unknown) => {
      if (typeof value === 'bigint') return `${value}n`;
      if (typeof value === 'number') return Object.is(value, -0) ? '-0' : `${value}`;
      return value instanceof Uint8Array ? toHex(value) : value;
    });
  } catch (error) {
    if (error instanceof expected) return 'refused';
    throw error;
  }
}

const INTERESTING = [
  0x00, 0x01, 0x08, 0x0a, 0x0b, 0x0c, 0x10, 0x12, 0x18, 0x1a, 0x21, 0x2a, 0x32, 0x3a, 0x7a, 0x7f, 0x80, 0xff,
];

/** One to three changes: bytes set, flipped, removed, put in, copied from elsewhere; a bool stretched; a value repeated. */
function mutate(pool: readonly Uint8Array[], random: Random): Uint8Array {
  let bytes = [...pool[random(pool.length)]!];
  for (let changes = 1 + random(3); changes > 0; changes--) {
    const at = random(bytes.length);
    const kind = random(8);
    if (kind === 0) bytes[at] = random(256);
    else if (kind === 1) bytes[at] = INTERESTING[random(INTERESTING.length)]!;
    else if (kind === 2) bytes[at]! ^= 1 << random(8);
    else if (kind === 3) bytes.splice(at, 1 + random(4));
    else if (kind === 4) bytes.splice(at, 0, INTERESTING[random(INTERESTING.length)]!);
    else if (kind === 5) bytes = bytes.slice(0, at + 1);
    else bytes = [...grow(requestType, Uint8Array.from(bytes), pool, random)];
  }
  return Uint8Array.from(bytes);
}

/** Changes one message somewhere inside and keeps the lengths around it right, so that the change is reached. */
function grow(type: Type, bytes: Uint8Array, pool: readonly Uint8Array[], random: Random): Uint8Array {
  let fields: WireField[];
  try {
    fields = [...readFields(type, bytes)];
  } catch {
    return bytes;
  }
  const inner = fields.map((_, i) => i).filter((i) => nestedType(fields[i]!.field) !== undefined);
  if (inner.length > 0 && random(6) > 0) {
    const i = inner[random(inner.length)]!;
    const { field, value } = fields[i]!;
    fields[i] = { field, value: grow(nestedType(field)!, value as Uint8Array, pool, random) };
    return writeFields(fields);
  }
  const written = [...writeFields(fields)];
  const other = pool[random(pool.length)]!;
  const from = random(other.length);
  const extras: number[][] = [
    written,
    [...other.slice(from, from + 1 + random(12))],
    [0x10, 0x80, 0x80, 0x80, 0x80, 0x10],
    [0x30, 0x81, 0x80, 0x80, 0x80, 0x80, 0x01],
    [0x0a, 0x02, 0xc0, 0x80],
    [0x0a, 0x03, 0xed, 0xa0, 0x80],
    [0x0b, 0x0c],
    [0xa3, 0x06, 0xa4, 0x06],
    [0x00, 0x00],
    [0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 0x00],
    [0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
    [0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02],
    [0x2a, 0x04, 0x0a, 0x02, 0x10, 0x01],
    [0x32, 0x02, 0x0a, 0x00, 0x32, 0x02, 0x0a, 0x00],
    [0x0a, 0x01, 0x78, 0x18, 0x05, 0x0a, 0x01, 0x79],
  ];
  return Uint8Array.from([...written, ...extras[random(extras.length)]!]);
}
