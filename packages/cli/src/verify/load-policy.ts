/** The policy of `--policy`, else `policy` in the witness home if there is one: whose cosignatures are asked for. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FormatError, MAX_POLICY_OCTETS, type Policy, parsePolicy } from '@infrafabric/format';
import { CliError, usageError } from '../cli-error.js';
import type { ChosenKey } from './choose-key.js';

/** A policy and the file it came from. */
export interface LoadedPolicy {
  readonly policy: Policy;
  readonly from: string;
  /** Named on the command line. */
  readonly isNamed: boolean;
}

/** @param flag a file; false for `--no-policy` @throws CliError `usage`, `io`, `input`. */
export function loadPolicy(flag: string | false | undefined, home: string): LoadedPolicy | undefined {
  if (flag === false) return undefined;
  if (flag === '') throw usageError('--policy is empty');
  const from = flag ?? join(home, 'policy');
  if (flag === undefined && !existsSync(from)) return undefined;
  let octets: Uint8Array;
  try {
    if (statSync(from).size > MAX_POLICY_OCTETS) throw new RangeError(`it has more than ${MAX_POLICY_OCTETS} octets`);
    octets = readFileSync(from);
  } catch (cause) {
    throw new CliError('io', `the policy cannot be read: ${(cause as Error).message}`, { cause });
  }
  try {
    return { policy: parsePolicy(octets), from, isNamed: flag !== undefined };
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    throw new CliError('input', `${from}: ${cause.message}`, {
      cause,
      hint: 'docs/witnessing.md shows what a policy looks like; --no-policy leaves it out',
    });
  }
}

/** The key that a named policy holds for a ledger: whoever wrote the policy vouches for it. */
export function keyOfPolicy(loaded: LoadedPolicy | undefined, origin: string | undefined): ChosenKey | undefined {
  if (loaded?.isNamed !== true) return undefined;
  const log = loaded.policy.logs.find(({ key }) => key.name === origin);
  return log === undefined
    ? undefined
    : { key: log.key, vkey: log.vkey, source: 'flag', from: `the policy ${loaded.from}` };
}
