/**
 * The keys of a bundle: from the one that genesis names over those of the rotations that it carries to the one that signed its
 * checkpoint. Every note must have the lines of the keys of its size. docs/format.md §rotation, §Bundle.
 */
import { FormatError, parseVkey, type VerifierKey } from '@infrafabric/format';
import type { BundleProblems } from './bundle-report.js';
import { openNote, readNote } from './open-note.js';

/** What the entries of a bundle say of its keys. */
export interface BundleKeyFacts {
  readonly origin: string;
  /** Vkey that genesis names; undefined where it is not there. */
  readonly genesisVkey: unknown;
  /** Rotations in order: where, and the vkey that each names. */
  readonly rotations: readonly { readonly seq: number; readonly vkey: unknown }[];
  /** The older checkpoints and the newest, by size. */
  readonly notes: ReadonlyMap<number, Uint8Array>;
}

/** The time of one key. */
interface Epoch {
  readonly key: VerifierKey | undefined;
  readonly fault: string | undefined;
  /** Size of the checkpoint that closes it; infinite for the newest. */
  readonly closing: number;
}

/** What came of it. */
export interface BundleKeyFindings {
  readonly signaturesChecked: number;
  readonly newestKeyIdHex: string | undefined;
  readonly reachedByRotations: number | undefined;
  /** Keys that may have signed what vouches for this ledger from outside, by its size. */
  readonly keysOf: (size: number) => readonly VerifierKey[];
}

/** Judges them under the held key; under the one that genesis names, where none is held. */
export function judgeBundleKeys(
  facts: BundleKeyFacts,
  held: VerifierKey | undefined,
  problems: BundleProblems,
): BundleKeyFindings {
  const epochs = epochsOf(facts);
  judgeRotations(facts, epochs, problems);
  const at = held === undefined ? 0 : epochs.findIndex(({ key }) => key !== undefined && isSame(key, held));
  if (held !== undefined && held.name !== facts.origin)
    problems.add('key.origin', `the bundle is of ${facts.origin}, the key that of ${held.name}`);
  else if (at < 0 && facts.genesisVkey !== undefined)
    problems.add('key.origin', 'the key that is held is none that genesis or a rotation names');
  if (held === undefined && epochs[0]!.key === undefined && facts.genesisVkey !== undefined)
    problems.add('genesis.malformed', `the key that genesis names: ${epochs[0]!.fault}`, 0);
  // A key that the ledger never had is taken at its word: then nothing that is here is signed by it.
  const judgedBy =
    at < 0 && held !== undefined ? [{ key: held, fault: undefined, closing: Number.POSITIVE_INFINITY }] : epochs;
  let signaturesChecked = 0;
  const judge = new NoteJudge(judgedBy, problems);
  for (const [size, note] of facts.notes) if (judge.judge(size, note)) signaturesChecked++;
  return {
    signaturesChecked,
    newestKeyIdHex: epochs.at(-1)!.key?.keyIdHex,
    reachedByRotations: held === undefined || at < 0 ? undefined : epochs.length - 1 - at,
    keysOf: (size) => {
      const reached = at < 0 ? [] : signersOf(epochs, size).filter((key) => key !== undefined);
      return held === undefined ? reached : [held, ...reached.filter((key) => !isSame(key, held))];
    },
  };
}

function epochsOf({ genesisVkey, rotations }: BundleKeyFacts): readonly [Epoch, ...Epoch[]] {
  const epoch = (named: unknown, i: number): Epoch => ({
    ...usableKey(named),
    closing: rotations[i] === undefined ? Number.POSITIVE_INFINITY : rotations[i].seq + 1,
  });
  return [epoch(genesisVkey, 0), ...rotations.map(({ vkey }, i) => epoch(vkey, i + 1))];
}

function usableKey(named: unknown): Pick<Epoch, 'key' | 'fault'> {
  if (typeof named !== 'string' || named.length > 512) return { key: undefined, fault: 'it names no key' };
  try {
    return { key: parseVkey(named), fault: undefined };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { key: undefined, fault: error.message };
  }
}

function judgeRotations(
  { origin, rotations, notes }: BundleKeyFacts,
  epochs: readonly Epoch[],
  problems: BundleProblems,
): void {
  const used = new Set([epochs[0]!.key?.keyIdHex]);
  for (const [i, { seq }] of rotations.entries()) {
    const { key, fault } = epochs[i + 1]!;
    const what =
      key === undefined
        ? fault
        : key.name !== origin
          ? `its name is ${key.name}`
          : used.has(key.keyIdHex)
            ? `an earlier key of this ledger has the key id ${key.keyIdHex} too`
            : undefined;
    if (what !== undefined)
      problems.add('rotation.key', `entry ${seq} cannot hand over to the key that it names: ${what}`, seq);
    used.add(key?.keyIdHex);
    if (!notes.has(seq + 1))
      problems.add(
        'rotation.batch',
        `no checkpoint follows the rotation in entry ${seq}, which would close its epoch`,
        seq,
      );
  }
}

/** The keys whose lines a note of a size has: one, or two where it closes an epoch. */
function signersOf(epochs: readonly Epoch[], size: number): readonly (VerifierKey | undefined)[] {
  // The first epoch that is not closed before it.
  let [low, high] = [0, epochs.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (epochs[middle]!.closing >= size) high = middle;
    else low = middle + 1;
  }
  return epochs[low]!.closing === size ? [epochs[low]!.key, epochs[low + 1]!.key] : [epochs[low]!.key];
}

/** Judges notes by the epochs of their sizes. */
class NoteJudge {
  readonly #epochs: readonly Epoch[];
  readonly #problems: BundleProblems;
  /** A file may name any number of keys: they are looked up by id. */
  readonly #byId: ReadonlyMap<string, VerifierKey>;

  constructor(epochs: readonly Epoch[], problems: BundleProblems) {
    this.#epochs = epochs;
    this.#problems = problems;
    this.#byId = new Map(epochs.flatMap(({ key }) => (key === undefined ? [] : [[key.keyIdHex, key]])));
  }

  /** Whether there was a key to check it by. */
  judge(size: number, note: Uint8Array): boolean {
    const signers = signersOf(this.#epochs, size);
    // What names no usable key was said.
    if (!signers.every((key) => key !== undefined)) return false;
    const seq = Math.max(0, size - 1);
    for (const key of signers) {
      const opened = openNote(note, key);
      if (opened.ok) continue;
      const code = opened.fault === 'unsigned' ? 'checkpoint.unsigned' : 'checkpoint.signature';
      this.#problems.add(
        signers.length > 1 ? 'rotation.signature' : code,
        `the checkpoint of size ${size}: ${opened.message}`,
        seq,
      );
    }
    this.#judgeOtherLines(size, note, signers);
    return true;
  }

  /** A key signs in its own epoch only. Lines of keys that are none of the ledger's are nobody's claim about it. */
  #judgeOtherLines(size: number, note: Uint8Array, signers: readonly VerifierKey[]): void {
    const read = readNote(note);
    if (!read.ok) return;
    for (const { name, keyIdHex } of read.note.signatures) {
      const key = this.#byId.get(keyIdHex);
      if (key === undefined || key.name !== name || signers.some((signer) => isSame(signer, key))) continue;
      const message = `the checkpoint of size ${size} has a line of the key ${keyIdHex}, whose epoch is another`;
      this.#problems.add('checkpoint.signature', message, Math.max(0, size - 1));
    }
  }
}

function isSame(a: VerifierKey, b: VerifierKey): boolean {
  return a.name === b.name && a.publicKey.every((octet, i) => octet === b.publicKey[i]);
}
