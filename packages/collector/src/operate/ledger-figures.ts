/** How many entries a ledger has and how large it is, without opening it: from its remembered head and its files' sizes. */
import { readFile, stat } from 'node:fs/promises';
import { parseCheckpoint, parseNote } from '@infrafabric/format';
import { headFile } from '@infrafabric/ledger';

/** What is known. */
export interface LedgerFigures {
  /** Undefined before the first commit, and where the head cannot be read. */
  readonly entries: number | undefined;
  /** The file and its write-ahead log together. */
  readonly bytes: number;
}

/** Never rejects: what cannot be had is left out. */
export async function ledgerFigures(ledger: string): Promise<LedgerFigures> {
  const [entries, file, wal] = await Promise.all([entriesOfHead(ledger), sizeOf(ledger), sizeOf(`${ledger}-wal`)]);
  return { entries, bytes: file + wal };
}

async function entriesOfHead(ledger: string): Promise<number | undefined> {
  try {
    // Its signature is not looked at: this is a gauge, not a proof.
    return parseCheckpoint(parseNote(await readFile(headFile(ledger))).text).size;
  } catch {
    return undefined;
  }
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch {
    return 0;
  }
}
