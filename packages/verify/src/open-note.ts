/** From the octets of a checkpoint note to a checkpoint that a known key signed. Untrusted input. */

import {
  encodeNote,
  FormatError,
  type ParsedCheckpoint,
  parseCheckpoint,
  parseNote,
  utf8Of,
  type VerifierKey,
} from '@infrafabric/format';
import { verifyEd25519 } from '#ed25519';

/** Why a note was not accepted. */
export type NoteFault = 'malformed' | 'unsigned' | 'signature';

/** A note as judged. */
export type OpenedNote =
  | { readonly ok: true; readonly checkpoint: ParsedCheckpoint }
  | { readonly ok: false; readonly fault: NoteFault; readonly message: string; readonly checkpoint?: ParsedCheckpoint };

/**
 * Opens a note under one key. A signature line of that key which does not verify rejects the whole note, even beside one
 * that does; a note without a line of that key is `unsigned`. Never throws.
 */
export function openNote(bytes: Uint8Array, key: VerifierKey): OpenedNote {
  const read = readNote(bytes);
  if (!('note' in read)) return read;
  const { note, checkpoint } = read;
  const ours = note.signatures.filter(({ name, keyIdHex }) => name === key.name && keyIdHex === key.keyIdHex);
  if (ours.length === 0) {
    return { ok: false, fault: 'unsigned', message: `no signature by ${key.name} (${key.keyIdHex})`, checkpoint };
  }
  const text = utf8Of(note.text);
  if (!ours.every(({ signature }) => verifyEd25519(key.publicKey, text, signature))) {
    return {
      ok: false,
      fault: 'signature',
      message: `the signature by ${key.name} (${key.keyIdHex}) does not verify`,
      checkpoint,
    };
  }
  return { ok: true, checkpoint };
}

/** Opens a note that one of some keys must have signed; a line of any of them that does not verify rejects it. @param keys not empty */
export function openUnderAny(bytes: Uint8Array, keys: readonly VerifierKey[]): OpenedNote {
  const opened = keys.map((key) => openNote(bytes, key));
  const faulty = opened.find((each) => !each.ok && each.fault === 'signature');
  return faulty ?? opened.find((each) => each.ok) ?? opened[0]!;
}

/**
 * A note as its writer stores it: without the lines of other names than the ledger's, which cosigners add. What has no line
 * of that name, or is no note, is given back as it is.
 */
export function withoutCosigners(bytes: Uint8Array, origin: string): Uint8Array {
  const read = readNote(bytes);
  if (!read.ok) return bytes;
  const { text, signatures } = read.note;
  const own = signatures.filter(({ name }) => name === origin);
  return own.length === 0 || own.length === signatures.length ? bytes : utf8Of(encodeNote(text, own));
}

/** Reads a note without checking any signature. Never throws. */
export function readNote(
  bytes: Uint8Array,
):
  | { readonly ok: true; readonly note: ReturnType<typeof parseNote>; readonly checkpoint: ParsedCheckpoint }
  | { readonly ok: false; readonly fault: 'malformed'; readonly message: string } {
  try {
    const note = parseNote(bytes);
    return { ok: true, note, checkpoint: parseCheckpoint(note.text) };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { ok: false, fault: 'malformed', message: error.message };
  }
}
