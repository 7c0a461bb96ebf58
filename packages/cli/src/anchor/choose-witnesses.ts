/** Which witnesses `anchor` asks: those of the policy, or those that `--witness` names. */
import type { AskedWitness } from '@infrafabric/cosigner';
import { askable } from '@infrafabric/cosigner/anchor';
import { FormatError, type Policy, type PolicyWitness, parseCosignerVkey, type Quorum } from '@infrafabric/format';
import { usageError } from '../cli-error.js';
import type { LoadedPolicy } from '../verify/load-policy.js';

/** Whom to ask, and who is needed. */
export interface ChosenWitnesses {
  readonly policy: Policy;
  readonly witnesses: readonly AskedWitness[];
}

/**
 * Undefined when nobody is to be asked. Witnesses of `--witness` that the policy does not know are all needed.
 * @param given URLs of the policy's witnesses, or `VKEY URL` @throws CliError `usage`
 */
export function chooseWitnesses(
  given: readonly string[] | undefined,
  loaded: LoadedPolicy | undefined,
): ChosenWitnesses | undefined {
  if (given !== undefined) return chosenByFlag(given, loaded);
  if (loaded === undefined) return undefined;
  const witnesses = askable(loaded.policy);
  if (witnesses.length > 0) return { policy: loaded.policy, witnesses };
  if (!loaded.isNamed) return undefined;
  throw usageError(`no witness of ${loaded.from} has a URL`, 'write it behind the key: witness NAME VKEY URL');
}

function chosenByFlag(given: readonly string[], loaded: LoadedPolicy | undefined): ChosenWitnesses {
  const known = loaded === undefined ? [] : askable(loaded.policy);
  const own: PolicyWitness[] = [];
  const asked: AskedWitness[] = [];
  for (const text of given) {
    const [vkey, url, ...more] = text.trim().split(/\s+/);
    if (vkey !== undefined && url !== undefined && more.length === 0) {
      const witness = { name: nameOf(vkey), key: parseKey(vkey), vkey, url };
      own.push(witness);
      asked.push(witness);
      continue;
    }
    const one = known.find((witness) => isSameUrl(witness.url, text));
    if (one === undefined) {
      throw usageError(
        `no witness of the policy has the URL ${text}`,
        'give its key too, --witness "VKEY URL", or list it in a policy: witness NAME VKEY URL',
      );
    }
    asked.push(one);
  }
  if (own.length === 0) return { policy: loaded!.policy, witnesses: asked };
  const members: Quorum[] = [
    ...own.map((witness): Quorum => ({ kind: 'witness', witness })),
    ...(loaded === undefined || loaded.policy.quorum.kind === 'none' ? [] : [loaded.policy.quorum]),
  ];
  const policy: Policy = {
    logs: loaded?.policy.logs ?? [],
    witnesses: [...own, ...(loaded?.policy.witnesses ?? [])],
    quorum: { kind: 'group', name: '--witness', least: members.length, members },
  };
  return { policy, witnesses: asked };
}

function nameOf(vkey: string): string {
  return vkey.slice(0, Math.max(0, vkey.indexOf('+')));
}

function parseKey(vkey: string): PolicyWitness['key'] {
  try {
    return parseCosignerVkey(vkey);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw usageError(`--witness: ${error.message}`, 'write "VKEY URL", the key as its operator gives it');
  }
}

function isSameUrl(a: string, b: string): boolean {
  const plain = (url: string): string => (URL.canParse(url) ? new URL(url).href.replace(/\/$/, '') : url);
  return plain(a) === plain(b);
}
