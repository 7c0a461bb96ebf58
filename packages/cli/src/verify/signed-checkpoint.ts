/** A checkpoint that goes out as evidence: stored, signed by a key that is held, and not that of an older copy. */
import type { LedgerReader } from '@infrafabric/ledger/reader';
import { openNote, otherKeyIdsOf, readNote } from '@infrafabric/verify/proof';
import { CliError } from '../cli-error.js';
import { type ChosenKey, keyOfFlag } from './choose-key.js';
import { localKeyOfNote } from './local-key-of-note.js';
import { requireNotBehindHead } from './not-behind-head.js';

/** A stored note that a held key signed. */
export interface SignedCheckpoint {
  readonly note: Uint8Array;
  readonly origin: string;
  readonly size: number;
  readonly rootHex: string;
  readonly chosen: ChosenKey;
}

/** Where to look, and what for. */
export interface Asked {
  readonly home: string;
  readonly ledger: string;
  /** Value of `--key`. */
  readonly key: string | undefined;
  /** Size of the checkpoint; undefined for the newest. */
  readonly size?: number | undefined;
}

/**
 * The newest checkpoint, or the stored one of a size, after checking its signature. The key is that of the flag, else the one
 * of the witness home that signed it. @throws CliError `ledger` (exit code 1), `no-key` (3), `not-found` (1).
 */
export function signedCheckpoint(reader: LedgerReader, asked: Asked): SignedCheckpoint {
  const newest = checkpointOf(reader.newestNote(), asked.ledger);
  requireNotBehindHead(asked.ledger, newest.origin, newest.size);
  const note =
    asked.size === undefined || asked.size === newest.size ? newest.note : noteOfSize(reader, asked.size, newest.size);
  const { origin, size, rootHex } = checkpointOf(note, asked.ledger);
  const chosen = keyThatSigned(note, origin, asked);
  const opened = openNote(note, chosen.key);
  if (!opened.ok || origin !== chosen.key.name) {
    const why = opened.ok ? `it is that of ${origin}` : opened.message;
    throw new CliError('ledger', `the checkpoint of size ${size} is not one to give out: ${why}`, {
      hint: hintFor(note, chosen),
      exitCode: 1,
    });
  }
  return { note, origin, size, rootHex, chosen };
}

/** A key that was changed by a rotation is no reason to suspect the ledger. */
function hintFor(note: Uint8Array, { key }: ChosenKey): string {
  const ids = otherKeyIdsOf(note, key);
  if (ids.length === 0) return 'run if-witness verify';
  return `it is signed by key ${ids.join(' and ')} of that name: if the key was changed, run if-witness verify, then give the key of that time, which if-witness keys list has`;
}

function checkpointOf(
  note: Uint8Array | undefined,
  ledger: string,
): { note: Uint8Array; origin: string; size: number; rootHex: string } {
  const read = note === undefined ? undefined : readNote(note);
  if (note !== undefined && read?.ok === true) return { ...read.checkpoint, note };
  const what = read === undefined ? 'there is no checkpoint' : 'the newest checkpoint is damaged';
  throw new CliError('ledger', `${what} in ${ledger}`, { hint: 'run if-witness verify', exitCode: 1 });
}

function noteOfSize(reader: LedgerReader, size: number, newest: number): Uint8Array {
  const [next] = [...take(reader.checkpoints(size))];
  if (next?.size === size && next.note !== null) return next.note;
  const hint = next === undefined ? `the newest is of ${newest} entries` : `the next one is of ${next.size} entries`;
  throw new CliError('not-found', `no checkpoint of ${size} entries is stored`, { hint, exitCode: 1 });
}

function* take<T>(chunks: Iterable<readonly T[]>): Generator<T> {
  for (const [first] of chunks) {
    if (first !== undefined) yield first;
    return;
  }
}

function keyThatSigned(note: Uint8Array, origin: string, { home, key }: Asked): ChosenKey {
  if (key !== undefined) return keyOfFlag(key);
  const chosen = localKeyOfNote(home, origin, note);
  if (chosen !== undefined) return chosen;
  throw new CliError('no-key', 'no key is held that could check the checkpoint', {
    hint: 'give it with --key',
    exitCode: 3,
  });
}
