/** `if-witness verify`: the verdict. The judging is @infrafabric/verify's; here is what it is asked, and how it is said. */
import { existsSync } from 'node:fs';
import { Ledger, LedgerError, readHead, type WitnessPaths, witnessPaths } from '@infrafabric/ledger';
import type { Report, VerifyOptions } from '@infrafabric/verify';
import type { Command } from 'commander';
import { act, type Invocation } from '../act.js';
import { CliError, usageError } from '../cli-error.js';
import { paintIf, wantsColor } from '../color.js';
import type { ExitCode } from '../exit-code.js';
import { renderJson } from '../json-text.js';
import { printOut } from '../output.js';
import { addHelp } from '../program.js';
import { bar, Progress } from '../progress.js';
import type { AnsweredWitness, Asked, askWitnesses } from '../verify/ask-witnesses.js';
import { describeItself, keyOfFlag, localKeyOf, otherLocalKeys } from '../verify/choose-key.js';
import { damagedReport } from '../verify/damaged-report.js';
import { rememberVerify } from '../verify/last-verify.js';
import { keyOfPolicy, loadPolicy } from '../verify/load-policy.js';
import { openAnchors } from '../verify/open-anchors.js';
import { copyToRead, needsCopy, type ReadableCopy } from '../verify/readable-copy.js';
import { type Circumstances, renderReport, renderVerdict } from '../verify/render-report.js';
import { reportJson } from '../verify/report-json.js';
import { verifyFile } from '../verify/verify-file.js';

interface VerifyFlags {
  readonly deep?: true;
  readonly allSignatures?: true;
  readonly anchor?: readonly string[];
  readonly requireAnchor?: true;
  /** False when `--no-policy` was given. */
  readonly policy?: string | false;
  readonly ask?: true;
  readonly key?: string;
  readonly proof?: string;
  readonly entry?: string;
  readonly bundle?: string;
  readonly page?: string;
  /** False when `--no-head` was given. */
  readonly head?: boolean;
}

export function define(command: Command): void {
  command
    .option(
      '--anchor <file>',
      'a checkpoint that was kept elsewhere, a file or a line; may be repeated',
      (file, files: string[] = []) => [...files, file],
    )
    .option('--require-anchor', 'without an anchor the answer is INCOMPLETE')
    .option('--policy <file>', 'whose cosignatures are needed (default: policy in the home, if there is one)')
    .option('--no-policy', 'ask for no cosignatures')
    .option('--ask', 'ask the witnesses of the policy whether they have seen more than there is')
    .option('--key <vkey>', 'the key to trust, as text or as a file (default: the one in the witness home)')
    .option('--no-head', 'leave out what is remembered of it here: its head, and later keys')
    .option('--all-signatures', 'check the signature of every checkpoint, not of 10,000 at most')
    .option('--deep', 'also check that every entry is canonical JSON')
    .option('--bundle <file>', 'judge a bundle of `export` instead of a ledger; - for stdin')
    .option('--proof <file>', 'judge a proof of one entry instead of a ledger')
    .option('--entry <file>', 'with --proof: the octets of the entry, - for stdin')
    .option('--page <file>', 'judge nothing; write the page that judges bundles in any browser, without a network');
  addHelp(
    command,
    'Judges the ledger: every entry, the tree, the checkpoints, payloads and columns.',
    [
      'if-witness verify',
      'if-witness verify --anchor anchor-2025-11-11.note --require-anchor',
      'if-witness verify --policy policy --ask',
      'if-witness verify --ledger copy.db --key witness.vkey --no-head --json',
      'if-witness verify --bundle call.bundle --key witness.vkey --policy policy',
      'if-witness verify --proof 41.tlog-proof --entry 41.json --key witness.vkey',
    ],
    [
      'VALID        nothing contradicts what the key holder signed; (witnessed), (anchored) or (unanchored)\n' +
        'INCOMPLETE   nothing contradicts, but something is missing to tell: payloads, a key, an anchor, cosignatures\n' +
        'INVALID      something was changed; the first bad entry is named',
      'Where there is no ledger yet, it is created. With --quiet only the verdict is printed. The file is never changed.',
    ],
  );
  command.action(act<VerifyFlags>(verify));
}

async function verify(invocation: Invocation<VerifyFlags>): Promise<ExitCode> {
  const { flags, common, messages } = invocation;
  requireThatFit(flags);
  if (flags.page !== undefined) {
    const { writePage } = await import('../verify/write-page.js');
    writePage(flags.page, common, messages);
    return 0;
  }
  if (flags.proof !== undefined) {
    const { verifyProof } = await import('../verify/verify-proof.js');
    return verifyProof({ proof: flags.proof, entry: flags.entry, key: flags.key }, common);
  }
  const paths = witnessPaths(common);
  if (flags.bundle !== undefined) {
    const { verifyBundleFile } = await import('../verify/verify-bundle.js');
    const { bundle, key, anchor: anchors = [], requireAnchor, policy, deep } = flags;
    const asked = { bundle, key, anchors, requireAnchor: requireAnchor === true, policy, deep: deep === true };
    return verifyBundleFile(asked, common);
  }
  const created = await createIfNone(paths, invocation);
  const copy = needsCopy(paths.ledger) ? await copyToRead(paths.ledger) : undefined;
  try {
    const { report, asked } = await judge(paths, copy, invocation);
    // Set before printing: the answer stands even if nobody reads it to its end.
    process.exitCode = report.exitCode;
    print(report, { path: paths.ledger, created, copied: copy !== undefined, asked }, invocation);
    rememberVerify(paths.home, paths.ledger, report);
    return report.exitCode;
  } finally {
    await copy?.remove();
  }
}

/** A flag that would be passed over is a mistake. @throws CliError `usage`. */
function requireThatFit(flags: VerifyFlags): void {
  const { proof, bundle, page, entry, key, deep, allSignatures, anchor, requireAnchor, policy, ask, head } = flags;
  if (proof !== undefined && bundle !== undefined) throw usageError('--proof and --bundle are two questions');
  if (entry !== undefined && proof === undefined) throw usageError('--entry goes with --proof');
  const noHead = head === false ? true : undefined;
  const ofLedgers = { '--all-signatures': allSignatures, '--ask': ask, '--no-head': noHead };
  const policyFlag = { [policy === false ? '--no-policy' : '--policy']: policy };
  const ofHistories = { '--deep': deep, '--anchor': anchor, '--require-anchor': requireAnchor, ...policyFlag };
  const ofAll = { '--key': key, '--proof': proof, '--bundle': bundle };
  const others =
    page !== undefined
      ? { ...ofLedgers, ...ofHistories, ...ofAll }
      : proof !== undefined
        ? { ...ofLedgers, ...ofHistories }
        : bundle !== undefined
          ? ofLedgers
          : {};
  const question = page !== undefined ? '--page' : proof !== undefined ? '--proof' : '--bundle';
  for (const [name, value] of Object.entries(others))
    if (value !== undefined) throw usageError(`${name} does not go with ${question}`);
}

/** First use of the default ledger creates it. Whoever names a file, a key or an anchor expects that there is one. */
async function createIfNone(paths: WitnessPaths, { flags, common }: Invocation<VerifyFlags>): Promise<boolean> {
  if (existsSync(paths.ledger)) return false;
  const named = [common.ledger, flags.key, flags.anchor, flags.policy || undefined, flags.ask];
  const expectsOne = named.some((value) => value !== undefined);
  if (expectsOne) {
    throw new CliError('io', `there is no ledger at ${paths.ledger}`, { hint: 'name one with --ledger or --home' });
  }
  // Refuses where a head is remembered: then there was a ledger, and it is gone.
  await (await Ledger.open(paths)).close();
  return true;
}

async function judge(
  paths: WitnessPaths,
  copy: ReadableCopy | undefined,
  { flags, common, messages }: Invocation<VerifyFlags>,
): Promise<{ readonly report: Report; readonly asked: readonly AnsweredWitness[] | undefined }> {
  const path = copy?.path ?? paths.ledger;
  if (flags.key === '') throw usageError('--key is empty');
  const itself = describeItself(path);
  const loaded = loadPolicy(flags.policy, paths.home);
  const chosen =
    flags.key === undefined
      ? (keyOfPolicy(loaded, itself.origin) ?? localKeyOf(paths.home, itself))
      : keyOfFlag(flags.key);
  // What this machine remembers of the ledger: its head, and keys that later copies of it had.
  const alsoHeld = chosen?.source === 'local' && flags.head !== false ? otherLocalKeys(paths.home, itself, chosen) : [];
  const anchors = openAnchors(flags.anchor ?? [], chosen?.key, alsoHeld, itself.epochs, loaded?.policy);
  const asked =
    flags.ask === true ? await ask(path, chosen?.key, alsoHeld, itself.epochs, loaded, messages) : undefined;
  const progress = new Progress(common.quiet);
  const options: VerifyOptions = {
    ...(chosen === undefined ? {} : { key: chosen.key, keySource: chosen.source, keyFrom: chosen.from }),
    ...(flags.head === false ? {} : { head: readHead(paths.ledger) ?? null }),
    alsoHeld,
    anchors: [...anchors, ...(asked?.anchors ?? [])],
    ...(loaded === undefined ? {} : { policy: { policy: loaded.policy, from: loaded.from } }),
    ...(asked === undefined ? {} : { asked }),
    requireAnchor: flags.requireAnchor === true,
    allSignatures: flags.allSignatures === true,
    deep: flags.deep === true,
    onProgress: (entries) =>
      progress.show(() => `${bar(entries, itself.size)}  ${entries.toLocaleString('en')} entries`),
  };
  if (copy !== undefined)
    messages.note(`${paths.ledger}: SQLite cannot read it where it lies, so a private copy is verified`);
  try {
    const { report, sameFile } = await verifyFile({ home: paths.home, ledger: path }, options);
    if (!sameFile || copy?.isCurrent() === false) throw replaced(paths.ledger);
    return { report, asked: asked?.answers };
  } catch (error) {
    if (error instanceof LedgerError && error.code === 'corrupt')
      return { report: damagedReport(error.message, options), asked: asked?.answers };
    throw error;
  } finally {
    progress.clear();
  }
}

/** Loaded only now: most verifications ask nobody. */
async function ask(...args: Parameters<typeof askWitnesses>): Promise<Asked> {
  const { askWitnesses } = await import('../verify/ask-witnesses.js');
  return askWitnesses(...args);
}

function print(report: Report, circumstances: Circumstances, { common }: Invocation<VerifyFlags>): void {
  const paint = paintIf(wantsColor(1, common.color));
  if (common.json) printOut(`${renderJson(reportJson(report, circumstances))}\n`);
  else if (common.quiet) printOut(`${renderVerdict(report, circumstances, paint)}\n`);
  else printOut(renderReport(report, circumstances, paint));
}

function replaced(path: string): CliError {
  return new CliError('replaced', `the file was replaced while being read: ${path}`, {
    hint: 'find out who did that, then verify again',
  });
}
