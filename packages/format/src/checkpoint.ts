/**
 * C2SP tlog-checkpoint: the text of a signed note that commits to a whole tree.
 * `origin\nsize\nbase64(root)\n`; extension lines are accepted and never written. Source: c2sp.org/tlog-checkpoint.
 */
import { base64Of, bytesOfBase64, bytesOfHex, hexOf } from './bytes.js';
import { FormatError } from './format-error.js';

/** A tree head. */
export interface Checkpoint {
  readonly origin: string;
  /** Number of entries, 0…2^53−1. */
  readonly size: number;
  /** Merkle tree hash of the first `size` entries, hex. */
  readonly rootHex: string;
}

/** A checkpoint as parsed. */
export interface ParsedCheckpoint extends Checkpoint {
  readonly extensions: readonly string[];
}

/** The text that is signed. */
export function encodeCheckpoint({ origin, size, rootHex }: Checkpoint): string {
  return `${origin}\n${size}\n${base64Of(bytesOfHex(rootHex))}\n`;
}

/** Reads the text of a checkpoint note. @throws FormatError `checkpoint.malformed`. */
export function parseCheckpoint(text: string): ParsedCheckpoint {
  const lines = text.split('\n');
  if (lines.pop() !== '' || lines.length < 3) throw malformed('fewer than three lines');
  if (lines.includes('')) throw malformed('an empty line');
  const [origin, decimal, root, ...extensions] = lines as [string, string, string, ...string[]];
  const size = /^(0|[1-9][0-9]{0,15})$/.test(decimal) ? Number(decimal) : Number.NaN;
  if (!Number.isSafeInteger(size))
    throw malformed('the size is not a decimal integer below 2^53 without leading zeros');
  let hash: Uint8Array;
  try {
    hash = bytesOfBase64(root);
  } catch (cause) {
    throw malformed('the root is not canonical base64', cause);
  }
  if (hash.length !== 32) throw malformed('the root is not 32 octets');
  return { origin, size, rootHex: hexOf(hash), extensions };
}

/**
 * Whether a text can be the origin of one of our ledgers: 1 to 255 printable ASCII characters without space or `+`.
 * The origin names the ledger, its key and whatever else belongs to it.
 */
export function isOrigin(origin: string): boolean {
  return /^[!-*,-~]{1,255}$/.test(origin);
}

function malformed(what: string, cause?: unknown): FormatError {
  return new FormatError(
    'checkpoint.malformed',
    `not a checkpoint: ${what}`,
    cause === undefined ? undefined : { cause },
  );
}
