/** `if-witness anchor`: the newest checkpoint, to be kept where the ledger's keeper cannot change it; cosigned by witnesses if asked. */
import {
  AnchorError,
  AnchoredLedger,
  type CosignedCheckpoint,
  cosignNewest,
  handOver,
  isFolder,
  type NewestCheckpoint,
  writeAnchor,
} from '@infrafabric/cosigner/anchor';
import { encodeAnchorLine, textOfUtf8, utf8Of } from '@infrafabric/format';
import { witnessPaths } from '@infrafabric/ledger';
import type { Command } from 'commander';
import { act, type Invocation } from '../act.js';
import type { AnchorFlags } from '../anchor/anchor-flags.js';
import { type ChosenWitnesses, chooseWitnesses } from '../anchor/choose-witnesses.js';
import { CliError, usageError } from '../cli-error.js';
import { escapeLines } from '../escape.js';
import type { ExitCode } from '../exit-code.js';
import { openFileOutput } from '../file-output.js';
import { type JsonOut, renderJson } from '../json-text.js';
import { printErr, printOut } from '../output.js';
import { addHelp } from '../program.js';
import { describeItself, keyOfFlag, localKeyOf } from '../verify/choose-key.js';
import { loadPolicy } from '../verify/load-policy.js';
import { answerJson } from '../verify/report-json.js';

export function define(command: Command): void {
  command
    .option('--output <path>', 'write it to a file, or to one of its own in a folder, mode 0600, instead of stdout')
    .option('--exec <command>', 'give it to a shell command on stdin')
    .option('--line', 'as one line, to be mailed or committed')
    .option('--policy <file>', 'ask its witnesses to cosign it first (default: policy in the home, if there is one)')
    .option('--no-policy', 'ask nobody')
    .option(
      '--witness <witness>',
      'ask only this one: a URL of the policy, or "VKEY URL"; may be repeated',
      (one, others: string[] = []) => [...others, one],
    )
    .option('--timeout <time>', 'for each request to a witness (default: 10s)')
    .option('--every <time>', 'go on, and anchor what is new that often: 1h, 15m')
    .option('--key <vkey>', 'the key that must have signed it (default: the one in the witness home)');
  addHelp(
    command,
    'Prints the newest checkpoint after checking its signature, cosigned by witnesses where a policy names some.',
    [
      'if-witness anchor --output anchor-$(date +%F).note',
      'if-witness anchor --line >> anchors.txt',
      "if-witness anchor --exec 'mail -s anchor auditor@example.com'",
      'if-witness anchor --policy policy --every 1h --output /mnt/elsewhere',
    ],
    [
      'Keep it anywhere outside: on another machine, in a mail, in a repository. `verify --anchor FILE` then shows whether\n' +
        'anything that it covers was cut off or rewritten since. It holds hashes and signatures, nothing of any event.',
      'A witness, or a folder of older anchors, that knows more entries than there are, or other ones, is exit code 1: both\n' +
        'notes are printed. Too few cosignatures for the policy are exit code 2; what was got is stored all the same.',
    ],
  );
  command.action(act<AnchorFlags>(anchor));
}

async function anchor(invocation: Invocation<AnchorFlags>): Promise<ExitCode> {
  const { flags, common } = invocation;
  if (flags.output === '') throw usageError('--output is empty');
  const paths = witnessPaths(common);
  const chosen = chooseWitnesses(flags.witness, loadPolicy(flags.policy, paths.home));
  const timeoutMs = await timeoutOf(flags.timeout);
  const key = (flags.key === undefined ? localKeyOf(paths.home, describeItself(paths.ledger)) : keyOfFlag(flags.key))
    ?.key;
  if (key === undefined) {
    throw new CliError('no-key', 'no key is held that could check the checkpoint', {
      hint: 'give it with --key',
      exitCode: 3,
    });
  }
  if (flags.every !== undefined) {
    const { anchorForEver } = await import('../anchor/anchor-for-ever.js');
    return anchorForEver({ paths, key, chosen, timeoutMs, every: flags.every }, invocation);
  }
  const ledger = new AnchoredLedger(paths, key);
  try {
    const taken = await take(ledger, chosen, timeoutMs, invocation);
    await put(ledger, taken, invocation);
    return 0;
  } catch (error) {
    throw toldAsCliError(error);
  } finally {
    ledger.close();
  }
}

interface Taken {
  readonly newest: NewestCheckpoint;
  readonly note: string;
  readonly cosigned: CosignedCheckpoint | undefined;
}

async function take(
  ledger: AnchoredLedger,
  chosen: ChosenWitnesses | undefined,
  timeoutMs: number | undefined,
  { messages }: Invocation<AnchorFlags>,
): Promise<Taken> {
  if (chosen === undefined) {
    const newest = ledger.newest();
    return { newest, note: textOfUtf8(newest.note), cosigned: undefined };
  }
  const cosigned = await cosignNewest(ledger, {
    ...chosen,
    timeoutMs,
    onAnswer: (witness, answer) => {
      if (answer.outcome === 'cosigned') messages.note(`cosigned by ${witness.name}`);
      if (answer.outcome !== 'failed') return;
      const hint = answer.hint === undefined ? '' : `; ${answer.hint}`;
      messages.warn(`not cosigned by ${witness.name} at ${witness.url}: ${answer.reason}${hint}`);
    },
  });
  if (cosigned.unstored !== undefined)
    messages.warn(`the cosignatures are in the anchor, but not in the ledger: ${(cosigned.unstored as Error).message}`);
  return { newest: cosigned, note: cosigned.cosignedNote, cosigned };
}

async function put(
  ledger: AnchoredLedger,
  { newest, note, cosigned }: Taken,
  { flags, common, messages }: Invocation<AnchorFlags>,
): Promise<void> {
  const line = encodeAnchorLine(utf8Of(note));
  const text = flags.line === true ? `${line}\n` : note;
  let file = flags.output;
  if (flags.output !== undefined && isFolder(flags.output)) file = writeAnchor(flags.output, ledger, newest, note);
  else if (flags.output !== undefined) write(text, flags.output, ledger.paths.ledger);
  if (flags.exec !== undefined) await handOver(text, flags.exec, common.json ? { output: 'stderr' } : {});
  if (common.json) printOut(`${renderJson(resultJson(newest, note, line, cosigned))}\n`);
  else if (flags.output === undefined && flags.exec === undefined) printOut(text);
  else if (file !== undefined) messages.note(`checkpoint of ${newest.size} entries in ${file}`);
  if (cosigned !== undefined && !cosigned.isPolicyMet)
    throw new CliError('policy-unmet', 'too few witnesses cosigned it for the policy', {
      hint: 'what was got is stored; try again later',
    });
}

function resultJson(
  { origin, size, rootHex, key }: NewestCheckpoint,
  note: string,
  line: string,
  cosigned: CosignedCheckpoint | undefined,
): JsonOut {
  return {
    note,
    line,
    origin,
    size,
    root_hex: rootHex,
    key_id: key.keyIdHex,
    cosigned_by: cosigned === undefined ? [] : [...cosigned.by],
    policy_met: cosigned?.isPolicyMet ?? null,
    witnesses: cosigned === undefined ? [] : cosigned.answers.map(answerJson),
  };
}

function write(text: string, file: string, ledger: string): void {
  const output = openFileOutput(file, ledger);
  try {
    output.write(text);
    output.commit();
  } finally {
    output.abandon();
  }
}

async function timeoutOf(text: string | undefined): Promise<number | undefined> {
  if (text === undefined) return undefined;
  const { durationOfFlag } = await import('../anchor/duration-of-flag.js');
  return durationOfFlag('--timeout', text, 100, 600_000);
}

/** Exit codes belong to this program. Evidence is printed whole: it must be kept. */
export function toldAsCliError(error: unknown): unknown {
  if (!(error instanceof AnchorError)) return error;
  const { code, message, hint, evidence } = error;
  for (const note of evidence) printErr(`evidence, keep it:\n${escapeLines(note)}\n`);
  const exitCode = code === 'no-key' ? 3 : code === 'ledger' || code === 'contradicted' ? 1 : 2;
  return new CliError(code, message, { hint, exitCode, cause: error });
}
