/** kill -9 while payloads are erased: whatever is left is VALID, and the next call does the rest. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { draftSpan, Ledger } from '@infrafabric/ledger';
import { isUnfinished } from '@infrafabric/ledger/erasure';
import { expect, test } from 'vitest';
import { keyOf, newDirectory, randomOf, verifyAgainstHead } from './ledger-files.js';
import { spanRecord } from './spans.js';

const SCRIPT = fileURLToPath(new URL('children/redact.mjs', import.meta.url));
const SPANS = 400;
const secret = (n: number): string => `<<secret-${n}->>`;

/** An eraser of all payloads, eight at a time, killed so long after it said that the first batches are done. */
async function killed(home: string, afterMs: number): Promise<NodeJS.Signals | null> {
  const child = spawn(process.execPath, [SCRIPT, home, '1', String(SPANS), '8'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  await once(child.stdout, 'data');
  await sleep(afterMs);
  child.kill('SIGKILL');
  await ended;
  return child.signalCode;
}

test('at random moments of an erasure leaves a VALID ledger, and nothing in the end', {
  timeout: 120_000,
}, async () => {
  const home = newDirectory();
  const ledger = await Ledger.open({ home });
  const spans = Array.from({ length: SPANS }, (_, i) => {
    const record = spanRecord(i);
    return draftSpan({ ...record, attributes: [...record.attributes, ['prompt', secret(i + 1)] as const] });
  });
  await ledger.append(spans);
  const key = keyOf(home, ledger.origin());
  const path = ledger.paths.ledger;
  await ledger.close();
  const random = randomOf(Number(process.env.SEED ?? 5));
  let erased = 0;
  let kills = 0;
  for (let i = 0; i < 12 && erased < SPANS; i++) {
    if ((await killed(home, random() * 120)) === 'SIGKILL') kills++;
    const report = verifyAgainstHead(path, { key });
    expect(report).toMatchObject({ verdict: 'VALID', problems: [] });
    expect(report.payloads.present + report.payloads.erased).toBe(SPANS);
    expect(report.payloads.erased).toBeGreaterThanOrEqual(erased);
    erased = report.payloads.erased;
  }
  expect(kills).toBeGreaterThan(0);
  expect(erased).toBeGreaterThan(0);
  const last = spawnSync(process.execPath, [SCRIPT, home, '1', String(SPANS), '64'], { encoding: 'utf8' });
  expect(last).toMatchObject({ status: 0, stdout: expect.stringMatching(/done\n$/) });
  expect(verifyAgainstHead(path, { key })).toMatchObject({ verdict: 'VALID', payloads: { present: 0, erased: SPANS } });
  expect(isUnfinished(path)).toBe(false);
  expect(spawnSync('grep', ['-rlaF', '<<secret-', home]).status).toBe(1);
});
