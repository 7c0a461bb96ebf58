/** `if-witness keys rotate`: from now on another key signs. What a rotation is: docs/format.md §rotation. */
import { existsSync } from 'node:fs';
import { Ledger, type Rotated, witnessPaths } from '@infrafabric/ledger';
import type { Command } from 'commander';
import { act, type Invocation } from '../act.js';
import { CliError, usageError } from '../cli-error.js';
import type { ExitCode } from '../exit-code.js';
import { renderJson } from '../json-text.js';
import { printOut } from '../output.js';
import { addHelp } from '../program.js';
import { describeItself } from '../verify/choose-key.js';

interface RotateFlags {
  readonly reason?: string;
  readonly ifOlderThan?: string;
  readonly to?: string;
}

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Defines the subcommand. */
export function defineRotate(keys: Command): void {
  const command = keys
    .command('rotate')
    .summary('Hand over to a new key; the old private key is destroyed.')
    .option('--reason <text>', 'why, for whoever reads the ledger later')
    .option('--if-older-than <age>', 'only when the present key is that old: 90d, 36h, 30m')
    .option('--to <where>', '`file` for a key file, else fingerprint or comment of a key in the ssh-agent');
  addHelp(
    command,
    'Hands over to a new key and prints its verifier key; the old private key is destroyed.',
    [
      'if-witness keys rotate',
      'if-witness keys rotate --if-older-than 90d',
      "if-witness keys rotate --reason 'the laptop was lost' > witness.vkey",
    ],
    [
      'A signed entry names the new key, and both keys sign the checkpoint behind it. Verifiers that hold an older key follow by\n' +
        'themselves; give them the new one all the same: whoever had the old one could have handed over too.\n' +
        'Writers that are running go on with the new key.',
      'With IF_WITNESS_SIGNER=ssh-agent:SOCKET the new key is one in that agent. The old one there is yours to remove.',
    ],
  );
  command.action(act<RotateFlags>(rotate));
}

async function rotate({ flags, common, messages }: Invocation<RotateFlags>): Promise<ExitCode> {
  const paths = witnessPaths(common);
  if (flags.reason?.trim() === '') throw usageError('--reason is empty');
  if (flags.to === '') throw usageError('--to is empty');
  if (flags.to !== undefined && flags.to !== 'file' && (process.env.IF_WITNESS_SIGNER ?? '') === '') {
    throw usageError(
      `--to ${flags.to} names a key in a signer, and none is named`,
      'set IF_WITNESS_SIGNER=ssh-agent:SOCKET',
    );
  }
  const ifOlderThanMs = flags.ifOlderThan === undefined ? undefined : parseAge(flags.ifOlderThan);
  if (!existsSync(paths.ledger)) {
    throw new CliError('io', `there is no ledger at ${paths.ledger}`, { hint: 'name one with --ledger or --home' });
  }
  const ledger = await Ledger.open(paths);
  let rotated: Rotated | undefined;
  try {
    rotated = await ledger.rotate({
      reason: flags.reason,
      ifOlderThanMs,
      ...(flags.to === 'file' ? { to: 'file' } : { signerKey: flags.to }),
    });
  } finally {
    await ledger.close();
  }
  if (rotated === undefined) {
    const { origin = '', vkey = '' } = describeItself(paths.ledger);
    if (common.json) printOut(`${renderJson({ rotated: false, origin, vkey })}\n`);
    else printOut(`${vkey}\n`);
    messages.note(`the key is not ${flags.ifOlderThan} old yet; it still signs`);
    return 0;
  }
  if (common.json) printOut(`${renderJson(rotatedJson(rotated))}\n`);
  else printOut(`${rotated.newVkey}\n`);
  say(rotated, messages);
  return 0;
}

function rotatedJson({ origin, seq, oldKeyIdHex, newKeyIdHex, newVkey, oldPrivateHalf }: Rotated): {
  readonly [key: string]: string | number | boolean;
} {
  return {
    rotated: true,
    origin,
    vkey: newVkey,
    seq,
    key_id: newKeyIdHex,
    old_key_id: oldKeyIdHex,
    old_private: oldPrivateHalf,
  };
}

function say(rotated: Rotated, messages: Invocation<RotateFlags>['messages']): void {
  const { seq, oldKeyIdHex: old, newKeyIdHex, oldPrivateHalf } = rotated;
  const changed = `entry ${seq} hands over from key ${old} to ${newKeyIdHex}`;
  if (oldPrivateHalf === 'destroyed') messages.note(`${changed}; the private half of ${old} is destroyed`);
  else if (oldPrivateHalf === 'elsewhere') {
    messages.warn(`${changed}; the private half of ${old} was never in this home: destroy it where it is`);
  } else {
    messages.warn(
      `${changed}; the private half of ${old} could not be removed: the next writer tries again, doctor says where`,
    );
  }
}

function parseAge(text: string): number {
  const [, digits, unit] = /^([1-9]\d{0,5})([mhd])$/.exec(text) ?? [];
  const unitMs = UNIT_MS[unit ?? ''];
  if (unitMs !== undefined) return Number(digits) * unitMs;
  throw usageError(`--if-older-than is a number and m, h or d, such as 90d; not ${JSON.stringify(text)}`);
}
