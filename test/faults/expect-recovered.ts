/** What must hold of a home in which a writer failed or was killed at any system call. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { expect } from 'vitest';
import { keyOf, verifyAgainstHead } from '../attacks/ledger-files.js';
import { expectWhole } from '../attacks/writer-process.js';
import { ALL_SPANS, BATCH_SIZE, type Fault, type Outcome, runAgain } from './faulty-writer.js';

/**
 * The ledger is VALID as it was left, holds whole batches and every acknowledged one; the same writer, started again, brings
 * the rest in, and nothing is there twice. @returns in a word what was left
 */
export async function expectRecovered(folder: string, fault: Fault, outcome: Outcome): Promise<string> {
  const where = `${fault.kind} at ${fault.call} number ${fault.nth}`;
  const home = join(folder, 'home');
  const left = stateLeft(home, where);
  for (const n of outcome.acknowledged) expect(left.spans, `${where}: ${n} was acknowledged`).toContain(n);
  if (outcome.opened) expect(left.name, where).not.toMatch(/^no/);
  const again = await runAgain(folder);
  expect({ where, ...again }).toMatchObject({ where, opened: true, acknowledged: ALL_SPANS, failure: undefined });
  expect(expectWhole(home, ALL_SPANS), where).toBe(ALL_SPANS.length);
  return left.name;
}

/** What a verifier finds before anybody repairs anything. */
function stateLeft(home: string, where: string): { name: string; spans: number[] } {
  const path = join(home, 'witness.db');
  if (!existsSync(path)) return { name: 'no ledger', spans: [] };
  if (statSync(path).size === 0 && !existsSync(`${path}-wal`)) return { name: 'no ledger yet', spans: [] };
  // Until it is in WAL mode a new file has one; no verifier touches what SQLite would replay.
  if (existsSync(`${path}-journal`)) return { name: 'no ledger yet, a journal', spans: [] };
  const reader = LedgerReader.open(path);
  try {
    const { schema } = reader.summary();
    if (schema.length === 0) return { name: 'no ledger yet', spans: [] };
    const key = keyOf(home, String(reader.genesis()!.entry.body.origin));
    expect(verifyAgainstHead(path, { key }), where).toMatchObject({ verdict: 'VALID', problems: [] });
    const spans: number[] = [];
    for (const { entry } of reader.entriesFrom()) {
      if (entry.type === 'span') spans.push(Number.parseInt(String(entry.body.span), 16));
    }
    expect(spans, where).toEqual(ALL_SPANS.slice(0, spans.length));
    expect(spans.length % BATCH_SIZE, `${where}: half a batch`).toBe(0);
    return { name: `VALID, ${spans.length / BATCH_SIZE} batches`, spans };
  } finally {
    reader.close();
  }
}
