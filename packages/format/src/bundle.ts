/**
 * Bundles: entries of a ledger that can be judged without it, in one file of lines. Each line is canonical JSON, so that the
 * same lines are the same octets, and so that neither writer nor reader needs more memory than one of them takes.
 * docs/format.md §Bundle is normative. Untrusted input.
 */
import { base64Of, bytesOfBase64, textOfUtf8 } from './bytes.js';
import { type CanonicalObject, encodeCanonicalJson, parseCanonicalJson } from './canonical-json.js';
import { isOrigin } from './checkpoint.js';
import { MAX_ENTRY_OCTETS } from './entry.js';
import { FormatError } from './format-error.js';
import { MAX_NOTE_OCTETS } from './note.js';
import { type ContextKind, MAX_PAYLOAD_OCTETS, SALT_OCTETS } from './payload.js';

/** What the first line calls a bundle of this version. */
export const BUNDLE_FORMAT = 'if-witness/bundle@v1';

/** A line is at most this many octets: the largest payload in base64, the largest entry, and the names around them. */
export const MAX_BUNDLE_LINE_OCTETS: number = 4 * Math.ceil(MAX_PAYLOAD_OCTETS / 3) + 100_000;

/** What was asked for, in the words of whoever exported; nothing of it is signed. No member: everything. */
export interface BundleSelection {
  /** A business trace id or OpenTelemetry trace id. */
  readonly trace?: string;
  /** Receive time, Unix nanoseconds, decimal: from this on. */
  readonly since?: string;
  /** Before this. */
  readonly until?: string;
}

/** The first line, and only that. */
export interface BundleHeader {
  readonly line: 'header';
  readonly origin: string;
  /** The vkey that signed the checkpoint: what to look for among the keys that one holds, never one to trust. */
  readonly key: string;
  /** The newest checkpoint note, exactly as stored. Its size says how many entries the lines must cover. */
  readonly checkpoint: string;
  readonly selection: BundleSelection;
}

/** Entries that are not here: the root of the complete subtree over `from` <= seq < `to`. */
export interface BundleHash {
  readonly line: 'hash';
  readonly from: number;
  readonly to: number;
  readonly hashHex: string;
}

/** A resource or scope, before the first entry whose payload names it. */
export interface BundleContext {
  readonly line: 'context';
  readonly kind: ContextKind;
  readonly context: Uint8Array;
}

/** An entry at its place. */
export interface BundleEntry {
  readonly line: 'entry';
  readonly seq: number;
  readonly entry: Uint8Array;
  /** Its payload with its salt, where it is there. */
  readonly payload?: { readonly salt: Uint8Array; readonly payload: Uint8Array };
}

/** An older checkpoint, of all entries before this line. */
export interface BundleCheckpoint {
  readonly line: 'checkpoint';
  readonly size: number;
  readonly checkpoint: string;
}

/** The last line: nothing was cut off on the way. */
export interface BundleEnd {
  readonly line: 'end';
  /** Lines with an entry. */
  readonly entries: number;
}

/** One line. */
export type BundleLine = BundleHeader | BundleHash | BundleContext | BundleEntry | BundleCheckpoint | BundleEnd;

/** The text of a line, its newline included. */
export function encodeBundleLine(line: BundleLine): string {
  return `${encodeCanonicalJson(membersOf(line))}\n`;
}

function membersOf(line: BundleLine): CanonicalObject {
  switch (line.line) {
    case 'header': {
      const { origin, key, checkpoint, selection } = line;
      return { bundle: BUNDLE_FORMAT, checkpoint, key, origin, selection: { ...selection } };
    }
    case 'hash':
      return { from: line.from, hash: line.hashHex, to: line.to };
    case 'context':
      return { context: base64Of(line.context), kind: line.kind };
    case 'entry': {
      const { seq, entry, payload } = line;
      const beside = payload === undefined ? {} : { payload: base64Of(payload.payload), salt: base64Of(payload.salt) };
      return { entry: base64Of(entry), seq, ...beside };
    }
    case 'checkpoint':
      return { checkpoint: line.checkpoint, size: line.size };
    case 'end':
      return { end: line.entries };
  }
}

/**
 * Reads a line, without its newline. @throws FormatError `bundle.malformed`; `bundle.version` for the first line of another
 * version of bundles.
 */
export function parseBundleLine(octets: Uint8Array): BundleLine {
  if (octets.length > MAX_BUNDLE_LINE_OCTETS) throw malformed('a line is too long');
  const members = membersIn(octets);
  const names = Object.keys(members).join(' ');
  switch (names) {
    case 'bundle checkpoint key origin selection':
      return headerOf(members);
    case 'from hash to':
      return hashOf(members);
    case 'context kind':
      return contextOf(members);
    case 'entry seq':
    case 'entry payload salt seq':
      return entryOf(members);
    case 'checkpoint size':
      return { line: 'checkpoint', size: count(members, 'size'), checkpoint: noteOf(members) };
    case 'end':
      return { line: 'end', entries: count(members, 'end') };
  }
  if (typeof members.bundle === 'string') requireVersion(members.bundle);
  throw malformed('a line is of no kind that there is');
}

/** Only lines with a payload, an entry or a context are longer than this, and those are flat. */
const LONGEST_NESTED = 2_200_000;
const MOST_SIGNS = 16;

function membersIn(octets: Uint8Array): CanonicalObject {
  try {
    // What is to be parsed must not grow to many times its size: a long line of brackets would.
    if (octets.length > LONGEST_NESTED && !isFlat(octets))
      throw malformed('a long line is not that of an entry or context');
    const value = parseCanonicalJson(textOfUtf8(octets));
    if (typeof value === 'object' && !Array.isArray(value)) return value as CanonicalObject;
  } catch (cause) {
    if (!(cause instanceof FormatError) || cause.code === 'bundle.malformed') throw cause;
    throw malformed(cause.message, cause);
  }
  throw malformed('a line is no object');
}

function isFlat(octets: Uint8Array): boolean {
  let signs = 0;
  for (const octet of octets)
    if (octet === 0x22 /* " */ || octet === 0x2c /* , */ || octet === 0x5b /* [ */ || octet === 0x7b /* { */) signs++;
  return signs <= MOST_SIGNS;
}

function headerOf(members: CanonicalObject): BundleHeader {
  requireVersion(text(members, 'bundle', 64));
  const origin = text(members, 'origin', 255);
  if (!isOrigin(origin)) throw malformed('its origin is none');
  const { selection } = members;
  if (typeof selection !== 'object' || Array.isArray(selection)) throw malformed('its selection is no object');
  return {
    line: 'header',
    origin,
    key: text(members, 'key', 1024),
    checkpoint: noteOf(members),
    selection: selectionOf(selection as CanonicalObject),
  };
}

function requireVersion(name: string): void {
  if (name === BUNDLE_FORMAT) return;
  if (!/^if-witness\/bundle@v[1-9]\d{0,8}$/.test(name)) throw malformed('its first line does not say that it is one');
  throw new FormatError('bundle.version', `${BUNDLE_FORMAT} is understood, not ${name}`);
}

function selectionOf(members: CanonicalObject): BundleSelection {
  for (const [name, value] of Object.entries(members)) {
    const isTime = name === 'since' || name === 'until';
    if (!isTime && name !== 'trace') throw malformed('its selection has a member that there is not');
    if (typeof value !== 'string' || (isTime && !/^(0|[1-9][0-9]{0,19})$/.test(value)))
      throw malformed(`${name} of its selection is none`);
  }
  return members as BundleSelection;
}

function hashOf(members: CanonicalObject): BundleHash {
  const [from, to] = [count(members, 'from'), count(members, 'to')];
  const width = to - from;
  const isSubtree = width > 0 && 2 ** Math.round(Math.log2(width)) === width && from % width === 0;
  if (!isSubtree) throw malformed('a hash is not that of a complete subtree');
  const hashHex = text(members, 'hash', 64);
  if (!/^[0-9a-f]{64}$/.test(hashHex)) throw malformed('a hash is not 64 hex digits');
  return { line: 'hash', from, to, hashHex };
}

function contextOf(members: CanonicalObject): BundleContext {
  const { kind } = members;
  if (kind !== 'resource' && kind !== 'scope') throw malformed('a context is of no kind that there is');
  return { line: 'context', kind, context: octets(members, 'context', MAX_PAYLOAD_OCTETS) };
}

function entryOf(members: CanonicalObject): BundleEntry {
  const entry = {
    line: 'entry',
    seq: count(members, 'seq'),
    entry: octets(members, 'entry', MAX_ENTRY_OCTETS),
  } as const;
  if (members.payload === undefined) return entry;
  const [salt, payload] = [octets(members, 'salt', SALT_OCTETS), octets(members, 'payload', MAX_PAYLOAD_OCTETS)];
  if (salt.length !== SALT_OCTETS) throw malformed(`a salt does not have ${SALT_OCTETS} octets`);
  return { ...entry, payload: { salt, payload } };
}

function noteOf(members: CanonicalObject): string {
  return text(members, 'checkpoint', MAX_NOTE_OCTETS);
}

function text(members: CanonicalObject, name: string, most: number): string {
  const value = members[name];
  if (typeof value !== 'string' || value.length > most) throw malformed(`${name} is no text, or too long a one`);
  return value;
}

function count(members: CanonicalObject, name: string): number {
  const value = members[name];
  if (typeof value !== 'number') throw malformed(`${name} is no number`);
  return value;
}

function octets(members: CanonicalObject, name: string, most: number): Uint8Array {
  const value = members[name];
  if (typeof value !== 'string' || value.length > 4 * Math.ceil(most / 3)) throw malformed(`${name} is too long`);
  let decoded: Uint8Array;
  try {
    decoded = bytesOfBase64(value);
  } catch (cause) {
    throw malformed(`${name} is not canonical base64`, cause);
  }
  if (decoded.length > most) throw malformed(`${name} has more than ${most} octets`);
  return decoded;
}

function malformed(what: string, cause?: unknown): FormatError {
  return new FormatError('bundle.malformed', `not a bundle: ${what}`, cause === undefined ? undefined : { cause });
}
