/**
 * The keys of a ledger, one after the other, and which of them must have signed a checkpoint of which size. Pure.
 * docs/format.md §rotation, §Keys.
 */
import { encodeVkey, FormatError, parseEntry, parseVkey, type VerifierKey } from '@infrafabric/format';
import { openNote, readNote } from './open-note.js';
import type { ProblemSink } from './report.js';
import type { ChainSource } from './source.js';

/** A rotation entry as found in the chain. */
export interface RotationFound {
  readonly seq: number;
  /** Text of the key that it names; undefined when it names none. Never trusted by itself. */
  readonly key: string | undefined;
  /** A checkpoint follows it at once. */
  readonly closed: boolean;
}

/** The time of one key. */
export interface KeyEpoch {
  /** Undefined where what the ledger names is no usable key. */
  readonly key: VerifierKey | undefined;
  /** Why there is no usable key. */
  readonly fault: string | undefined;
  /** Size of the checkpoint that closes the epoch, which the next key signs too; infinite for the newest. */
  readonly closing: number;
}

/** From the key of `genesis` to the newest; at least one. Plain data that can cross threads. */
export type KeyEpochs = readonly [KeyEpoch, ...KeyEpoch[]];

/** Longer than any vkey: a file must not choose how much memory its verification takes. */
const MAX_VKEY_LENGTH = 512;

/** The key that a rotation's text names. */
export function rotationKey(body: { readonly key?: unknown } | undefined): string | undefined {
  const key = body?.key;
  return typeof key === 'string' && key.length <= MAX_VKEY_LENGTH ? key : undefined;
}

/** The epochs that a ledger's entries make. @param rotations in order of seq */
export function keyEpochs(
  genesisVkey: string | undefined,
  rotations: readonly Pick<RotationFound, 'seq' | 'key'>[],
): KeyEpochs {
  const epoch = (named: string | undefined, i: number): KeyEpoch => ({
    ...usableKey(named),
    closing: rotations[i] === undefined ? Number.POSITIVE_INFINITY : rotations[i].seq + 1,
  });
  return [epoch(genesisVkey, 0), ...rotations.map(({ key }, i) => epoch(key, i + 1))];
}

/** One key for the whole ledger. */
export function onlyKey(key: VerifierKey): KeyEpochs {
  return [{ key, fault: undefined, closing: Number.POSITIVE_INFINITY }];
}

/**
 * What a ledger says of its keys before its chain was judged: from an index, so to be used only to look for the key that
 * signed something else. Undefined when it cannot be told.
 */
export function claimedEpochs(source: ChainSource): KeyEpochs | undefined {
  try {
    const [genesis] = [...source.entries(0, 1)].flat();
    if (typeof genesis?.[1] !== 'string') return undefined;
    const rotations = (source.rotations?.() ?? []).map(([seq, text]) => ({
      seq,
      // Where something else than text is stored, it says so of itself.
      key: rotationKey(parseEntry(String(text)).body),
    }));
    return keyEpochs(rotationKey(parseEntry(genesis[1]).body), rotations);
  } catch (error) {
    if (error instanceof FormatError || (error as { code?: unknown }).code === 'corrupt') return undefined;
    throw error;
  }
}

/** The place of a key among the epochs; -1 when it is none of them. */
export function epochIndexOf(epochs: KeyEpochs, key: VerifierKey): number {
  const vkey = vkeyOf(key);
  return epochs.findIndex((epoch) => epoch.key !== undefined && vkeyOf(epoch.key) === vkey);
}

/** The keys whose lines a stored checkpoint of a size has, in order: one, or two where it closes an epoch. */
export function signersOf(epochs: KeyEpochs, size: number): readonly (VerifierKey | undefined)[] {
  const at = epochAt(epochs, size);
  const { key, closing } = epochs[at]!;
  return size === closing ? [key, epochs[at + 1]?.key] : [key];
}

/** The first epoch that is not closed before a size. */
function epochAt(epochs: KeyEpochs, size: number): number {
  let [low, high] = [0, epochs.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (epochs[middle]!.closing >= size) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * Keys that may have signed what vouches for a ledger from outside, a head or an anchor, by its size: the held one, and those
 * that the ledger reaches from it by rotations. Whoever has an old key can sign what they like, so another epoch's key counts
 * only for the sizes of its epoch.
 */
export function vouchingKeys(
  held: VerifierKey,
  alsoHeld: readonly VerifierKey[],
  claimed: KeyEpochs | undefined,
): (size: number) => readonly VerifierKey[] {
  const isReached = claimed !== undefined && epochIndexOf(claimed, held) >= 0;
  return (size) => {
    const reached = isReached ? signersOf(claimed, size).filter((key) => key !== undefined) : [];
    return [...new Map([held, ...alsoHeld, ...reached].map((key) => [vkeyOf(key), key])).values()];
  };
}

/** Rules of rotations but for their signatures. */
export function judgeRotations(
  rotations: readonly RotationFound[],
  epochs: KeyEpochs,
  origin: string | undefined,
  problems: ProblemSink,
): void {
  const used = new Set(epochs[0].key === undefined ? [] : [epochs[0].key.keyIdHex]);
  for (const [i, { seq, closed }] of rotations.entries()) {
    const { key, fault } = epochs[i + 1]!;
    const what =
      key === undefined
        ? fault
        : origin !== undefined && key.name !== origin
          ? `its name is ${key.name}`
          : used.has(key.keyIdHex)
            ? `an earlier key of this ledger has the key id ${key.keyIdHex} too`
            : undefined;
    if (what !== undefined) {
      problems.add({
        code: 'rotation.key',
        seq,
        message: `entry ${seq} cannot hand over to the key that it names: ${what}`,
      });
    }
    if (key !== undefined) used.add(key.keyIdHex);
    if (!closed) {
      problems.add({
        code: 'rotation.batch',
        seq,
        message: `no checkpoint follows the rotation in entry ${seq}, so nothing closes the epoch of the old key`,
      });
    }
  }
}

/** Every sampled note must have the lines of the keys of its size, and no other. Gives the number of notes that were checked. */
export function judgeSignatures(
  sampled: readonly { readonly size: number; readonly note: Uint8Array }[],
  epochs: KeyEpochs,
  problems: ProblemSink,
): number {
  let checked = 0;
  for (const { size, note } of sampled) {
    const [key, next, ...rest] = signersOf(epochs, size);
    const isClosing = size === epochs[epochAt(epochs, size)]!.closing;
    // What names no usable key was said.
    if (key === undefined || (isClosing && next === undefined) || rest.length > 0) continue;
    checked++;
    if (next === undefined) judgeNote(size, note, key, problems);
    else judgeClosingNote(size, note, [key, next], problems);
  }
  return checked;
}

function judgeNote(size: number, note: Uint8Array, key: VerifierKey, problems: ProblemSink): void {
  const seq = Math.max(0, size - 1);
  const opened = openNote(note, key);
  const read = readNote(note);
  // The writer stores one line. More, by whomever, would be a change of the newest note that no hash covers yet.
  if (opened.ok && read.ok && read.note.signatures.length > 1) {
    problems.add({
      code: 'checkpoint.signature',
      seq,
      message: `the checkpoint of size ${size} carries signature lines that its writer did not store`,
    });
  }
  if (opened.ok || opened.fault === 'malformed') return;
  const code = opened.fault === 'unsigned' ? 'checkpoint.unsigned' : 'checkpoint.signature';
  problems.add({ code, seq, message: `the checkpoint of size ${size}: ${opened.message}` });
}

function judgeClosingNote(
  size: number,
  note: Uint8Array,
  keys: readonly [old: VerifierKey, next: VerifierKey],
  problems: ProblemSink,
): void {
  const read = readNote(note);
  if (!read.ok) return;
  const { signatures } = read.note;
  const inOrder =
    signatures.length === 2 &&
    keys.every(({ name, keyIdHex }, i) => signatures[i]?.name === name && signatures[i]?.keyIdHex === keyIdHex);
  const faulty = keys.map((key) => openNote(note, key)).find((opened) => !opened.ok);
  if (inOrder && faulty === undefined) return;
  const what =
    faulty !== undefined && !faulty.ok
      ? faulty.message
      : 'it has other lines than those of the old key and of the new one';
  problems.add({
    code: 'rotation.signature',
    seq: size - 1,
    message: `the checkpoint of size ${size}, with which the key changes: ${what}`,
  });
}

function usableKey(named: string | undefined): Pick<KeyEpoch, 'key' | 'fault'> {
  if (named === undefined) return { key: undefined, fault: 'it names no key' };
  try {
    return { key: parseVkey(named), fault: undefined };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { key: undefined, fault: error.message };
  }
}

function vkeyOf({ name, publicKey }: VerifierKey): string {
  return encodeVkey(name, publicKey);
}
