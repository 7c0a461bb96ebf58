/** Decodes values of the types in types.ts from aligned PER (ITU-T X.691). Bounded: time and memory follow the octets. */
import { BitReader } from './bit-reader.js';
import { decodeObjectIdentifier } from './object-identifier.js';
import { PerError } from './per-error.js';
import type { ChoiceType, Of, PerType, SequenceType } from './types.js';

/** Longer lists are refused. No RAS message of a real stack comes near. */
export const MAX_LIST_ITEMS = 256;

/** `digits` in canonical order (X.691 §30.5.4). */
export const DIGITS = '#*,0123456789';

/** The value at the beginning of the octets. What follows it is not looked at. @throws PerError */
export function decodePer<T>(type: Of<T>, octets: Uint8Array): T {
  return decodeValue(type, new BitReader(octets)) as T;
}

function decodeValue(type: PerType, reader: BitReader): unknown {
  switch (type.kind) {
    case 'boolean':
      return reader.bit();
    case 'null':
      return null;
    case 'integer':
      if (type.isExtensible && reader.bit()) throw new PerError('unsupported', 'a number beyond its range');
      return decodeInteger(type.min, type.max, reader);
    case 'octets':
      return decodeOctets(type.min, type.max, reader);
    case 'bits':
      return reader.take(type.size / 8);
    case 'text':
      return decodeText(type, reader);
    case 'objectIdentifier':
      return decodeObjectIdentifier(reader.take(decodeLength(reader)));
    case 'list': {
      const count = decodeLength(reader);
      if (count > MAX_LIST_ITEMS) throw new PerError('limit', `a list of ${count} items`);
      const items: unknown[] = [];
      for (let i = 0; i < count; i++) items.push(decodeValue(type.of, reader));
      return items;
    }
    case 'sequence':
      return decodeSequence(type, reader);
    case 'choice':
      return decodeChoice(type, reader);
    case 'open':
      return reader.take(decodeLength(reader));
    case 'unread':
      throw new PerError('unsupported', 'a value of a type that is not decoded');
  }
}

/** X.691 §11.5.7. */
function decodeInteger(min: number, max: number, reader: BitReader): number {
  const range = max - min + 1;
  if (range <= 255) return within(min + reader.bits(bitsFor(range)), max);
  if (range === 256) return min + reader.number(1);
  if (range <= 65_536) return within(min + reader.number(2), max);
  const octets = 1 + reader.bits(bitsFor(octetsFor(range - 1)));
  return within(min + reader.number(octets), max);
}

function within(value: number, max: number): number {
  if (value > max) throw new PerError('value', `${value} is above ${max}`);
  return value;
}

function decodeOctets(min: number, max: number, reader: BitReader): Uint8Array {
  if (min === max && max <= 2) return Uint8Array.from({ length: max }, () => reader.bits(8));
  return reader.take(decodeSize(min, max, reader));
}

/** The length of a string of the given bounds (X.691 §11.9). */
function decodeSize(min: number, max: number, reader: BitReader): number {
  if (min === max) return min;
  return max <= 65_535 ? decodeInteger(min, max, reader) : decodeLength(reader);
}

/** An unconstrained length. */
function decodeLength(reader: BitReader): number {
  const first = reader.number(1);
  if (first < 0x80) return first;
  if (first >= 0xc0) throw new PerError('unsupported', 'a value in fragments');
  return (first & 0x3f) * 256 + reader.number(1);
}

function decodeText(type: PerType & { kind: 'text' }, reader: BitReader): string {
  const length = decodeSize(type.min, type.max, reader);
  if (type.charset === 'bmp') {
    const octets = reader.take(length * 2);
    let value = '';
    for (let i = 0; i < octets.length; i += 2) value += String.fromCharCode(octets[i]! * 256 + octets[i + 1]!);
    return value;
  }
  if (type.charset === 'ia5') {
    const octets = reader.take(length);
    if (octets.some((octet) => octet > 0x7f)) throw new PerError('value', 'not a character of IA5String');
    return String.fromCharCode(...octets);
  }
  reader.align();
  let value = '';
  for (let i = 0; i < length; i++) {
    const character = DIGITS[reader.bits(4)];
    if (character === undefined) throw new PerError('value', 'not a dialled digit');
    value += character;
  }
  return value;
}

/** X.691 §19. */
function decodeSequence({ fields, additions }: SequenceType, reader: BitReader): Record<string, unknown> {
  const isExtended = additions !== undefined && reader.bit();
  let present = 0;
  let optionals = 0;
  for (const { isOptional } of fields) if (isOptional) optionals++;
  if (optionals > 0) present = reader.bits(optionals);
  const value: Record<string, unknown> = {};
  for (const { name, type, isOptional } of fields) {
    if (isOptional && (present & (1 << --optionals)) === 0) continue;
    value[name] = decodeValue(type, reader);
  }
  if (!isExtended) return value;
  // X.691 §11.9.3.4: a normally small length.
  const count = reader.bit() ? decodeLength(reader) : reader.bits(6) + 1;
  if (count > MAX_LIST_ITEMS) throw new PerError('limit', `${count} extensions`);
  const isPresent: boolean[] = [];
  for (let i = 0; i < count; i++) isPresent.push(reader.bit());
  const rest: Record<string, Uint8Array> = {};
  let hasRest = false;
  for (let i = 0; i < count; i++) {
    if (!isPresent[i]) continue;
    const { name, type } = additions[i] ?? { name: `#${i}`, type: undefined };
    const length = decodeLength(reader);
    const found =
      type === undefined ? { rest: reader.take(length) } : reader.within(length, () => decodeValue(type, reader));
    if ('value' in found) value[name] = found.value;
    else {
      rest[name] = found.rest;
      hasRest = true;
    }
  }
  if (hasRest) value.additions = rest;
  return value;
}

/** X.691 §23. */
function decodeChoice({ root, more, isEnumeration }: ChoiceType, reader: BitReader): unknown {
  if (more === undefined || !reader.bit()) {
    const index = root.length === 1 ? 0 : reader.bits(bitsFor(root.length));
    const chosen = root[index];
    if (chosen === undefined) throw new PerError('value', `there is no alternative ${index}`);
    if (isEnumeration) return chosen.name;
    return { name: chosen.name, value: decodeValue(chosen.type, reader) };
  }
  const index = decodeSmall(reader);
  const chosen = more[index];
  const length = decodeLength(reader);
  const name = chosen?.name ?? `#${root.length + index}`;
  if (isEnumeration) {
    reader.take(length);
    return name;
  }
  if (chosen === undefined || chosen.type.kind === 'open') return { name, value: reader.take(length) };
  const found = reader.within(length, () => decodeValue(chosen.type, reader));
  return { name, value: 'value' in found ? found.value : found.rest };
}

/** A normally small number (X.691 §11.6), up to 255. */
function decodeSmall(reader: BitReader): number {
  if (!reader.bit()) return reader.bits(6);
  const length = decodeLength(reader);
  if (length !== 1) throw new PerError('limit', `a small number of ${length} octets`);
  return reader.number(1);
}

/** Bits that hold 0 to range − 1. */
export function bitsFor(range: number): number {
  return range <= 1 ? 0 : 32 - Math.clz32(range - 1);
}

/** Octets that hold a number below 2^32. */
export function octetsFor(value: number): number {
  return value < 0x100 ? 1 : value < 0x1_0000 ? 2 : value < 0x100_0000 ? 3 : 4;
}
