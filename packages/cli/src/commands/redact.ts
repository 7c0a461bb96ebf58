/** `if-witness redact`: erases payloads. The entries stay, and everything still verifies. */
import { existsSync } from 'node:fs';
import { Ledger, witnessPaths } from '@infrafabric/ledger';
import type { Redacted } from '@infrafabric/ledger/erasure';
import { LedgerReader } from '@infrafabric/ledger/reader';
import type { Command } from 'commander';
import { act, type Invocation } from '../act.js';
import { CliError, usageError } from '../cli-error.js';
import type { CommonOptions } from '../common-options.js';
import type { ExitCode } from '../exit-code.js';
import { renderJson } from '../json-text.js';
import { printOut } from '../output.js';
import { addHelp } from '../program.js';
import { bar, Progress } from '../progress.js';
import { type ChoosingFlags, type Chosen, choosingOf } from '../redact/choose-targets.js';
import { confirm } from '../redact/confirm.js';
import { chosenJson, redactedJson, renderChosen, renderRedacted, whatOf } from '../redact/render-redacted.js';
import { terminalWidth } from '../terminal-width.js';

interface RedactFlags extends ChoosingFlags {
  readonly reason?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly finish?: boolean;
}

export function define(command: Command): void {
  command
    .argument('[seq...]', 'entries whose payload is to be erased')
    .option('--reason <text>', 'why, signed with the redaction and shown to every auditor')
    .option('--trace-id <id>', 'all that `trace` shows under this id')
    .option('--older-than <age>', 'all that was received longer ago: 180d, 26w, 12h')
    .option(
      '--where <expr>',
      "of these, or of all, only what this is true of: 'component=IF.witness.sip and not model=gpt-*'",
    )
    .option('--dry-run', 'say what would be erased, and erase nothing')
    .option('--yes', 'do not ask; needed for --trace-id, --older-than and --where where nobody can be asked')
    .option('--finish', 'only get rid of the older copies that an earlier redact could not');
  addHelp(
    command,
    'Erases payloads: attributes, prompts, user ids, all that was not signed in clear. Leaves signed redaction entries.',
    [
      'if-witness redact 42 --reason "request of the person concerned, ticket 1234"',
      'if-witness redact --trace-id user-request-123 --reason "ticket 1234" --yes',
      'if-witness redact --older-than 180d --where component=IF.witness.sip --dry-run',
      'if-witness redact --older-than 180d --reason "retention: 180 days" --yes',
    ],
    [
      'What was signed in clear cannot be erased: the event, trace ids, component, service, times, model, tokens, cost, and the\n' +
        '--reason given here. Copies that left the ledger are not reached: backups, exports, spools, what was forwarded.',
      'EXPR: FIELD=VALUE or FIELD!=VALUE, joined by and, or, not and ( ). Fields: component, event, model, parent_trace_id,\n' +
        "provider, service, trace_id, type. In a value * is any text and ? one character; quote one with spaces: event='a b'.\n" +
        'Payloads of budgets are meant only by SEQ, or where EXPR asks for a type.',
      '"erased" means: not in the file, nor in its write-ahead log. Where a reader holds the log, the exit code is 0 with a\n' +
        'warning, and `redact --finish` does the rest; doctor reminds of it.',
    ],
  );
  command.action(act<RedactFlags>(redact));
}

async function redact({ flags, args, common, messages }: Invocation<RedactFlags>): Promise<ExitCode> {
  if (flags.finish === true) {
    if (args.length > 0 || flags.traceId !== undefined || flags.olderThan !== undefined || flags.where !== undefined)
      throw usageError('--finish stands alone: it erases nothing new');
    const redacted = await erase([], '', common);
    if (common.json) printOut(`${renderJson(redactedJson(redacted))}\n`);
    else if (redacted.overwritten) printOut('nothing is left of what was erased\n');
    return redacted.overwritten ? 0 : couldNotOverwrite(messages, 1);
  }
  const choose = choosingOf(args, flags, BigInt(Date.now()) * 1_000_000n);
  if (flags.dryRun !== true && (flags.reason ?? '').trim() === '')
    throw usageError('--reason is missing: it is signed, and tells every later reader why', 'see --help');
  const chosen = chooseFrom(common, choose);
  if (flags.dryRun === true) {
    printOut(common.json ? `${renderJson(chosenJson(chosen))}\n` : renderChosen(chosen, terminalWidth()));
    return exitCodeOf(chosen);
  }
  const isAsked = !chosen.isNamed && chosen.targets.length > 0;
  if (isAsked && !(await confirm(`erase ${whatOf(chosen)}? This cannot be undone.`, flags.yes === true))) {
    messages.note('nothing was erased');
    return 1;
  }
  const seqs = [...chosen.targets, ...chosen.already].map(({ seq }) => seq);
  const redacted = await erase(seqs, flags.reason!, common);
  printOut(common.json ? `${renderJson(redactedJson(redacted))}\n` : renderRedacted(redacted));
  const isStopped = redacted.targets.length < seqs.length;
  if (isStopped) messages.warn('stopped before the end: what is said above is erased; run it again for the rest');
  if (!redacted.overwritten) return couldNotOverwrite(messages, isStopped ? 2 : 0);
  if (isStopped) return 2;
  return exitCodeOf(chosen);
}

/** Nothing to erase is a no, unless all that was named is erased already. */
function exitCodeOf({ targets, already }: Chosen): ExitCode {
  return targets.length + already.length > 0 ? 0 : 1;
}

function couldNotOverwrite(messages: Invocation<object>['messages'], exitCode: ExitCode): ExitCode {
  messages.warn('an older copy remains in the write-ahead log, or in the accounts of the home, until readers leave');
  messages.note('then run if-witness redact --finish');
  return exitCode;
}

function chooseFrom(common: CommonOptions, choose: ReturnType<typeof choosingOf>): Chosen {
  const reader = LedgerReader.open(witnessPaths(common).ledger);
  const progress = new Progress(common.quiet);
  try {
    const size = reader.entryCount();
    return choose(reader, (seq) => progress.show(() => `${bar(seq, size)} looking for payloads`));
  } finally {
    progress.clear();
    reader.close();
  }
}

async function erase(seqs: readonly number[], reason: string, common: CommonOptions): Promise<Redacted> {
  const paths = witnessPaths(common);
  // Opening to write would create what is not there.
  if (!existsSync(paths.ledger))
    throw new CliError('not-found', `there is no ledger at ${paths.ledger}`, { hint: 'check --ledger and --home' });
  const progress = new Progress(common.quiet);
  const ledger = await Ledger.open({ home: common.home, ledger: common.ledger });
  const abort = new AbortController();
  const stop = (): void => abort.abort();
  process.once('SIGINT', stop);
  try {
    return await ledger.redact(seqs, reason, {
      signal: abort.signal,
      onSurvey: (payloads) =>
        progress.show(() => `looking for the last payload of each resource: ${payloads.toLocaleString('en')}`),
      onProgress: (done) => progress.show(() => `${bar(done, seqs.length)} erasing`),
    });
  } catch (error) {
    if (error instanceof RangeError) throw usageError(`--reason: ${error.message}`);
    throw error;
  } finally {
    process.off('SIGINT', stop);
    progress.clear();
    await ledger.close();
  }
}
