/** `if-witness witness`: cosigns other ledgers; its subcommands make its key and keep its list of logs. */
import type { Command } from 'commander';
import { act } from '../act.js';
import { addHelp } from '../program.js';
import type { WitnessFlags } from '../witness/witness-folder.js';

const DIR = '--dir <dir>';
const DIR_IS = 'folder of the witness: key, state, logs (default: witness in the home)';
const LOGS = '--logs <file>';
const LOGS_IS = 'ledgers that are cosigned, a line `log VKEY` for each (default: logs in the folder)';

export function define(command: Command): void {
  command
    .option('--listen <host:port>', 'where to listen, port 0 for any that is free (default: 127.0.0.1:7380)')
    .option(LOGS, LOGS_IS)
    .option(DIR, DIR_IS);
  addHelp(
    command,
    "Runs a witness: it cosigns other people's ledgers, and never two histories of one.",
    [
      'if-witness witness keygen witness.example/alice',
      'if-witness witness show',
      'if-witness witness add "$(cat bob-ledger.vkey)"',
      'if-witness witness --listen 127.0.0.1:7380',
    ],
    [
      'It speaks C2SP tlog-witness. What it has cosigned is on disk before it answers; a restart changes nothing. The list of\n' +
        'logs is read again when the file changes. It asks nobody who they are: only what a listed key signed is looked at.\n' +
        'TLS is for a proxy in front. GET /metrics and /healthz are there too. SIGTERM or SIGINT stops it.',
      'Each answer is a log line on stderr, as JSON with --json. Never run it from a copy of its folder, and never put an\n' +
        'older copy of `state` back: a witness that has forgotten can be made to cosign two histories.',
    ],
  );
  command.action(
    act<WitnessFlags>(async (invocation) => (await import('../witness/run-witness.js')).runWitness(invocation)),
  );
  const keygen = command
    .command('keygen')
    .argument('<name>')
    .summary('Make the key of a new witness.')
    .option(DIR, DIR_IS);
  addHelp(
    keygen,
    'Makes the key of a new witness, and prints its verifier key.',
    ['if-witness witness keygen witness.example/alice'],
    ['The name is for telling witnesses apart: a URL without its scheme that you control is a good one.'],
  );
  keygen.action(
    act<WitnessFlags>(async (invocation) => (await import('../witness/witness-folder.js')).keygen(invocation)),
  );
  const show = command.command('show').summary('Print the verifier key, and nothing else.').option(DIR, DIR_IS);
  addHelp(show, 'Prints the verifier key of the witness: give it to whoever will count its cosignatures.', [
    'if-witness witness show > alice.vkey',
  ]);
  show.action(act<WitnessFlags>(async (invocation) => (await import('../witness/witness-folder.js')).show(invocation)));
  const add = command
    .command('add')
    .argument('<vkey>')
    .summary('List a ledger, so that it is cosigned.')
    .option(LOGS, LOGS_IS)
    .option(DIR, DIR_IS);
  addHelp(
    add,
    'Lists a ledger by its verifier key, so that its checkpoints are cosigned. A running witness notices.',
    ['if-witness witness add "$(cat bob-ledger.vkey)"', 'if-witness witness add bob-ledger.vkey'],
    ['After `keys rotate` the ledger has another key: add that too.'],
  );
  add.action(act<WitnessFlags>(async (invocation) => (await import('../witness/witness-folder.js')).add(invocation)));
  const list = command
    .command('list')
    .summary('Show the ledgers that are listed, and what was cosigned of each.')
    .option(LOGS, LOGS_IS)
    .option(DIR, DIR_IS);
  addHelp(list, 'Shows the ledgers that are listed, and what was cosigned of each.', [
    'if-witness witness list',
    'if-witness witness list --json',
  ]);
  list.action(act<WitnessFlags>(async (invocation) => (await import('../witness/witness-folder.js')).list(invocation)));
}
