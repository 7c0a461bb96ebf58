/**
 * C2SP tlog-proof: that an entry is in a log, in one file which needs nothing else but the entry and the log's key.
 * `c2sp.org/tlog-proof@v1`, optional `extra`, `index N`, the hashes of an inclusion proof, an empty line, the checkpoint.
 * Source: c2sp.org/tlog-proof. Untrusted input; docs/format.md §Proof says where this parser is stricter.
 */
import { base64Of, bytesOfBase64, bytesOfHex, concatBytes, hexOf, textOfUtf8, utf8Of } from './bytes.js';
import { FormatError } from './format-error.js';
import { MAX_NOTE_OCTETS } from './note.js';

const HEADER = 'c2sp.org/tlog-proof@v1';
/** No tree that JavaScript can count has a longer path. */
const MAX_HASHES = 53;
/** `extra` is at most this many octets: an entry fits. */
export const MAX_EXTRA_OCTETS = 65_535;
/** A proof file is at most this many octets. */
export const MAX_PROOF_OCTETS: number = MAX_NOTE_OCTETS + 100_000;

/** A proof file as parsed; nothing about it is verified. */
export interface TlogProof {
  /** Whatever its maker put in. Nothing vouches for it. */
  readonly extra?: Uint8Array;
  /** Place of the entry in the log, from 0. */
  readonly index: number;
  /** The inclusion proof, hex, from the leaf's sibling up. */
  readonly hashes: readonly string[];
  /** Octets of the checkpoint note, to be read by {@link parseNote}. */
  readonly checkpoint: Uint8Array;
}

/** The octets of a proof file. @throws RangeError when it could not be parsed again. */
export function encodeTlogProof({ extra, index, hashes, checkpoint }: TlogProof): Uint8Array {
  if (!Number.isSafeInteger(index) || index < 0) throw new RangeError(`not a place in a log: ${index}`);
  if (hashes.length > MAX_HASHES) throw new RangeError(`a proof has at most ${MAX_HASHES} hashes`);
  if (checkpoint.length > MAX_NOTE_OCTETS) throw new RangeError(`a checkpoint has at most ${MAX_NOTE_OCTETS} octets`);
  if (extra !== undefined && (extra.length === 0 || extra.length > MAX_EXTRA_OCTETS))
    throw new RangeError(`extra has 1 to ${MAX_EXTRA_OCTETS} octets, or is left out`);
  const lines = [HEADER, ...(extra === undefined ? [] : [`extra ${base64Of(extra)}`]), `index ${index}`];
  for (const hash of hashes) {
    if (hash.length !== 64) throw new RangeError('a hash has 32 octets');
    lines.push(base64Of(bytesOfHex(hash)));
  }
  return concatBytes(utf8Of(`${lines.join('\n')}\n\n`), checkpoint);
}

/** Reads a proof file. @throws FormatError `proof.malformed`, `proof.too-large`. */
export function parseTlogProof(octets: Uint8Array): TlogProof {
  if (octets.length > MAX_PROOF_OCTETS)
    throw new FormatError('proof.too-large', `a proof has at most ${MAX_PROOF_OCTETS} octets`);
  const reader = new LineReader(octets);
  if (reader.line() !== HEADER) throw malformed(`the first line is not ${HEADER}`);
  let line = reader.line();
  let extra: Uint8Array | undefined;
  if (line.startsWith('extra ')) {
    extra = base64(line.slice(6), 'extra');
    if (extra.length === 0 || extra.length > MAX_EXTRA_OCTETS)
      throw malformed(`extra does not have 1 to ${MAX_EXTRA_OCTETS} octets`);
    line = reader.line();
  }
  const [, decimal] = /^index (0|[1-9][0-9]{0,15})$/.exec(line) ?? [];
  const index = Number(decimal);
  if (!Number.isSafeInteger(index)) throw malformed('there is no index, or it is not a decimal below 2^53');
  const hashes: string[] = [];
  for (line = reader.line(); line !== ''; line = reader.line()) {
    const hash = base64(line, 'a hash');
    if (hash.length !== 32) throw malformed('a hash does not have 32 octets');
    if (hashes.push(hexOf(hash)) > MAX_HASHES) throw malformed(`more than ${MAX_HASHES} hashes`);
  }
  return { ...(extra === undefined ? {} : { extra }), index, hashes, checkpoint: reader.rest() };
}

class LineReader {
  readonly #octets: Uint8Array;
  #at = 0;

  constructor(octets: Uint8Array) {
    this.#octets = octets;
  }

  line(): string {
    const end = this.#octets.indexOf(0x0a, this.#at);
    if (end < 0) throw malformed('it ends before its checkpoint');
    const octets = this.#octets.subarray(this.#at, end);
    this.#at = end + 1;
    try {
      return textOfUtf8(octets);
    } catch (cause) {
      throw malformed('it is not UTF-8', cause);
    }
  }

  rest(): Uint8Array {
    return this.#octets.slice(this.#at);
  }
}

function base64(text: string, what: string): Uint8Array {
  try {
    return bytesOfBase64(text);
  } catch (cause) {
    throw malformed(`${what} is not canonical base64`, cause);
  }
}

function malformed(what: string, cause?: unknown): FormatError {
  return new FormatError('proof.malformed', `not a tlog-proof: ${what}`, cause === undefined ? undefined : { cause });
}
