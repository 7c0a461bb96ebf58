/**
 * A proof file: that one entry is among those which a checkpoint covers. Needs the entry's octets and a key, no ledger.
 * docs/format.md §Proof. Never throws for what a file holds.
 */
import {
  type Entry,
  FormatError,
  leafHashHex,
  parseEntry,
  parseTlogProof,
  rootOfInclusionProof,
  type TlogProof,
  textOfUtf8,
  type VerifierKey,
} from '@infrafabric/format';
import { openNote, readNote } from './open-note.js';

/** Stable codes of what can be wrong with a proof. */
export type ProofProblemCode =
  | 'proof.malformed'
  | 'proof.index'
  | 'proof.root'
  | 'checkpoint.malformed'
  | 'checkpoint.unsigned'
  | 'checkpoint.signature'
  | 'key.origin'
  | 'entry.octets'
  | 'entry.malformed'
  | 'entry.seq';

/** One finding. */
export interface ProofProblem {
  readonly code: ProofProblemCode;
  readonly message: string;
}

/** What a proof was found to be. */
export interface ProofReport {
  readonly verdict: 'VALID' | 'INCOMPLETE' | 'INVALID';
  readonly code: 'valid.included' | 'incomplete.self-asserted-key' | 'invalid';
  /** 0 valid, 1 invalid, 3 could not tell. */
  readonly exitCode: 0 | 1 | 3;
  /** Place of the entry; undefined where the file is no proof. */
  readonly index: number | undefined;
  readonly leafHex: string | undefined;
  readonly checkpoint: { readonly origin: string; readonly size: number; readonly rootHex: string } | undefined;
  readonly entry: Entry | undefined;
  /** Octets of `extra`, which nothing vouches for. */
  readonly extraOctets: number;
  readonly problems: readonly ProofProblem[];
  /** What the proof does not say, in sentences. */
  readonly notVouchedFor: readonly string[];
}

const LIMITS: readonly string[] = [
  'that nothing was left out: a proof is about one entry',
  'what stands before it: that its `prev` is the entry before, and every rule of the chain, takes the ledger',
  'its payload: the entry binds it by a digest, and a bundle carries it',
  'whoever holds the private key can sign another history; only anchors and witnesses show that',
];

/** Judges a proof file of an entry under a key; undefined when none is held. */
export function judgeProof(file: Uint8Array, entryOctets: Uint8Array, key: VerifierKey | undefined): ProofReport {
  const problems: ProofProblem[] = [];
  const add = (code: ProofProblemCode, message: string): void => void problems.push({ code, message });
  const proof = attempt(
    () => parseTlogProof(file),
    (message) => add('proof.malformed', message),
  );
  const text = attempt(
    () => textOfUtf8(entryOctets),
    (message) => add('entry.octets', `the entry: ${message}`),
  );
  const entry = attempt(
    () => (text === undefined ? undefined : parseEntry(text)),
    (message) => add('entry.malformed', message),
  );
  const leafHex = text === undefined ? undefined : leafHashHex(text);
  if (proof !== undefined && entry !== undefined && entry.seq !== proof.index)
    add('entry.seq', `the entry says that it is entry ${entry.seq}, the proof is one of entry ${proof.index}`);
  const checkpoint = proof === undefined ? undefined : judgeCheckpoint(proof, key, add);
  if (proof !== undefined && checkpoint !== undefined && leafHex !== undefined)
    judgeHashes(proof, checkpoint, leafHex, add);
  const code = problems.length > 0 ? 'invalid' : key === undefined ? 'incomplete.self-asserted-key' : 'valid.included';
  const verdict = code === 'invalid' ? 'INVALID' : code === 'valid.included' ? 'VALID' : 'INCOMPLETE';
  return {
    verdict,
    code,
    exitCode: verdict === 'VALID' ? 0 : verdict === 'INVALID' ? 1 : 3,
    index: proof?.index,
    leafHex,
    checkpoint,
    entry,
    extraOctets: proof?.extra?.length ?? 0,
    problems,
    notVouchedFor: LIMITS,
  };
}

type Add = (code: ProofProblemCode, message: string) => void;
type Checkpoint = NonNullable<ProofReport['checkpoint']>;

function judgeCheckpoint(proof: TlogProof, key: VerifierKey | undefined, add: Add): Checkpoint | undefined {
  // A key that nobody holds finds no line: what is left is whether the note is one.
  const opened = openNote(proof.checkpoint, key ?? NOBODY);
  if (!opened.ok && opened.fault === 'malformed') add('checkpoint.malformed', opened.message);
  else if (!opened.ok && key !== undefined)
    add(
      opened.fault === 'unsigned' ? 'checkpoint.unsigned' : 'checkpoint.signature',
      `the checkpoint: ${opened.message}${opened.fault === 'unsigned' ? otherKeyHint(proof, key) : ''}`,
    );
  const { checkpoint } = opened;
  if (checkpoint === undefined) return undefined;
  const { origin, size, rootHex } = checkpoint;
  if (key !== undefined && key.name !== origin)
    add('key.origin', `the checkpoint is that of ${origin}, the key that of ${key.name}`);
  return { origin, size, rootHex };
}

/** A proof takes the key of its checkpoint's epoch: which that is, its line says, which nobody has checked. */
function otherKeyHint({ checkpoint }: TlogProof, { name }: VerifierKey): string {
  const read = readNote(checkpoint);
  const line = read.ok ? read.note.signatures.find((signature) => signature.name === name) : undefined;
  if (line === undefined) return '';
  return `; it says that the key ${line.keyIdHex} of this ledger signed it: where the key was rotated, hold that one`;
}

const NOBODY: VerifierKey = { name: '', keyIdHex: '', publicKey: new Uint8Array(32) };

function judgeHashes({ index, hashes }: TlogProof, { size, rootHex }: Checkpoint, leafHex: string, add: Add): void {
  const root = rootOfInclusionProof(index, size, leafHex, hashes);
  if (index >= size) add('proof.index', `there is no entry ${index} among the ${size} that the checkpoint covers`);
  else if (root === undefined)
    add('proof.root', `${hashes.length} hashes are not as many as lead from entry ${index} to the root of ${size}`);
  else if (root !== rootHex)
    add('proof.root', 'entry and hashes do not lead to the root that was signed: at least one of them is another');
}

function attempt<T>(read: () => T, failed: (message: string) => void): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    failed(error.message);
    return undefined;
  }
}
