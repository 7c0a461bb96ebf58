/** Attack matrix: several processes append to one file, and some of them die. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { expect, test } from 'vitest';
import { newDirectory } from './ledger-files.js';
import { expectWhole, startWriter } from './writer-process.js';

test('8 processes × 5,000 entries, two of them killed midway: VALID, all that was acknowledged is there once', {
  timeout: 240_000,
}, async () => {
  const home = newDirectory();
  const start = performance.now();
  // Those that are killed would go on for long: however busy the machine is, they do not end by themselves.
  const writers = Array.from({ length: 8 }, (_, i) =>
    startWriter(home, { first: 1 + i * 100_000, batches: i < 2 ? 1_000 : 50, size: 100 }),
  );
  const killed = writers.slice(0, 2);
  for (const writer of killed) {
    while (writer.acknowledged.length < 2_000) await sleep(2);
    writer.child.kill('SIGKILL');
  }
  await Promise.all(writers.map(({ ended }) => ended));
  for (const writer of writers.slice(2)) {
    expect(writer.said).toEqual(['open']);
    expect(writer.acknowledged).toHaveLength(5_000);
  }
  for (const { child } of killed) expect(child.signalCode).toBe('SIGKILL');
  const entries = expectWhole(
    home,
    writers.flatMap(({ acknowledged }) => acknowledged),
  );
  const seconds = (performance.now() - start) / 1000;
  console.log(`8 writers, two killed: ${entries} spans in ${seconds.toFixed(1)} s`);
});

test('8 processes that find no ledger create one between them', { timeout: 120_000 }, async () => {
  for (let round = 0; round < 3; round++) {
    const home = newDirectory();
    const writers = Array.from({ length: 8 }, (_, i) => startWriter(home, { first: 1 + i * 100, batches: 2, size: 3 }));
    await Promise.all(writers.map(({ ended }) => ended));
    expect(writers.map(({ said }) => said)).toEqual(Array(8).fill(['open']));
    const acknowledged = writers.flatMap(({ acknowledged }) => acknowledged);
    expect(expectWhole(home, acknowledged)).toBe(48);
    const reader = LedgerReader.open(`${home}/witness.db`);
    const { origin, key } = reader.genesis()!.entry.body;
    const genesis = [...reader.entriesFrom()].filter(({ entry }) => entry.type === 'genesis');
    reader.close();
    expect(genesis).toHaveLength(1);
    // Keys of ledgers that lost the race are never made: the winner made its own inside the write transaction.
    expect(readdirSync(`${home}/keys`)).toHaveLength(1);
    expect(readFileSync(`${home}/witness.db.head`, 'utf8')).toContain(String(origin));
    expect(existsSync(`${home}/keys/${readdirSync(`${home}/keys`)[0]}/${String(key).split('+')[1]}.key`)).toBe(true);
  }
});

test('the same spans sent by four processes at once are stored once', { timeout: 120_000 }, async () => {
  const home = newDirectory();
  const writers = Array.from({ length: 4 }, () => startWriter(home, { first: 1, batches: 20, size: 10 }));
  await Promise.all(writers.map(({ ended }) => ended));
  for (const { acknowledged } of writers) expect(acknowledged).toHaveLength(200);
  expect(expectWhole(home, writers[0]!.acknowledged)).toBe(200);
});
