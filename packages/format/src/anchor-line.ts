/**
 * A checkpoint note as one line, to be mailed, committed or read out: `if-witness-anchor/v1 ORIGIN SIZE ROOT NAME:SIGNATURE …`.
 * Nothing is lost and nothing is added: the note that comes back is the note that went in, octet for octet. Any white space
 * can stand between the parts, so that a mail program may break the line there. Untrusted input.
 */
import { encodeCheckpoint, parseCheckpoint } from './checkpoint.js';
import { FormatError } from './format-error.js';
import { encodeNote, type NoteSignature, parseNote, parseSignatureLine } from './note.js';

const START = 'if-witness-anchor/v1';

/** The line of a checkpoint note. @throws FormatError where it is no note, or has extension lines or an origin with spaces. */
export function encodeAnchorLine(note: Uint8Array): string {
  const { text, signatures } = parseNote(note);
  const { origin, size, extensions } = parseCheckpoint(text);
  const [, , root] = text.split('\n');
  if (extensions.length > 0) throw malformed('the checkpoint has extension lines');
  if (/\s/.test(origin)) throw malformed('the origin holds white space');
  const lines = encodeNote('', signatures).split('\n').slice(1, -1);
  return [START, origin, size, root, ...lines.map((line) => line.slice(2).replace(/ (?=[^ ]*$)/, ':'))].join(' ');
}

/** Whether a text begins as such a line does. */
export function isAnchorLine(text: string): boolean {
  return /^\s*if-witness-anchor\/v1\s/.test(text);
}

/** The notes of the lines in a text, in order; each begins where its first word stands. @throws FormatError `anchor.malformed`. */
export function parseAnchorLines(text: string): string[] {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const notes: string[] = [];
  for (let at = 0; at < words.length; ) {
    if (words[at] !== START) throw malformed(`expected ${START}`);
    const next = words.indexOf(START, at + 1);
    const end = next < 0 ? words.length : next;
    notes.push(noteOf(words.slice(at + 1, end)));
    at = end;
  }
  return notes;
}

function noteOf([origin, size, root, ...signatures]: readonly string[]): string {
  if (origin === undefined || size === undefined || root === undefined || signatures.length === 0)
    throw malformed('it ends before its first signature');
  try {
    const text = `${origin}\n${size}\n${root}\n`;
    if (encodeCheckpoint(parseCheckpoint(text)) !== text) throw malformed('its checkpoint is not canonical');
    return encodeNote(text, signatures.map(signatureOf));
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw malformed(error.message, error);
  }
}

function signatureOf(word: string): NoteSignature {
  const colon = word.lastIndexOf(':');
  return parseSignatureLine(`— ${word.slice(0, Math.max(0, colon))} ${word.slice(colon + 1)}`);
}

function malformed(what: string, cause?: unknown): FormatError {
  return new FormatError(
    'anchor.malformed',
    `not an anchor line: ${what}`,
    cause === undefined ? undefined : { cause },
  );
}
