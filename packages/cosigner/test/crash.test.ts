/** kill -9 at any point: what a witness answered it knows for ever, and it never cosigns a second history. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { createWitnessKey, logsFile } from '../dist/index.js';
import { post, TestLog, tempFolder } from './support.js';

const program = fileURLToPath(new URL('./children/witness.mjs', import.meta.url));

async function start(folder: string, mode = ''): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [program, folder, mode], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [port] = (await once(child.stdout!, 'data')) as [Buffer];
  return { child, url: `http://127.0.0.1:${port.toString().trim()}` };
}

async function newWitness(): Promise<{ folder: string; log: TestLog }> {
  const folder = tempFolder();
  const log = new TestLog('log.example/crash');
  await createWitnessKey(folder, 'witness.example/crash');
  writeFileSync(logsFile(folder), `log ${log.vkey}\n`);
  return { folder, log };
}

test('killed between its state and its answer, it remembers what it did not say', async () => {
  const { folder, log } = await newWitness();
  const first = await start(folder, 'die-before-answer');
  const ended = once(first.child, 'exit');
  await expect(post(first.url, log.request(0, 7))).rejects.toThrow();
  expect(await ended).toEqual([null, 'SIGKILL']);
  const { url } = await start(folder);
  expect(await post(url, log.request(0, 9))).toMatchObject({ status: 409, text: '7\n' });
  expect((await post(url, log.request(7, 7, 'fork'))).status).toBe(422);
  expect((await post(url, log.request(7, 9))).status).toBe(200);
});

test('killed at any time while it is asked again and again, it is never behind what it answered', {
  timeout: 120_000,
}, async () => {
  const { folder, log } = await newWitness();
  let acknowledged = 0;
  for (let round = 0; round < 12; round++) {
    const { child, url } = await start(folder);
    const { text } = await post(url, log.request(0, acknowledged + 1_000));
    // Nothing was answered and the first of all requests: cosigned at once.
    let size = acknowledged === 0 && text.startsWith('—') ? 1_000 : Number(text);
    expect(size).toBeGreaterThanOrEqual(acknowledged);
    acknowledged = size;
    expect([409, 422]).toContain((await post(url, log.request(acknowledged, acknowledged + 2, 'fork'))).status);
    const ended = once(child, 'exit');
    void sleep(30 + 25 * round).then(() => child.kill('SIGKILL'));
    try {
      for (;;) {
        const { status } = await post(url, log.request(size, size + 1));
        expect(status).toBe(200);
        size++;
        acknowledged = size;
      }
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
    expect(await ended).toEqual([null, 'SIGKILL']);
  }
  expect(acknowledged).toBeGreaterThan(1_010);
});
