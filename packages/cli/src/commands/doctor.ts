/** `if-witness doctor`: what is wrong with this installation, and how to mend it. Changes nothing unless told to. */
import { existsSync } from 'node:fs';
import { type WitnessPaths, witnessPaths } from '@infrafabric/ledger';
import type { Command } from 'commander';
import { act, type Invocation } from '../act.js';
import { CliError, usageError } from '../cli-error.js';
import { type Paint, paintIf, wantsColor } from '../color.js';
import type { CommonOptions } from '../common-options.js';
import { checkErasure } from '../doctor/check-erasure.js';
import { checkHome, checkKey, checkLedgerFile } from '../doctor/check-files.js';
import { checkKeyAge } from '../doctor/check-key-age.js';
import { checkPolicy } from '../doctor/check-policy.js';
import { checkRates } from '../doctor/check-rates.js';
import {
  checkClock,
  checkDisk,
  checkHead,
  checkLastVerify,
  checkSpool,
  checkSqlite,
  checkWal,
  openLedger,
} from '../doctor/check-store.js';
import type { Finding } from '../doctor/finding.js';
import { escapeText } from '../escape.js';
import type { ExitCode } from '../exit-code.js';
import { renderJson } from '../json-text.js';
import { printOut } from '../output.js';
import { addHelp } from '../program.js';
import type { RepairFlags } from '../repair/repair.js';
import { describeItself, type SelfDescription } from '../verify/choose-key.js';

interface DoctorFlags extends RepairFlags {
  readonly acceptHead?: string;
  readonly repair?: true;
}

export function define(command: Command): void {
  command
    .option(
      '--accept-head <reason>',
      'continue an older copy that was restored on purpose: a signed entry records which head is given up, and why',
    )
    .option('--repair', 'take what of a damaged ledger is still provable into a new one, and say what is lost')
    .option('--output <file>', 'with --repair: the new ledger (default: witness.repaired.db beside witness.db)')
    .option('--key <vkey>', 'with --repair: the key to trust, as text or as a file (default: the one in the home)')
    .option('--unverified', 'with --repair: also take what can be read but not proven, and record that');
  addHelp(
    command,
    'Finds what is wrong with this installation, and says how to mend it.',
    [
      'if-witness doctor',
      'if-witness doctor --json',
      'if-witness doctor --repair --output salvaged.db',
      "if-witness doctor --accept-head 'restored from the backup of 2025-11-10 after a disk failure'",
    ],
    [
      'It looks at home, permissions, key and its age, SQLite, sizes, disk, clock, head, witness policy, spool, rate cards and the\nlast verification, and changes nothing. Whether the ledger is what was signed is for verify to say.',
      '--repair edits nothing. The entries that a signed checkpoint still proves go into a new ledger, with what is left of their\n' +
        'payloads; entries and payloads that are lost are listed. Exit code 1 when there is nothing to repair.',
    ],
  );
  command.action(act<DoctorFlags>(doctor));
}

async function doctor({ flags, common, messages }: Invocation<DoctorFlags>): Promise<ExitCode> {
  if (flags.repair === true) {
    if (flags.acceptHead !== undefined) throw usageError('--repair and --accept-head exclude each other');
    const { repair } = await import('../repair/repair.js');
    return repair(flags, witnessPaths(common), common, messages);
  }
  for (const name of ['output', 'key', 'unverified'] as const)
    if (flags[name] !== undefined) throw usageError(`--${name} is for --repair`);
  return flags.acceptHead === undefined ? diagnose(common) : acceptHead(flags.acceptHead, common);
}

/** Exit code 1 when there is nothing to accept. */
async function acceptHead(reason: string, common: CommonOptions): Promise<ExitCode> {
  const paths = witnessPaths(common);
  if (reason.trim() === '') throw usageError('--accept-head needs the reason, for whoever reads the ledger later');
  if (!existsSync(paths.ledger)) throw new CliError('ledger', `there is no ledger at ${paths.ledger}`);
  const { Ledger } = await import('@infrafabric/ledger');
  const ledger = await Ledger.open(paths);
  try {
    const restored = await ledger.acceptHead(reason);
    if (common.json) printOut(`${renderJson({ accepted: restored !== undefined, seq: restored?.seq ?? null })}\n`);
    else if (restored === undefined)
      printOut('nothing to accept: the ledger does not contradict its remembered head\n');
    else printOut(`entry ${restored.seq} records that an older copy was restored; the ledger can be continued\n`);
    return restored === undefined ? 1 : 0;
  } finally {
    await ledger.close();
  }
}

async function diagnose(common: CommonOptions): Promise<ExitCode> {
  const findings = await examine(witnessPaths(common));
  const problems = findings.filter(({ ok }) => !ok).length;
  process.exitCode = problems === 0 ? 0 : 1;
  if (common.json) {
    const checks = findings.map(({ check, ok, found, mend }) => ({ check, ok, found, mend: mend ?? null }));
    printOut(`${renderJson({ ok: problems === 0, problems, checks })}\n`);
  } else {
    const paint = paintIf(wantsColor(1, common.color));
    printOut(
      findings
        .filter(({ ok }) => !ok || !common.quiet)
        .map((finding) => renderFinding(finding, paint))
        .join(''),
    );
  }
  return problems === 0 ? 0 : 1;
}

async function examine(paths: WitnessPaths): Promise<Finding[]> {
  const findings = [checkHome(paths), ...checkLedgerFile(paths), checkSqlite()];
  let itself: SelfDescription | undefined;
  if (existsSync(paths.ledger)) {
    const { finding, note, newestMs } = openLedger(paths);
    findings.push(finding);
    if (finding.ok) {
      itself = describeItself(paths.ledger);
      findings.push(...(await checkKey(paths, itself)));
      const age = checkKeyAge(paths);
      if (age !== undefined) findings.push(age);
    }
    const erasure = checkErasure(paths);
    if (erasure !== undefined) findings.push(erasure);
    findings.push(checkWal(paths), checkHead(paths, note), checkClock(newestMs), checkLastVerify(paths));
  } else findings.push(checkClock(undefined));
  return [...findings, checkPolicy(paths, itself), checkDisk(paths), checkSpool(paths), ...checkRates(paths)];
}

function renderFinding({ check, ok, found, mend }: Finding, paint: Paint): string {
  const mark = ok ? paint.good('ok     ') : paint.bad('problem');
  const line = `${mark}  ${check.padEnd(11)}  ${escapeText(found)}\n`;
  return mend === undefined ? line : `${line}${' '.repeat(22)}mend: ${escapeText(mend)}\n`;
}
