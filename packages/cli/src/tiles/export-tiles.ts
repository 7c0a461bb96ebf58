/** `export --format tiles`: what the command line says around writing them. */
import { witnessPaths } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { usageError } from '../cli-error.js';
import type { CommonOptions } from '../common-options.js';
import { renderJson } from '../json-text.js';
import type { Messages } from '../messages.js';
import { printOut } from '../output.js';
import { bar, Progress } from '../progress.js';
import { writeTiles } from './write-tiles.js';

/** Writes the ledger into a directory of tiles. @throws CliError, LedgerError. */
export function exportTiles(output: string | undefined, common: CommonOptions, messages: Messages): void {
  if (output === undefined || output === '') {
    throw usageError('--format tiles needs --output', 'name a directory: a new one, or one that it wrote before');
  }
  const reader = LedgerReader.open(witnessPaths(common).ledger);
  const progress = new Progress(common.quiet);
  try {
    const { origin, size, added, files } = writeTiles(reader, output, (stage, done, all) =>
      progress.show(() => `${bar(done, all)} ${stage === 'entries' ? 'writing' : 'syncing'}`),
    );
    progress.clear();
    if (common.json) printOut(`${renderJson({ output, format: 'tiles', origin, size, added, files })}\n`);
    else messages.note(`${size.toLocaleString('en')} entries in ${output}, ${added.toLocaleString('en')} of them new`);
  } finally {
    progress.clear();
    reader.close();
  }
}
