/**
 * One entry of the chain as canonical JSON: an envelope, which is the chain's, around a body, which is its type's.
 * docs/format.md §Entry is normative.
 */
import { type CanonicalObject, encodeCanonicalJson, encodeInteger } from './canonical-json.js';
import { FormatError } from './format-error.js';

/** The format version that `genesis` names. */
export const FORMAT_VERSION = 1;

/** An entry is at most this many octets (the limit of a C2SP tlog-tiles entry bundle). */
export const MAX_ENTRY_OCTETS = 65_535;

/** `prev` of entry 0. */
export const ZERO_HASH_HEX: string = '0'.repeat(64);

/** Types of entry that format version 1 defines. Others verify alike and are shown as not understood. */
export const ENTRY_TYPES = [
  'adjustment',
  'alert',
  'budget',
  'gap',
  'genesis',
  'import',
  'index',
  'redaction',
  'restored',
  'rotation',
  'span',
] as const;

/** A type of entry that this version understands. */
export type EntryType = (typeof ENTRY_TYPES)[number];

/** Everything of an entry but its body. */
export interface Envelope {
  /** Raw receive time of the writer's clock, nanoseconds since the Unix epoch, decimal. */
  readonly at: string;
  /** SHA-256, hex, of the newest checkpoint note before this entry; on the first entry of every batch but the first. */
  readonly checkpoint?: string;
  /** `backwards` exactly when `at` is before the previous entry's. */
  readonly clock?: 'backwards';
  /** A verifier that does not understand the type must not say VALID. */
  readonly critical?: true;
  /** Digest, hex, of the entry's payload, which lives outside the entry so that it can be erased. */
  readonly payload?: string;
  /** Leaf hash, hex, of the previous entry; 64 zeros at seq 0. */
  readonly prev: string;
  /** Place in the chain and in the tree, from 0. */
  readonly seq: number;
  /** 1 to 32 of a–z, 0–9 and hyphen. */
  readonly type: string;
}

/** An entry as parsed. */
export interface Entry extends Envelope {
  readonly body: CanonicalObject;
}

/**
 * The entry's one text, around a body that is already canonical JSON. Texts of the envelope are written as they are: what
 * {@link Envelope} says of their form is the caller's duty. @throws FormatError `entry.too-large`, `json.value`.
 */
export function encodeEntry(envelope: Envelope, bodyJson: string): string {
  const { at, checkpoint, clock, critical, payload, prev, seq, type } = envelope;
  let text = `{"at":"${at}","body":${bodyJson}`;
  if (checkpoint !== undefined) text += `,"checkpoint":"${checkpoint}"`;
  if (clock !== undefined) text += `,"clock":"${clock}"`;
  if (critical !== undefined) text += ',"critical":true';
  if (payload !== undefined) text += `,"payload":"${payload}"`;
  text += `,"prev":"${prev}","seq":${encodeInteger(seq)},"type":"${type}"}`;
  // Three octets a UTF-16 unit is the most UTF-8 needs, so the exact count is only taken when it could matter.
  if (text.length * 3 > MAX_ENTRY_OCTETS && octetsOf(text) > MAX_ENTRY_OCTETS) {
    throw new FormatError('entry.too-large', `an entry may have ${MAX_ENTRY_OCTETS} octets, this one is longer`);
  }
  return text;
}

/** Body of a control entry as canonical JSON. @throws FormatError as {@link encodeCanonicalJson}. */
export function encodeBody(body: CanonicalObject): string {
  return encodeCanonicalJson(body);
}

const HASH = /^[0-9a-f]{64}$/;
const DECIMAL = /^(0|[1-9][0-9]{0,19})$/;
const TYPE = /^[a-z0-9-]{1,32}$/;

/**
 * Reads one stored entry. Lenient about canonical form (`--deep` asks for that separately), strict about shape.
 * @throws FormatError `entry.malformed`.
 */
export function parseEntry(text: string): Entry {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new FormatError('entry.malformed', 'the entry is not JSON', { cause });
  }
  const entry = value as Partial<Record<keyof Entry, unknown>>;
  const fail = (field: string): never => {
    throw new FormatError('entry.malformed', `the entry's ${field} is missing or malformed`);
  };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) fail('object');
  if (typeof entry.at !== 'string' || !DECIMAL.test(entry.at)) fail('at');
  if (typeof entry.body !== 'object' || entry.body === null || Array.isArray(entry.body)) fail('body');
  if (typeof entry.prev !== 'string' || !HASH.test(entry.prev)) fail('prev');
  if (typeof entry.seq !== 'number' || !Number.isSafeInteger(entry.seq) || entry.seq < 0) fail('seq');
  if (typeof entry.type !== 'string' || !TYPE.test(entry.type)) fail('type');
  for (const field of ['checkpoint', 'payload'] as const) {
    const hash = entry[field];
    if (hash !== undefined && (typeof hash !== 'string' || !HASH.test(hash))) fail(field);
  }
  if (entry.clock !== undefined && entry.clock !== 'backwards') fail('clock');
  if (entry.critical !== undefined && entry.critical !== true) fail('critical');
  return value as Entry;
}

/** Whether this version understands the type of an entry. */
export function isKnownType(type: string): type is EntryType {
  return (ENTRY_TYPES as readonly string[]).includes(type);
}

function octetsOf(text: string): number {
  return new TextEncoder().encode(text).length;
}
