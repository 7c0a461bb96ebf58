/** `if-witness doctor --repair`: what of a damaged ledger is still provable, in a new one. The damaged one is never opened. */
import { existsSync } from 'node:fs';
import { dirname, parse, resolve } from 'node:path';
import { LedgerError, readHead, type WitnessPaths } from '@infrafabric/ledger';
import { importLedger, requireFresh } from '@infrafabric/ledger/import';
import type { VerifyOptions } from '@infrafabric/verify';
import { CliError, usageError } from '../cli-error.js';
import { paintIf } from '../color.js';
import type { CommonOptions } from '../common-options.js';
import type { ExitCode } from '../exit-code.js';
import { renderJson } from '../json-text.js';
import type { Messages } from '../messages.js';
import { printOut } from '../output.js';
import { Progress } from '../progress.js';
import { describeItself, keyOfFlag, localKeyOf } from '../verify/choose-key.js';
import { copyToRead } from '../verify/readable-copy.js';
import { renderVerdict } from '../verify/render-report.js';
import { verifyFile } from '../verify/verify-file.js';
import { renderRepair, repairJson } from './render-repair.js';
import { openSalvage } from './salvage.js';

/** What the command line said. */
export interface RepairFlags {
  readonly output?: string;
  readonly key?: string;
  readonly unverified?: true;
}

/** Exit code 1 when there is nothing to repair. */
export async function repair(
  flags: RepairFlags,
  paths: WitnessPaths,
  common: CommonOptions,
  messages: Messages,
): Promise<ExitCode> {
  const { home, ledger } = paths;
  if (flags.key === '') throw usageError('--key is empty');
  if (!existsSync(ledger))
    throw new CliError('ledger', `there is no ledger at ${ledger}`, { hint: 'name it with --ledger' });
  const output = outputOf(flags.output, ledger);
  requireFresh(output);
  // Beside the new file, because there is the room for it: SQLite would make files beside the damaged one.
  const copy = await copyToRead(ledger, dirname(output));
  const progress = new Progress(common.quiet);
  try {
    const verdict = await verdictIfWell({ home, ledger: copy.path }, ledger, flags);
    if (verdict !== undefined) return nothingToRepair(verdict, ledger, common);
    const salvage = openSalvage({
      path: copy.path,
      ledger,
      home,
      key: flags.key,
      onProgress: (done) => progress.show(() => `${done.toLocaleString('en')} entries read`),
    });
    try {
      const { provable } = salvage;
      const foreign = salvage.foreign(flags.unverified === true);
      if (foreign.runs.length === 0) {
        throw new CliError('ledger', `nothing of ${ledger} is provably what the key ${salvage.key.keyIdHex} signed`, {
          hint:
            provable.unproven.length > 0
              ? 'is it the right key? --unverified takes what can be read, and says in the new ledger that nobody verified it'
              : 'restore a backup with if-witness import',
        });
      }
      const imported = await importLedger(foreign, {
        home,
        ledger: output,
        onProgress: (done) => progress.show(() => `${done.toLocaleString('en')} entries taken`),
      });
      progress.clear();
      if (existsSync(`${ledger}-journal`))
        messages.warn(`a rollback journal lies beside the damaged ledger, and was not looked at: ${ledger}-journal`);
      const result = { ledger, salvage, imported, tookUnproven: flags.unverified === true };
      printOut(common.json ? `${renderJson(repairJson(result))}\n` : renderRepair(result));
      return 0;
    } finally {
      salvage.close();
    }
  } finally {
    progress.clear();
    await copy.remove();
  }
}

/** The verdict of a ledger to which nothing happened; undefined for any other. @throws CliError exit code 3 */
async function verdictIfWell(copied: WitnessPaths, ledger: string, { key }: RepairFlags): Promise<string | undefined> {
  const itself = describeItself(copied.ledger);
  const chosen = key === undefined ? localKeyOf(copied.home, itself) : keyOfFlag(key);
  const options: VerifyOptions = {
    ...(chosen === undefined ? {} : { key: chosen.key, keySource: chosen.source, keyFrom: chosen.from }),
    head: readHead(ledger) ?? null,
  };
  try {
    const { report } = await verifyFile(copied, options);
    if (report.code === 'incomplete.not-understood') {
      throw new CliError('ledger', 'this version does not understand all that the ledger says is critical', {
        exitCode: 3,
        hint: 'use the if-witness that wrote it, or a newer one',
      });
    }
    const circumstances = { path: ledger, created: false, copied: false };
    return report.verdict === 'VALID' ? renderVerdict(report, circumstances, paintIf(false)) : undefined;
  } catch (error) {
    if (error instanceof LedgerError && error.code === 'corrupt') return undefined;
    throw error;
  }
}

function nothingToRepair(verdict: string, ledger: string, common: CommonOptions): ExitCode {
  const journal = existsSync(`${ledger}-journal`);
  const advice = journal ? `; move ${ledger}-journal away, which no ledger has, and keep it as evidence` : '';
  if (common.json) printOut(`${renderJson({ repaired: false, ledger, verdict, journal })}\n`);
  else printOut(`nothing to repair: ${verdict}${advice}\n`);
  return 1;
}

/** `witness.db` is repaired into `witness.repaired.db`. */
function outputOf(flag: string | undefined, ledger: string): string {
  if (flag === '') throw usageError('--output is empty');
  const { dir, name, ext } = parse(ledger);
  const output = resolve(flag ?? `${dir}/${name}.repaired${ext}`);
  if (output === resolve(ledger)) throw usageError('--output is the damaged ledger itself', 'name a new file');
  return output;
}
