/** Which checkpoints the witnesses of a policy cosigned, and what the policy makes of it. docs/format.md §Cosignatures. */
import { isQuorumMet, type Policy, type PolicyWitness, renderQuorum, type VerifierKey } from '@infrafabric/format';
import { type OpenedCosignature, openCosignatures } from './open-cosignatures.js';
import { readNote } from './open-note.js';
import type { PolicyAnswer, Witnessed } from './report.js';

/** A policy that is to be met, and what it is called. */
export interface AskedPolicy {
  readonly policy: Policy;
  /** For the report: a file. */
  readonly from: string;
}

/** A witness's key as the policy has it. */
export type WitnessKey = VerifierKey & { readonly witness: PolicyWitness };

/** The keys of a policy's witnesses; of none where there is no policy. */
export function witnessKeysOf(policy: Policy | undefined): readonly WitnessKey[] {
  return (policy?.witnesses ?? []).map((witness) => ({ ...witness.key, witness }));
}

interface Cosigner {
  readonly witness: PolicyWitness;
  readonly timeUnixS: number;
}

/** Cosignatures that verified, by the size of their checkpoint. */
export class CosignedSizes {
  readonly #cosigned = new Map<number, Cosigner[]>();

  /** Adds what was opened under the witnesses' keys. */
  keep(size: number, cosigned: readonly OpenedCosignature<WitnessKey>[]): void {
    for (const { key, timeUnixS } of cosigned) this.#keep(size, { witness: key.witness, timeUnixS });
  }

  #keep(size: number, cosigner: Cosigner): void {
    const known = this.#cosigned.get(size) ?? [];
    const before = known.findIndex(({ witness }) => witness === cosigner.witness);
    // Said twice, the earlier time is when it was first so.
    if (before < 0) known.push(cosigner);
    else if (cosigner.timeUnixS < known[before]!.timeUnixS) known[before] = cosigner;
    this.#cosigned.set(size, known);
  }

  /** The largest checkpoint for which a policy's quorum is met; undefined when there is none, or no policy. */
  witnessedUnder(policy: Policy | undefined): Witnessed | undefined {
    // A policy that asks for nobody is met by every checkpoint, and vouches for none.
    if (policy === undefined || policy.quorum.kind === 'none') return undefined;
    const { quorum } = policy;
    for (const size of [...this.#cosigned.keys()].sort((a, b) => b - a)) {
      const cosigners = this.#cosigned.get(size)!.sort((a, b) => a.timeUnixS - b.timeUnixS);
      const enough = cosigners.findIndex((_, i) =>
        isQuorumMet(quorum, (witness) => cosigners.slice(0, i + 1).some((cosigner) => cosigner.witness === witness)),
      );
      if (enough < 0) continue;
      return { size, timeUnixS: cosigners[enough]!.timeUnixS, by: cosigners.map(({ witness }) => witness.name) };
    }
    return undefined;
  }
}

/** Whether it is met. @param keys of the ledger: a policy that was written before a rotation still means it */
export function answerPolicy(
  { policy, from }: AskedPolicy,
  keys: readonly VerifierKey[],
  witnessed: Witnessed | undefined,
): PolicyAnswer {
  const acceptsLog = policy.logs.length === 0 || policy.logs.some((log) => keys.some((one) => isSameKey(log.key, one)));
  return {
    from,
    quorum: renderQuorum(policy.quorum),
    acceptsLog,
    witnessed,
    isMet: acceptsLog && (policy.quorum.kind === 'none' || witnessed !== undefined),
  };
}

/** Why a note is none: a line of a known key that does not verify rejects it, whoever's key it is. */
export function failedCosignatures(octets: Uint8Array, policy: Policy | undefined): string[] {
  const read = readNote(octets);
  if (!read.ok || policy === undefined) return [];
  const keys = policy.witnesses.map(({ key }) => key);
  return openCosignatures(read.note.text, read.note.signatures, keys).failed.map(({ message }) => message);
}

/** One and the same. */
export function isSameKey(a: VerifierKey, b: VerifierKey): boolean {
  return a.name === b.name && a.publicKey.every((octet, i) => octet === b.publicKey[i]);
}
