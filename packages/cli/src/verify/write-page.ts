/** `if-witness verify --page FILE`: the page that judges bundles in a browser, as one file. */
import { readFileSync } from 'node:fs';
import { witnessPaths } from '@infrafabric/ledger';
import { CliError } from '../cli-error.js';
import type { CommonOptions } from '../common-options.js';
import { writeFileOutput } from '../file-output.js';
import { renderJson } from '../json-text.js';
import type { Messages } from '../messages.js';
import { printOut } from '../output.js';

/** Beside the compiled program; page/build.mjs writes it. */
const PAGE = new URL('../verify-page.html', import.meta.url);

/** Writes it. @throws CliError `io`. */
export function writePage(file: string, common: CommonOptions, messages: Messages): void {
  writeFileOutput(file, witnessPaths(common).ledger, pageText());
  if (common.json) printOut(`${renderJson({ output: file })}\n`);
  else messages.note(`page in ${file}: open it in a browser, and drop a bundle on it`);
}

function pageText(): string {
  try {
    return readFileSync(PAGE, 'utf8');
  } catch (cause) {
    throw new CliError('io', `the page is not there: ${(cause as Error).message}`, { cause, hint: 'run pnpm build' });
  }
}
