/**
 * C2SP signed notes: text, a blank line, signature lines `— name base64(key id ‖ signature)`.
 * Source: c2sp.org/signed-note and golang.org/x/mod/sumdb/note, which this parser follows except where docs/format.md
 * §Checkpoint says that it is stricter. Untrusted input.
 */
import { base64Of, bytesOfBase64, concatBytes, hexOf, textOfUtf8 } from './bytes.js';
import { FormatError } from './format-error.js';
import { isKeyName } from './vkey.js';

/** A note is at most this many octets. */
export const MAX_NOTE_OCTETS = 1_000_000;
/** And has at most so many signature lines. */
export const MAX_NOTE_SIGNATURES = 100;
const PREFIX = '— ';

/** One signature line. */
export interface NoteSignature {
  readonly name: string;
  readonly keyIdHex: string;
  /** What follows the key id: 64 octets for Ed25519, other lengths for other algorithms. */
  readonly signature: Uint8Array;
}

/** A note as parsed; nothing about it is verified. */
export interface Note {
  /** The signed text, its final newline included. */
  readonly text: string;
  /** 1 to 100 of them. */
  readonly signatures: readonly NoteSignature[];
}

/** Reads a note. @throws FormatError `note.malformed`, `note.too-large`. */
export function parseNote(bytes: Uint8Array): Note {
  if (bytes.length > MAX_NOTE_OCTETS) throw new FormatError('note.too-large', 'a note has at most 1,000,000 octets');
  let note: string;
  try {
    note = textOfUtf8(bytes);
  } catch (cause) {
    throw malformed('it is not UTF-8', cause);
  }
  for (let i = 0; i < note.length; i++) {
    const code = note.charCodeAt(i);
    if (code < 0x20 && code !== 0x0a) throw malformed('it holds a control character');
  }
  const split = note.lastIndexOf('\n\n');
  if (split < 0) throw malformed('no blank line before the signatures');
  const block = note.slice(split + 2);
  if (block === '' || !block.endsWith('\n')) throw malformed('the signatures do not end with a newline');
  const lines = block.slice(0, -1).split('\n');
  if (lines.length > MAX_NOTE_SIGNATURES) throw malformed(`more than ${MAX_NOTE_SIGNATURES} signatures`);
  return { text: note.slice(0, split + 1), signatures: lines.map(parseSignatureLine) };
}

/** Reads one signature line, without its newline. @throws FormatError `note.malformed`. */
export function parseSignatureLine(line: string): NoteSignature {
  if (/[\0-\x1f]/.test(line)) throw malformed('a signature line holds a control character');
  if (!line.startsWith(PREFIX)) throw malformed('a signature line does not start with an em dash and a space');
  const space = line.indexOf(' ', PREFIX.length);
  const name = space < 0 ? '' : line.slice(PREFIX.length, space);
  if (!isKeyName(name)) throw malformed('a key name is empty or has white space or a plus sign');
  let bytes: Uint8Array;
  try {
    bytes = bytesOfBase64(line.slice(space + 1));
  } catch (cause) {
    throw malformed('a signature is not canonical base64', cause);
  }
  if (bytes.length < 5) throw malformed('a signature is too short');
  return { name, keyIdHex: hexOf(bytes.subarray(0, 4)), signature: bytes.slice(4) };
}

/** The text of a note: `text`, which ends with a newline, a blank line, and the signatures in order. */
export function encodeNote(text: string, signatures: readonly NoteSignature[]): string {
  const lines = signatures.map((signature) => `${encodeSignatureLine(signature)}\n`);
  return `${text}\n${lines.join('')}`;
}

/** One signature line, without its newline. */
export function encodeSignatureLine({ name, keyIdHex, signature }: NoteSignature): string {
  const keyId = Uint8Array.from([0, 2, 4, 6], (i) => Number.parseInt(keyIdHex.slice(i, i + 2), 16));
  return `${PREFIX}${name} ${base64Of(concatBytes(keyId, signature))}`;
}

function malformed(what: string, cause?: unknown): FormatError {
  return new FormatError('note.malformed', `not a signed note: ${what}`, cause === undefined ? undefined : { cause });
}
