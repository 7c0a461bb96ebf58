/**
 * Mutations of protobuf: of the octets, and of the fields of one message somewhere inside with the lengths around it put
 * right, so that what was changed is reached. Numbers come from `random`, so that a seed gives the same requests again.
 */
import type { Type } from 'protobufjs';
import { messageType } from '../../packages/otlp/test/otlp-proto.js';
import { nestedType, readFields, type WireField, writeFields } from '../../packages/otlp/test/wire-reference.js';

/** A whole number from 0 up, less than `below`. */
export type Random = (below: number) => number;

/** How many levels deep a value may be made. */
export const DEEPEST = 300;

const REQUEST = messageType('ExportTraceServiceRequest');

/** Octets that mean something: tags, lengths, the ends of varints. */
const OCTETS = [0x00, 0x01, 0x08, 0x0a, 0x0b, 0x0c, 0x10, 0x12, 0x18, 0x1a, 0x21, 0x2a, 0x32, 0x3a, 0x7f, 0x80, 0xff];
/** Integers at the edges of their types. */
const EDGES = [
  0n,
  1n,
  127n,
  128n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n + 1n,
  2n ** 63n,
  2n ** 64n - 1n,
];
/** Numbers of fields that no message has. */
const UNKNOWN = [17, 99, 1000, 2 ** 29 - 1];
/** Not UTF-8: a lone continuation, surrogates, an overlong NUL, beyond U+10FFFF, a cut sequence; and U+FFFD itself, NUL, a BOM. */
const TEXTS = ['80', 'eda080', 'edb080eda080', 'c080', 'f4908080', 'e282', 'efbfbd', '00', 'efbbbf61', 'f09f9880'].map(
  fromHex,
);

/** One to three mutations of a request, mostly one. */
export function mutateWire(pool: readonly Uint8Array[], start: Uint8Array, random: Random): Uint8Array {
  let bytes: Uint8Array = Uint8Array.from(start);
  for (let changes = 1 + Math.floor(random(12) / 8) + Math.floor(random(12) / 11); changes > 0; changes--) {
    bytes = random(6) === 0 ? mutateOctets(bytes, pool, random) : mutateMessage(REQUEST, bytes, pool, random);
  }
  return bytes;
}

/** One mutation that knows nothing of what the octets mean. */
export function mutateOctets(bytes: Uint8Array, pool: readonly Uint8Array[], random: Random): Uint8Array {
  const at = random(bytes.length + 1);
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (random(8)) {
    case 0:
      return joined(before, [random(256)], after.subarray(1));
    case 1:
      return joined(before, [pick(OCTETS, random)], after.subarray(1));
    case 2:
      return joined(before, [(after[0] ?? 0) ^ (1 << random(8))], after.subarray(1));
    case 3:
      return joined(before, after.subarray(1 + random(4)));
    case 4:
      return joined(before, [pick(OCTETS, random)], after);
    case 5:
      return Uint8Array.from(before);
    case 6:
      return joined(before, after.subarray(0, 1 + random(20)), after);
    default:
      return joined(before, slice(pick(pool, random), random), after);
  }
}

/** Mutates a message, or one in it. */
function mutateMessage(type: Type, bytes: Uint8Array, pool: readonly Uint8Array[], random: Random): Uint8Array {
  const fields = fieldsOf(type, bytes);
  if (fields === undefined) return mutateOctets(bytes, pool, random);
  const nested = fields.flatMap(({ field }, i) => (nestedType(field) === undefined ? [] : [i]));
  if (nested.length > 0 && random(6) > 0) {
    const i = pick(nested, random);
    const { field, value } = fields[i]!;
    const inner = mutateMessage(nestedType(field)!, value as Uint8Array, pool, random);
    return writeFields(fields.with(i, { field, value: inner }));
  }
  return mutateFields(type, fields, pool, random);
}

function fieldsOf(type: Type, bytes: Uint8Array): WireField[] | undefined {
  try {
    return [...readFields(type, bytes)];
  } catch {
    return undefined;
  }
}

function mutateFields(type: Type, fields: WireField[], pool: readonly Uint8Array[], random: Random): Uint8Array {
  const written = fields.map((field) => writeFields([field]));
  const i = random(Math.max(1, fields.length));
  const changed = changeField(fields[i], written[i], pool, random);
  if (changed !== undefined) return joined(...written.with(i, changed));
  const added = (part: Uint8Array): Uint8Array => joined(...written.toSpliced(random(written.length + 1), 0, part));
  switch (random(7)) {
    case 0:
      return added(written[i] ?? new Uint8Array());
    case 1:
      return joined(...written.slice(i + 1), ...written.slice(0, i + 1));
    case 2:
      return joined(...written.toSpliced(i, 1));
    case 3:
      // A field that nobody knows: a varint, 8 octets, text, a group, 4 octets; numbers up to the greatest.
      return added(joined(varint(BigInt(8 * pick(UNKNOWN, random) + random(6)), random), pick(TEXTS, random), [0]));
    case 4:
      return added(slice(pick(pool, random), random));
    case 5:
      if (type.name !== 'AnyValue') return mutateOctets(joined(...written), pool, random);
      return joined(deepValue(1 + random(DEEPEST)), ...(random(4) === 0 ? written : []));
    default:
      return mutateOctets(joined(...written), pool, random);
  }
}

/** The field in another form; undefined where it has none such, and every other time. */
function changeField(
  whole: WireField | undefined,
  written: Uint8Array | undefined,
  pool: readonly Uint8Array[],
  random: Random,
): Uint8Array | undefined {
  if (whole === undefined || written === undefined || random(2) === 0) return undefined;
  const { field, value } = whole;
  const tag = written.subarray(0, written.findIndex((octet) => octet < 128) + 1);
  // Another wire type, of the same number.
  if (random(8) === 0) return joined([(tag[0]! & 0xf8) | random(8)], written.subarray(1));
  if (typeof value === 'bigint') return joined(tag, varint(pick(EDGES, random), random));
  const isDelimited = (tag[0]! & 7) === 2;
  if (isDelimited && random(6) === 0) {
    // A length that is not so.
    const lies = [BigInt(value.length + 1), BigInt(Math.max(0, value.length - 1)), ...EDGES];
    return joined(tag, varint(pick(lies, random), random), value);
  }
  if (field.type === 'string' && random(2) === 0)
    return writeFields([{ field, value: joined(value, pick(TEXTS, random)) }]);
  if (field.type === 'bytes' && random(2) === 0) {
    return writeFields([
      { field, value: pick([new Uint8Array(value.length), value.subarray(1), joined(value, [1])], random) },
    ]);
  }
  // Ids of other lengths, texts that end too soon, doubles of other bits.
  return isDelimited
    ? writeFields([{ field, value: mutateOctets(value, pool, random) }])
    : joined(tag, mutateOctets(value, pool, random));
}

/** An AnyValue whose value is an array or a list, or the one in the other, so many levels deep. */
function deepValue(levels: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let length = 0;
  const wrap = (tag: number): void => {
    const head = joined(
      [tag],
      varint(BigInt(length), () => 1),
    );
    parts.unshift(head);
    length += head.length;
  };
  for (let level = 1; level < levels; level++) {
    if (level % 3 === 0) {
      // kvlist_value { values { value { … } } }
      wrap(0x12);
      wrap(0x0a);
      wrap(0x32);
    } else {
      // array_value { values { … } }
      wrap(0x0a);
      wrap(0x2a);
    }
  }
  return joined(...parts);
}

/** Sometimes longer than it need be. */
function varint(value: bigint, random: Random): Uint8Array {
  const octets: number[] = [];
  for (; value > 127n; value >>= 7n) octets.push(Number(value & 127n) | 128);
  octets.push(Number(value));
  if (random(8) === 0) {
    octets[octets.length - 1]! |= 128;
    for (let more = random(6); more > 0; more--) octets.push(128);
    octets.push(0);
  }
  return Uint8Array.from(octets);
}

function slice(bytes: Uint8Array, random: Random): Uint8Array {
  const from = random(bytes.length);
  return bytes.subarray(from, from + 1 + random(40));
}

/** One of them. */
export function pick<T>(values: readonly T[], random: Random): T {
  return values[random(values.length)]!;
}

function joined(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts.map((part) => Uint8Array.from(part))));
}

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}
