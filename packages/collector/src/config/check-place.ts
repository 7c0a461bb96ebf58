/** Whether a ledger can be where it is told to be. Creates nothing. */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { WitnessPaths } from '@infrafabric/ledger';
import type { Findings } from './config-problem.js';
import type { SettingName } from './settings.js';

/** @param at who gave a setting */
export function checkPlace(
  { home, ledger }: WitnessPaths,
  at: (name: SettingName) => string,
  findings: Findings,
): void {
  checkFolder(home, at('home'), findings);
  if (dirname(ledger) !== home) checkFolder(dirname(ledger), at('ledger'), findings);
  if (existsSync(ledger) && !statSync(ledger).isFile()) findings.problem(at('ledger'), `${ledger} is not a file`);
  else if (existsSync(ledger) && !isWritable(ledger)) {
    findings.problem(at('ledger'), `${ledger} cannot be written by this account`, 'check owner and mode');
  }
}

/** A folder that is not there yet can be made where the one above it can be written. */
function checkFolder(folder: string, source: string, findings: Findings): void {
  let nearest = folder;
  while (!existsSync(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest);
  if (!statSync(nearest).isDirectory()) findings.problem(source, `${nearest} is not a folder`);
  else if (!isWritable(nearest)) {
    findings.problem(source, `${nearest} cannot be written by this account`, 'check owner and mode');
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
