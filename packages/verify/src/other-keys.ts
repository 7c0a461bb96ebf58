/** Whether a note that a key did not sign has lines of its name by others: a ledger's keys from before or after a rotation. */
import type { VerifierKey } from '@infrafabric/format';
import { readNote } from './open-note.js';

/** Ids, hex, of lines by the name of a key that are not its own; nothing about them is verified. Never throws. */
export function otherKeyIdsOf(note: Uint8Array, { name, keyIdHex }: VerifierKey): string[] {
  const read = readNote(note);
  const lines = read.ok ? read.note.signatures : [];
  return lines.filter((line) => line.name === name && line.keyIdHex !== keyIdHex).map((line) => line.keyIdHex);
}
