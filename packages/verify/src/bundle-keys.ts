/** The keys of a bundle: its rotations and notes under the rules of `key-epochs`, and whether the held key is one of them. */
import type { VerifierKey } from '@infrafabric/format';
import type { BundleProblems } from './bundle-report.js';
import {
  epochIndexOf,
  judgeRotations,
  judgeSignatures,
  keyEpochs,
  onlyKey,
  rotationKey,
  vouchingKeys,
} from './key-epochs.js';
import { withoutCosigners } from './open-note.js';

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

/** What came of it. */
export interface BundleKeyFindings {
  readonly signaturesChecked: number;
  /** Every key that it names and that can be used. */
  readonly keys: readonly VerifierKey[];
  readonly newestKeyIdHex: string | undefined;
  readonly reachedByRotations: number | undefined;
  /** Keys that may have signed what vouches for this ledger from outside, by its size. */
  readonly keysOf: (size: number) => readonly VerifierKey[];
}

/** Judges them under the held key; under the one that genesis names, where none is held. */
export function judgeBundleKeys(
  { origin, genesisVkey, rotations, notes }: BundleKeyFacts,
  held: VerifierKey | undefined,
  problems: BundleProblems,
): BundleKeyFindings {
  const found = rotations.map(({ seq, vkey }) => ({
    seq,
    key: rotationKey({ key: vkey }),
    closed: notes.has(seq + 1),
  }));
  const epochs = keyEpochs(rotationKey({ key: genesisVkey }), found);
  judgeRotations(found, epochs, origin, problems);
  const at = held === undefined ? 0 : epochIndexOf(epochs, held);
  if (held !== undefined && held.name !== origin)
    problems.add({ code: 'key.origin', message: `the bundle is of ${origin}, the key that of ${held.name}` });
  else if (at < 0 && genesisVkey !== undefined)
    problems.add({ code: 'key.origin', message: 'the key that is held is none that genesis or a rotation names' });
  if (held === undefined && epochs[0].key === undefined && genesisVkey !== undefined)
    problems.add({
      code: 'genesis.malformed',
      seq: 0,
      message: `the key that genesis names: ${epochs[0].fault}`,
    });
  // A key that the ledger never had is taken at its word: then nothing that is here is signed by it.
  const judgedBy = at < 0 && held !== undefined ? onlyKey(held) : epochs;
  const stored = [...notes].map(([size, note]) => ({ size, note: withoutCosigners(note, origin) }));
  return {
    signaturesChecked: judgeSignatures(stored, judgedBy, problems),
    keys: epochs.flatMap(({ key }) => key ?? []),
    newestKeyIdHex: epochs.at(-1)!.key?.keyIdHex,
    reachedByRotations: held === undefined || at < 0 ? undefined : epochs.length - 1 - at,
    keysOf: held === undefined ? () => [] : vouchingKeys(held, [], epochs),
  };
}
