/** Encodes values of the types in types.ts as aligned PER (ITU-T X.691), minimal: the exact inverse of decode.ts. */
import { BitWriter } from './bit-writer.js';
import { bitsFor, DIGITS, octetsFor } from './decode.js';
import { encodeObjectIdentifier } from './object-identifier.js';
import type { ChoiceType, Of, PerType, SequenceType } from './types.js';

/** The octets of a value. @throws TypeError, RangeError for a value that is not of the type; the message says where */
export function encodePer<T>(type: Of<T>, value: T): Uint8Array {
  const writer = new BitWriter();
  encodeValue(type, value, writer, 'value');
  return writer.finish();
}

function encodeValue(type: PerType, value: unknown, writer: BitWriter, at: string): void {
  switch (type.kind) {
    case 'boolean':
      writer.bit(expected(typeof value === 'boolean', value, at, 'a boolean') as boolean);
      return;
    case 'null':
      return;
    case 'integer':
      if (type.isExtensible) writer.bit(false);
      encodeInteger(value, type.min, type.max, writer, at);
      return;
    case 'octets':
      encodeOctets(type.min, type.max, octetsOf(value, at), writer, at);
      return;
    case 'bits':
      encodeOctets(type.size / 8, type.size / 8, octetsOf(value, at), writer, at);
      return;
    case 'text':
      encodeText(type, value, writer, at);
      return;
    case 'objectIdentifier':
      encodeLong(encodeObjectIdentifier(textOf(value, at)), writer, at);
      return;
    case 'list': {
      const items = expected(Array.isArray(value), value, at, 'an array') as readonly unknown[];
      encodeLength(items.length, writer, at);
      for (const [i, item] of items.entries()) encodeValue(type.of, item, writer, `${at}[${i}]`);
      return;
    }
    case 'sequence':
      encodeSequence(type, value, writer, at);
      return;
    case 'choice':
      encodeChoice(type, value, writer, at);
      return;
    case 'open':
      encodeLong(octetsOf(value, at), writer, at);
      return;
    case 'unread':
      throw new TypeError(`${at} cannot be encoded: leave it out`);
  }
}

function encodeInteger(value: unknown, min: number, max: number, writer: BitWriter, at: string): void {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`${at} must be a whole number from ${min} to ${max}`);
  }
  const range = max - min + 1;
  const offset = value - min;
  if (range <= 255) writer.bits(offset, bitsFor(range));
  else if (range === 256) writer.number(offset, 1);
  else if (range <= 65_536) writer.number(offset, 2);
  else {
    const octets = octetsFor(offset);
    writer.bits(octets - 1, bitsFor(octetsFor(range - 1)));
    writer.number(offset, octets);
  }
}

function encodeOctets(min: number, max: number, octets: Uint8Array, writer: BitWriter, at: string): void {
  encodeSize(octets.length, min, max, writer, at);
  if (min === max && max <= 2) for (const octet of octets) writer.bits(octet, 8);
  else writer.put(octets);
}

function encodeSize(length: number, min: number, max: number, writer: BitWriter, at: string): void {
  if (length < min || length > max) throw new RangeError(`${at} must have from ${min} to ${max} characters or octets`);
  if (min === max) return;
  if (max <= 65_535) encodeInteger(length, min, max, writer, at);
  else encodeLength(length, writer, at);
}

function encodeLength(length: number, writer: BitWriter, at: string): void {
  if (length < 0x80) writer.number(length, 1);
  else if (length < 0x4000) writer.number(0x8000 + length, 2);
  else throw new RangeError(`${at} must have fewer than 16384 octets or items`);
}

function encodeLong(octets: Uint8Array, writer: BitWriter, at: string): void {
  encodeLength(octets.length, writer, at);
  writer.put(octets);
}

function encodeText(type: PerType & { kind: 'text' }, value: unknown, writer: BitWriter, at: string): void {
  const text = textOf(value, at);
  encodeSize(text.length, type.min, type.max, writer, at);
  writer.align();
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (type.charset === 'bmp') writer.number(code, 2);
    else if (type.charset === 'ia5') {
      if (code > 0x7f) throw new RangeError(`${at} must be ASCII`);
      writer.number(code, 1);
    } else {
      const digit = DIGITS.indexOf(text[i]!);
      if (digit < 0) throw new RangeError(`${at} must have only 0 to 9, #, * and the comma`);
      writer.bits(digit, 4);
    }
  }
}

function encodeSequence({ fields, additions }: SequenceType, value: unknown, writer: BitWriter, at: string): void {
  const members = expected(typeof value === 'object' && value !== null, value, at, 'an object') as Record<
    string,
    unknown
  >;
  const contents = additions === undefined ? [] : contentsOf(additions, members, at);
  if (additions !== undefined) writer.bit(contents.length > 0);
  for (const { name, isOptional } of fields) if (isOptional) writer.bit(members[name] !== undefined);
  for (const { name, type, isOptional } of fields) {
    const member = members[name];
    if (member !== undefined) encodeValue(type, member, writer, `${at}.${name}`);
    else if (!isOptional && type.kind !== 'null') throw new TypeError(`${at}.${name} is missing`);
  }
  if (contents.length === 0) return;
  // X.691 §11.9.3.4: a normally small length.
  writer.bit(contents.length > 64);
  if (contents.length > 64) encodeLength(contents.length, writer, at);
  else writer.bits(contents.length - 1, 6);
  for (const content of contents) writer.bit(content !== undefined);
  for (const content of contents) if (content !== undefined) encodeLong(content, writer, at);
}

/** The extension additions that are there, by their place; the last is there. */
function contentsOf(
  additions: SequenceType['additions'] & object,
  members: Record<string, unknown>,
  at: string,
): (Uint8Array | undefined)[] {
  const rest = (members.additions ?? {}) as Readonly<Record<string, Uint8Array>>;
  const contents: (Uint8Array | undefined)[] = [];
  for (const [i, { name, type }] of additions.entries()) {
    const member = members[name];
    if (rest[name] !== undefined) contents[i] = rest[name];
    else if (type !== undefined && member !== undefined) {
      const writer = new BitWriter();
      encodeValue(type, member, writer, `${at}.${name}`);
      contents[i] = writer.finish();
    }
  }
  for (const name in rest) if (name.startsWith('#')) contents[Number(name.slice(1))] = rest[name];
  return Array.from(contents);
}

function encodeChoice({ root, more, isEnumeration }: ChoiceType, value: unknown, writer: BitWriter, at: string): void {
  const { name, value: chosen } = (isEnumeration ? { name: value, value: null } : (value ?? {})) as {
    readonly name?: unknown;
    readonly value?: unknown;
  };
  const inRoot = root.findIndex((alternative) => alternative.name === name);
  if (inRoot >= 0) {
    if (more !== undefined) writer.bit(false);
    writer.bits(inRoot, bitsFor(root.length));
    encodeValue(root[inRoot]!.type, chosen, writer, `${at}.${name}`);
    return;
  }
  const unknown = typeof name === 'string' ? /^#(\d{1,3})$/.exec(name) : null;
  const inMore =
    unknown === null ? (more ?? []).findIndex((other) => other.name === name) : Number(unknown[1]) - root.length;
  if (inMore < 0) {
    const names = [...root, ...(more ?? [])].map((alternative) => alternative.name).join(', ');
    throw new TypeError(`${at} must be one of ${names}`);
  }
  writer.bit(true);
  encodeSmall(inMore, writer, at);
  const type = more?.[inMore]?.type;
  if (chosen instanceof Uint8Array && (type === undefined || type.kind !== 'octets')) encodeLong(chosen, writer, at);
  else {
    const content = new BitWriter();
    if (type !== undefined) encodeValue(type, chosen, content, `${at}.${name}`);
    encodeLong(content.finish(), writer, at);
  }
}

function encodeSmall(value: number, writer: BitWriter, at: string): void {
  if (value > 255) throw new RangeError(`${at} has too many extensions`);
  writer.bit(value > 63);
  if (value <= 63) writer.bits(value, 6);
  else {
    writer.number(1, 1);
    writer.number(value, 1);
  }
}

function octetsOf(value: unknown, at: string): Uint8Array {
  return expected(value instanceof Uint8Array, value, at, 'a Uint8Array') as Uint8Array;
}

function textOf(value: unknown, at: string): string {
  return expected(typeof value === 'string', value, at, 'a string') as string;
}

function expected(isSo: boolean, value: unknown, at: string, what: string): unknown {
  if (!isSo) throw new TypeError(`${at} must be ${what}`);
  return value;
}
