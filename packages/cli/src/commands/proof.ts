/** `if-witness proof SEQ`: a file that shows that one entry is in the ledger, to whoever has the entry and the key. */
import { encodeTlogProof, leafHashHex, utf8Of } from '@infrafabric/format';
import { witnessPaths } from '@infrafabric/ledger/home';
import { LedgerReader, LedgerTree } from '@infrafabric/ledger/reader';
import { judgeProof } from '@infrafabric/verify/proof';
import type { Command } from 'commander';
import { act, type Invocation } from '../act.js';
import { CliError, usageError } from '../cli-error.js';
import type { ExitCode } from '../exit-code.js';
import { openFileOutput } from '../file-output.js';
import { renderJson } from '../json-text.js';
import { printOut } from '../output.js';
import { addHelp } from '../program.js';
import { type SignedCheckpoint, signedCheckpoint } from '../verify/signed-checkpoint.js';

interface ProofFlags {
  readonly size?: string;
  readonly output?: string;
  readonly entryOutput?: string;
  readonly includeEntry?: true;
  readonly key?: string;
}

export function define(command: Command): void {
  command
    .argument('<seq>', 'the entry, as `log` and `trace` print it')
    .option('--size <entries>', 'against the stored checkpoint of so many entries (default: the newest)')
    .option('--output <file>', 'write the proof to a file, mode 0600, instead of stdout')
    .option('--entry-output <file>', "write the entry's octets to a file too")
    .option('--include-entry', 'put the octets of the entry into the proof, as its `extra`')
    .option('--key <vkey>', 'the key that must have signed the checkpoint (default: the one in the witness home)');
  addHelp(
    command,
    'Writes a proof that an entry is in the ledger: a C2SP tlog-proof.',
    [
      'if-witness proof 41 --output 41.tlog-proof --entry-output 41.json',
      'if-witness verify --proof 41.tlog-proof --entry 41.json --key witness.vkey',
      'if-witness proof 41 --include-entry --output 41.tlog-proof    # one file with both',
    ],
    [
      'Whoever checks it needs the entry, the key and no ledger, and no program of ours. It shows that the entry is among\n' +
        'those that the key holder signed; not what stands before it, nor that nothing was left out. It holds hashes only:\n' +
        'nothing of any other entry. With --include-entry it holds what the entry says in clear, never its payload.',
    ],
  );
  command.action(act<ProofFlags>(proof));
}

function proof({ flags, args, common, messages }: Invocation<ProofFlags>): ExitCode {
  const seq = numberOf(args[0]!, 'an entry is a number, as `if-witness trace` prints it');
  const size =
    flags.size === undefined || flags.size === 'newest' ? undefined : numberOf(flags.size, '--size is a number');
  if (flags.output === '' || flags.entryOutput === '') throw usageError('the name of an output file is empty');
  const { home, ledger } = witnessPaths(common);
  const reader = LedgerReader.open(ledger);
  try {
    const checkpoint = signedCheckpoint(reader, { home, ledger, key: flags.key, size });
    const text = entryText(reader, seq, checkpoint.size);
    const entry = utf8Of(text);
    const hashes = new LedgerTree(reader).inclusionProof(seq, checkpoint.size);
    const extra = flags.includeEntry === true ? { extra: entry } : {};
    const file = encodeTlogProof({ ...extra, index: seq, hashes, checkpoint: checkpoint.note });
    requireGood(file, entry, checkpoint);
    if (flags.entryOutput !== undefined) write(flags.entryOutput, entry, ledger);
    if (flags.output !== undefined) write(flags.output, file, ledger);
    else if (!common.json) printOut(file);
    if (common.json) {
      const { origin, rootHex, chosen } = checkpoint;
      const answer = {
        seq,
        leaf_hash: leafHashHex(text),
        origin,
        size: checkpoint.size,
        root_hex: rootHex,
        key_id: chosen.key.keyIdHex,
        hashes,
        output: flags.output ?? null,
        proof: flags.output === undefined ? new TextDecoder().decode(file) : null,
      };
      printOut(`${renderJson(answer)}\n`);
    } else if (flags.output !== undefined)
      messages.note(`proof of entry ${seq} among ${checkpoint.size} in ${flags.output}`);
    return 0;
  } finally {
    reader.close();
  }
}

function numberOf(text: string, message: string): number {
  const number = /^(0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw usageError(`${message}; not ${JSON.stringify(text)}`);
  return number;
}

function entryText(reader: LedgerReader, seq: number, size: number): string {
  if (seq >= size) {
    throw new CliError('not-found', `there is no entry ${seq} among the ${size} that the checkpoint covers`, {
      exitCode: 1,
    });
  }
  const text = reader.entryText(seq);
  if (text !== undefined) return text;
  throw new CliError('ledger', `entry ${seq} is missing`, { hint: 'run if-witness verify', exitCode: 1 });
}

/** Nothing goes out that does not hold: the file may have been changed since it was signed. */
function requireGood(file: Uint8Array, entry: Uint8Array, { chosen }: SignedCheckpoint): void {
  const { verdict, problems } = judgeProof(file, entry, chosen.key);
  if (verdict === 'VALID') return;
  throw new CliError('ledger', `the ledger does not prove its own entry: ${problems[0]?.message}`, {
    hint: 'run if-witness verify',
    exitCode: 1,
  });
}

function write(name: string, octets: Uint8Array, ledger: string): void {
  const output = openFileOutput(name, ledger);
  try {
    output.write(octets);
    output.commit();
  } finally {
    output.abandon();
  }
}
