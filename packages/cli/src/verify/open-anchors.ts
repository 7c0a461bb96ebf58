/** Anchors of `verify --anchor`: checkpoint notes that somebody kept elsewhere, as notes or as lines. */
import { readFileSync, statSync } from 'node:fs';
import {
  FormatError,
  isAnchorLine,
  MAX_NOTE_OCTETS,
  type Policy,
  parseAnchorLines,
  utf8Of,
  type VerifierKey,
} from '@infrafabric/format';
import { type KeyEpochs, openAnchor, type VouchedRoot, vouchingKeys } from '@infrafabric/verify';
import { CliError } from '../cli-error.js';

/** Room for years of lines. */
const MAX_LINES_OCTETS = 64 * 1024 * 1024;

/**
 * The roots that anchors vouch for. One that no known key of this ledger signed says nothing about the ledger: exit code 2,
 * never INVALID, else anybody could discredit a good one. @param given files, or lines as `anchor --line` prints them
 * @throws CliError `io`, `input`, `not-an-anchor`.
 */
export function openAnchors(
  given: readonly string[],
  key: VerifierKey | undefined,
  alsoHeld: readonly VerifierKey[] = [],
  epochs?: KeyEpochs,
  policy?: Policy,
): VouchedRoot[] {
  return given.flatMap((anchor) => {
    const { name, notes } = isAnchorLine(anchor)
      ? { name: 'given as a line', notes: notesOf(anchor, 'the line of --anchor') }
      : { name: anchor, notes: readAnchors(anchor) };
    if (key === undefined) {
      throw new CliError('not-an-anchor', `${anchor} cannot be told to be an anchor of this ledger: no key is held`, {
        hint: 'give the key with --key',
      });
    }
    return notes.map((note) => {
      const opened = openAnchor(note, key, name, vouchingKeys(key, alsoHeld, epochs), policy);
      if (opened.ok) return opened.root;
      throw new CliError('not-an-anchor', `${name} is ${opened.message}`);
    });
  });
}

function readAnchors(file: string): Uint8Array[] {
  let octets: Uint8Array;
  try {
    const { size } = statSync(file);
    if (size > MAX_LINES_OCTETS) throw new RangeError(`it has more than ${MAX_LINES_OCTETS} octets`);
    octets = readFileSync(file);
    if (size > MAX_NOTE_OCTETS && !startsAsLine(octets))
      throw new RangeError(`it has more than ${MAX_NOTE_OCTETS} octets`);
  } catch (cause) {
    throw new CliError('io', `the anchor cannot be read: ${(cause as Error).message}`, { cause });
  }
  return startsAsLine(octets) ? notesOf(Buffer.from(octets).toString('utf8'), file) : [octets];
}

function startsAsLine(octets: Uint8Array): boolean {
  return isAnchorLine(Buffer.from(octets.subarray(0, 200)).toString('utf8'));
}

function notesOf(text: string, from: string): Uint8Array[] {
  try {
    return parseAnchorLines(text).map(utf8Of);
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    throw new CliError('input', `${from}: ${cause.message}`, { cause, hint: 'was the line cut?' });
  }
}
