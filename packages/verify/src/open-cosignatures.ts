/** From the signature lines under a checkpoint to the cosigners that really signed it. Untrusted input; c2sp.org/tlog-cosignature. */
import {
  cosignedMessage,
  FormatError,
  type NoteSignature,
  parseCosignature,
  type VerifierKey,
} from '@infrafabric/format';
import { verifyEd25519 } from '#ed25519';

/** A cosignature that verifies. */
export interface OpenedCosignature<K extends VerifierKey = VerifierKey> {
  readonly key: K;
  /** By the cosigner's clock, seconds since the Unix epoch. */
  readonly timeUnixS: number;
  readonly line: NoteSignature;
}

/** Lines as opened. */
export interface OpenedCosignatures<K extends VerifierKey = VerifierKey> {
  readonly cosigned: readonly OpenedCosignature<K>[];
  /** Lines of a known key, by name and key id, that do not verify, and why. */
  readonly failed: readonly { readonly key: K; readonly message: string }[];
  /** Lines of other keys, whatever they are; the log's own is one of them. */
  readonly unknown: number;
}

/** Opens the lines under the text of a checkpoint, its final newline included, by the keys of cosigners. Never throws. */
export function openCosignatures<K extends VerifierKey>(
  text: string,
  lines: readonly NoteSignature[],
  keys: readonly K[],
): OpenedCosignatures<K> {
  const cosigned: OpenedCosignature<K>[] = [];
  const failed: { key: K; message: string }[] = [];
  let unknown = 0;
  for (const line of lines) {
    const known = keys.filter(({ name, keyIdHex }) => name === line.name && keyIdHex === line.keyIdHex);
    if (known.length === 0) unknown++;
    // Two keys can share name and id; then a line that is one's is not the other's.
    const opened = known.map((key) => openCosignature(text, line, key));
    const good = opened.find((result) => typeof result !== 'string');
    if (good !== undefined) cosigned.push(good);
    else if (known[0] !== undefined) failed.push({ key: known[0], message: String(opened[0]) });
  }
  return { cosigned, failed, unknown };
}

function openCosignature<K extends VerifierKey>(
  text: string,
  line: NoteSignature,
  key: K,
): OpenedCosignature<K> | string {
  try {
    const { timeUnixS, signature } = parseCosignature(line.signature);
    if (verifyEd25519(key.publicKey, cosignedMessage(timeUnixS, text), signature)) return { key, timeUnixS, line };
    return `the cosignature by ${key.name} (${key.keyIdHex}) does not verify`;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return `the cosignature by ${key.name} (${key.keyIdHex}): ${error.message}`;
  }
}
