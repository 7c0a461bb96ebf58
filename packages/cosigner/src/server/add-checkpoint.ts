/** The body of an `add-checkpoint` request: `old SIZE`, a consistency proof, an empty line, a checkpoint. c2sp.org/tlog-witness. */
import { base64Of, bytesOfBase64, bytesOfHex, FormatError, hexOf } from '@infrafabric/format';

/** More hashes than any proof has. */
export const MAX_PROOF_HASHES = 63;
/** 63 hashes, and a checkpoint with a few post-quantum signatures. */
export const MAX_REQUEST_OCTETS = 16_384;

/** A request as read; nothing about it is checked. */
export interface AddCheckpoint {
  readonly oldSize: number;
  /** Hashes, hex, the lowest first. */
  readonly proof: readonly string[];
  /** Octets of the checkpoint note. */
  readonly note: Uint8Array;
}

/** The body of a request. @throws RangeError for more than 63 hashes. */
export function encodeAddCheckpoint({ oldSize, proof, note }: AddCheckpoint): Uint8Array {
  if (proof.length > MAX_PROOF_HASHES) throw new RangeError(`a proof of ${proof.length} hashes`);
  const lines = proof.map((hash) => `${base64Of(bytesOfHex(hash))}\n`);
  return Buffer.concat([Buffer.from(`old ${oldSize}\n${lines.join('')}\n`), note]);
}

/** Reads a body. @throws MalformedRequest; the note is not looked at. */
export function parseAddCheckpoint(body: Uint8Array): AddCheckpoint {
  const octets = Buffer.from(body.buffer, body.byteOffset, body.length);
  const end = octets.indexOf('\n\n');
  if (end < 0) throw malformed('no empty line before the checkpoint');
  const [first, ...hashes] = octets.subarray(0, end).toString('latin1').split('\n');
  const decimal = /^old (0|[1-9][0-9]{0,15})$/.exec(first ?? '')?.[1];
  const oldSize = Number(decimal ?? Number.NaN);
  if (!Number.isSafeInteger(oldSize)) throw malformed('the first line is not `old` and a size');
  if (hashes.length > MAX_PROOF_HASHES) throw malformed(`more than ${MAX_PROOF_HASHES} hashes`);
  return { oldSize, proof: hashes.map(hashOf), note: octets.subarray(end + 2) };
}

function hashOf(line: string): string {
  try {
    const hash = bytesOfBase64(line);
    if (hash.length === 32) return hexOf(hash);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
  throw malformed('a line of the proof is not the base64 of 32 octets');
}

function malformed(what: string): MalformedRequest {
  return new MalformedRequest(what);
}

/** Not a request of this protocol. */
export class MalformedRequest extends Error {
  override readonly name = 'MalformedRequest';
}
