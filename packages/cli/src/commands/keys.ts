/** `if-witness keys`: which keys a ledger has here, and which signed what. Private halves are never printed. */
import { statSync } from 'node:fs';
import { encodeVkey } from '@infrafabric/format';
import { type LocalKey, localKeys, witnessPaths } from '@infrafabric/ledger';
import type { Command } from 'commander';
import { act, type Invocation } from '../act.js';
import { CliError } from '../cli-error.js';
import { paintIf, wantsColor } from '../color.js';
import { escapeText } from '../escape.js';
import type { ExitCode } from '../exit-code.js';
import { renderJson } from '../json-text.js';
import { defineRotate } from '../keys/rotate-key.js';
import { printOut } from '../output.js';
import { addHelp } from '../program.js';
import { renderTable } from '../table.js';
import { terminalWidth } from '../terminal-width.js';
import { describeItself, type SelfDescription } from '../verify/choose-key.js';

export function define(command: Command): void {
  const list = command.command('list').summary('List the keys of the ledger that are in the witness home.');
  addHelp(list, 'Lists the keys of the ledger that are in the witness home.', [
    'if-witness keys list',
    'if-witness keys list --json',
  ]);
  list.action(act<object>(listKeys));
  const show = command.command('show').summary('Print the verifier key of the ledger, and nothing else.');
  addHelp(
    show,
    'Prints the verifier key of the ledger, and nothing else: give it to whoever will verify.',
    ['if-witness keys show > witness.vkey', 'if-witness verify --ledger copy.db --key "$(if-witness keys show)"'],
    ['Only a key that is in the witness home is shown, never one that only the ledger file names.'],
  );
  show.action(act<object>(showKey));
  defineRotate(command);
  addHelp(command, 'Lists, shows or rotates the keys of the ledger.', [
    'if-witness keys list',
    'if-witness keys show > witness.vkey',
    'if-witness keys rotate --if-older-than 90d',
  ]);
}

function listKeys({ common }: Invocation<object>): ExitCode {
  const { held, current, origin, epochs } = heldKeys(common);
  const keys = held
    .map((key) => ({
      ...key,
      createdAt: `${statSync(key.vkeyFile).mtime.toISOString().slice(0, 19)}Z`,
      isCurrent: key.vkey === current,
      sizes: sizesOf(key, epochs),
    }))
    .sort((a, b) => (a.sizes?.from ?? Number.POSITIVE_INFINITY) - (b.sizes?.from ?? Number.POSITIVE_INFINITY));
  if (common.json) {
    const answer = keys.map(({ keyIdHex, vkey, vkeyFile, createdAt, isCurrent, canSign, sizes }) => ({
      key_id: keyIdHex,
      created: createdAt,
      current: isCurrent,
      private: canSign,
      first_size: sizes?.from ?? null,
      last_size: sizes === undefined || sizes.to === Number.POSITIVE_INFINITY ? null : sizes.to,
      vkey,
      file: vkeyFile,
    }));
    printOut(`${renderJson({ origin, keys: answer })}\n`);
  } else {
    const columns = [
      { title: 'KEY ID' },
      { title: 'CREATED' },
      { title: 'CURRENT' },
      { title: 'PRIVATE HALF' },
      { title: 'SIGNED SIZES' },
      { title: 'FILE', shrinkTo: 12 },
    ];
    const rows = keys.map(({ keyIdHex, createdAt, isCurrent, canSign, vkeyFile, sizes }) => [
      keyIdHex,
      createdAt,
      isCurrent ? 'yes' : 'no',
      canSign ? 'here' : 'not here',
      sizes === undefined ? 'none' : `${sizes.from}–${sizes.to === Number.POSITIVE_INFINITY ? '' : sizes.to}`,
      escapeText(vkeyFile),
    ]);
    const paint = paintIf(wantsColor(1, common.color));
    const table = renderTable(columns, rows, { width: terminalWidth(), paintTitle: paint.faint });
    printOut(`${table.join('\n')}\n`);
  }
  return keys.length > 0 ? 0 : 1;
}

function showKey({ common }: Invocation<object>): ExitCode {
  const { held, current, origin } = heldKeys(common);
  const key = held.find(({ vkey }) => vkey === current);
  if (key === undefined) {
    throw new CliError('no-key', `the witness home holds no current key of ${origin}`, {
      hint: 'run this where the ledger is written; a key that only the ledger file names proves nothing',
    });
  }
  if (common.json) printOut(`${renderJson({ origin, key_id: key.keyIdHex, vkey: key.vkey, private: key.canSign })}\n`);
  else printOut(`${key.vkey}\n`);
  return 0;
}

/** Sizes of the checkpoints that a key signs, as the ledger says; undefined for a key that it does not name. */
function sizesOf({ vkey }: LocalKey, epochs: SelfDescription['epochs']): { from: number; to: number } | undefined {
  const index = (epochs ?? []).findIndex(
    ({ key }) => key !== undefined && encodeVkey(key.name, key.publicKey) === vkey,
  );
  const epoch = epochs?.[index];
  if (epoch === undefined) return undefined;
  // The checkpoint that closes an epoch has the next key's line too; its own ones begin behind it.
  return { from: index === 0 ? 1 : epochs![index - 1]!.closing, to: epoch.closing };
}

interface HeldKeys {
  readonly origin: string;
  readonly held: readonly LocalKey[];
  /** Vkey that the ledger names as its current one. */
  readonly current: string | undefined;
  readonly epochs: SelfDescription['epochs'];
}

function heldKeys(common: Invocation<object>['common']): HeldKeys {
  const { home, ledger } = witnessPaths(common);
  const { origin, vkey, epochs } = describeItself(ledger);
  if (origin === undefined)
    throw new CliError('ledger', `the ledger does not say what it is called: ${ledger}`, {
      hint: 'run if-witness verify',
    });
  return { origin, held: localKeys(home, origin), current: vkey, epochs };
}
