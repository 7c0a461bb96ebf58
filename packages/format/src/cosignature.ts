/**
 * C2SP tlog-cosignature, its Ed25519 form: what a cosigner signs about a checkpoint, and how the time of it travels with the
 * signature. ML-DSA-44 lines (type 0x06) are passed over like those of any unknown key. Source: c2sp.org/tlog-cosignature.
 */
import { concatBytes, utf8Of } from './bytes.js';
import { FormatError } from './format-error.js';

/** A cosignature as it stands in a signature line behind the key id; nothing about it is verified. */
export interface Cosignature {
  /** When the cosigner signed, by its clock: seconds since the Unix epoch, 1 to 2^53 − 1. */
  readonly timeUnixS: number;
  /** Ed25519, 64 octets. */
  readonly signature: Uint8Array;
}

/** What is signed: that this is the largest tree the cosigner had seen of that log at that time. `text` is the note's. */
export function cosignedMessage(timeUnixS: number, text: string): Uint8Array {
  return utf8Of(`cosignature/v1\ntime ${timeUnixS}\n${text}`);
}

/** Time, big-endian, and signature: 72 octets. */
export function encodeCosignature({ timeUnixS, signature }: Cosignature): Uint8Array {
  const time = new Uint8Array(8);
  new DataView(time.buffer).setBigUint64(0, BigInt(timeUnixS));
  return concatBytes(time, signature);
}

/**
 * Reads what follows the key id. @throws FormatError `cosignature.malformed` unless it has 72 octets and a time that is not 0
 * (which a cosigner of whole trees never signs) and below 2^53.
 */
export function parseCosignature(octets: Uint8Array): Cosignature {
  if (octets.length !== 72) throw new FormatError('cosignature.malformed', 'a cosignature has 72 octets');
  const time = new DataView(octets.buffer, octets.byteOffset, 8).getBigUint64(0);
  if (time === 0n || time > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new FormatError('cosignature.malformed', `a cosignature of the impossible time ${time}`);
  }
  return { timeUnixS: Number(time), signature: octets.slice(8) };
}
