/** `if-witness anchor`: the newest checkpoint, to be kept where the ledger's keeper cannot change it. */
import { textOfUtf8 } from '@infrafabric/format';
import { witnessPaths } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { openNote } from '@infrafabric/verify';
import type { Command } from 'commander';
import { act, type Invocation } from '../act.js';
import { CliError, usageError } from '../cli-error.js';
import type { ExitCode } from '../exit-code.js';
import { openFileOutput } from '../file-output.js';
import { renderJson } from '../json-text.js';
import { printOut } from '../output.js';
import { addHelp } from '../program.js';
import { describeItself, keyOfFlag, localKeyOf } from '../verify/choose-key.js';
import { requireNotBehindHead } from '../verify/not-behind-head.js';

interface AnchorFlags {
  readonly output?: string;
  readonly exec?: string;
  readonly key?: string;
}

export function define(command: Command): void {
  command
    .option('--output <file>', 'write it to a file, mode 0600, instead of stdout')
    .option('--exec <command>', 'give it to a shell command on stdin')
    .option('--key <vkey>', 'the key that must have signed it (default: the one in the witness home)');
  addHelp(
    command,
    'Prints the newest checkpoint, byte for byte, after checking its signature.',
    [
      'if-witness anchor --output anchor-$(date +%F).note',
      "if-witness anchor --exec 'mail -s anchor auditor@example.com'",
      'if-witness anchor | tee >(sha256sum >&2) > anchor.note',
    ],
    [
      'Keep it anywhere outside: on another machine, in a mail, in a repository. `verify --anchor FILE` then shows whether\n' +
        'anything that it covers was cut off or rewritten since. It holds hashes and a signature, nothing of any event.',
    ],
  );
  command.action(act<AnchorFlags>(anchor));
}

async function anchor({ flags, common, messages }: Invocation<AnchorFlags>): Promise<ExitCode> {
  const paths = witnessPaths(common);
  const note = newestNote(paths.ledger);
  const chosen = flags.key === undefined ? localKeyOf(paths.home, describeItself(paths.ledger)) : keyOfFlag(flags.key);
  if (chosen === undefined) {
    throw new CliError('no-key', 'no key is held that could check the checkpoint', {
      hint: 'give it with --key',
      exitCode: 3,
    });
  }
  const opened = openNote(note, chosen.key);
  if (!opened.ok) {
    throw new CliError('ledger', `the newest checkpoint is not one to keep: ${opened.message}`, {
      hint: 'run if-witness verify',
      exitCode: 1,
    });
  }
  const { origin, size, rootHex } = opened.checkpoint;
  requireNotBehindHead(paths.ledger, origin, size);
  if (flags.output !== undefined) write(note, flags.output, paths.ledger);
  if (flags.exec !== undefined) await hand(note, flags.exec);
  if (common.json) {
    printOut(
      `${renderJson({ note: textOfUtf8(note), origin, size, root_hex: rootHex, key_id: chosen.key.keyIdHex })}\n`,
    );
  } else if (flags.output === undefined && flags.exec === undefined) printOut(note);
  else if (flags.output !== undefined) messages.note(`checkpoint of ${size} entries in ${flags.output}`);
  return 0;
}

function newestNote(path: string): Uint8Array {
  const reader = LedgerReader.open(path);
  try {
    const note = reader.newestNote();
    if (note === undefined)
      throw new CliError('ledger', `there is no checkpoint in ${path}`, { hint: 'run if-witness verify', exitCode: 1 });
    return note;
  } finally {
    reader.close();
  }
}

function write(note: Uint8Array, file: string, ledger: string): void {
  if (file === '') throw usageError('--output is empty');
  const output = openFileOutput(file, ledger);
  try {
    output.write(note);
    output.commit();
  } finally {
    output.abandon();
  }
}

/** Runs a shell command with the note on its stdin. Its stdout and stderr are ours. */
async function hand(note: Uint8Array, command: string): Promise<void> {
  const { spawn } = await import('node:child_process');
  const ended = await new Promise<string | undefined>((resolve) => {
    const child = spawn(command, { shell: true, stdio: ['pipe', 'inherit', 'inherit'] });
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) =>
      resolve(code === 0 ? undefined : signal === null ? `exit code ${code}` : signal),
    );
    // A command may well not read it to its end.
    child.stdin.on('error', () => undefined);
    child.stdin.end(note);
  });
  if (ended !== undefined) throw new CliError('command', `--exec ${command}: ${ended}`);
}
