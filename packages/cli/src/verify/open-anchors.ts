/** Anchor files of `verify --anchor`: checkpoint notes that somebody kept elsewhere. */
import { readFileSync, statSync } from 'node:fs';
import { MAX_NOTE_OCTETS, type VerifierKey } from '@infrafabric/format';
import { type KeyEpochs, openAnchor, type VouchedRoot, vouchingKeys } from '@infrafabric/verify';
import { CliError } from '../cli-error.js';

/**
 * The roots that anchor files vouch for. A file that no known key of this ledger signed says nothing about the ledger: exit
 * code 2, never INVALID, else anybody could discredit a good one. @throws CliError `io`, `not-an-anchor`.
 */
export function openAnchors(
  files: readonly string[],
  key: VerifierKey | undefined,
  alsoHeld: readonly VerifierKey[] = [],
  epochs?: KeyEpochs,
): VouchedRoot[] {
  return files.map((file) => {
    const note = readAnchor(file);
    if (key === undefined) {
      throw new CliError('not-an-anchor', `${file} cannot be told to be an anchor of this ledger: no key is held`, {
        hint: 'give the key with --key',
      });
    }
    const opened = openAnchor(note, key, file, vouchingKeys(key, alsoHeld, epochs));
    if (opened.ok) return opened.root;
    throw new CliError('not-an-anchor', `${file} is ${opened.message}`);
  });
}

function readAnchor(file: string): Uint8Array {
  try {
    if (statSync(file).size > MAX_NOTE_OCTETS) throw new RangeError(`it has more than ${MAX_NOTE_OCTETS} octets`);
    return readFileSync(file);
  } catch (cause) {
    throw new CliError('io', `the anchor cannot be read: ${(cause as Error).message}`, { cause });
  }
}
