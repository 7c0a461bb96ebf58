/** Writers in processes of their own, to be killed; and what must hold of the ledger that they leave behind. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { expect } from 'vitest';
import { keyOf, verifyAgainstHead } from './ledger-files.js';

const SCRIPT = fileURLToPath(new URL('children/write.mjs', import.meta.url));

/** A writer under way. */
export interface Writer {
  readonly child: ChildProcess;
  /** Numbers of the spans whose batch was acknowledged, growing. */
  readonly acknowledged: number[];
  /** What it printed besides. */
  readonly said: string[];
  /** Settles when the process is gone and all that it printed was read. */
  readonly ended: Promise<void>;
}

/** What to write: see children/write.mjs. */
export interface Work {
  readonly first: number;
  readonly batches: number;
  readonly size: number;
}

/** Starts a writer on a witness home. `wrapper` is a command that runs it, e.g. strace. */
export function startWriter(home: string, { first, batches, size }: Work, wrapper: readonly string[] = []): Writer {
  const [program, ...args] = [...wrapper, process.execPath, SCRIPT, home, ...[first, batches, size].map(String)];
  const child = spawn(program!, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const writer: Writer = { child, acknowledged: [], said: [], ended: once(child, 'close').then(() => undefined) };
  let rest = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      const [from, to] = line.split(' ').map(Number);
      if (to === undefined || Number.isNaN(from)) writer.said.push(line);
      else for (let n = from!; n <= to; n++) writer.acknowledged.push(n);
    }
  });
  return writer;
}

/** Verifies a ledger that several writers worked on: VALID, agreeing with its head, every acknowledged span in it once. */
export function expectWhole(home: string, acknowledged: readonly number[]): number {
  const path = `${home}/witness.db`;
  const reader = LedgerReader.open(path);
  const seen = new Map<number, number>();
  try {
    for (const { entry } of reader.entriesFrom()) {
      const n = Number.parseInt(String(entry.body.span), 16);
      if (entry.type === 'span') seen.set(n, (seen.get(n) ?? 0) + 1);
    }
    const report = verifyAgainstHead(path, { key: keyOf(home, String(reader.genesis()!.entry.body.origin)) });
    expect(report).toMatchObject({ verdict: 'VALID', head: 'agrees', problems: [] });
  } finally {
    reader.close();
  }
  expect(acknowledged.filter((n) => seen.get(n) !== 1)).toEqual([]);
  expect([...seen].filter(([, count]) => count !== 1)).toEqual([]);
  return seen.size;
}
