/** The collector changes the signing key by age, and goes on when somebody else has changed it. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { defaultCollectorConfig, Log, startCollector } from '@infrafabric/collector';
import { parseVkey } from '@infrafabric/format';
import { Ledger, localKeys } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { verifyLedger } from '@infrafabric/verify';
import { expect, onTestFinished, test, vi } from 'vitest';
import { seededSources } from '../../../test/attacks/ledger-files.js';
import { tempFolder } from './config-support.js';
import { parsePrometheus } from './prometheus-text.js';

interface Line {
  readonly level: string;
  readonly event: string;
  readonly [field: string]: unknown;
}

const DAY_MS = 86_400_000;

async function start(home: string, rotateKeysAfterMs: number | undefined) {
  const lines: Line[] = [];
  const log = new Log({ level: 'debug', format: 'json', write: (line) => lines.push(JSON.parse(line) as Line) });
  const config = { ...defaultCollectorConfig, home, port: 0, grpc: undefined, rotateKeysAfterMs };
  const collector = await startCollector(config, { log });
  onTestFinished(() => collector.stop(0));
  return { collector, events: (event: string) => lines.filter((line) => line.event === event) };
}

let spans = 0;

/** Sends one span; its answer says that it is durable. */
async function send(http: string): Promise<number> {
  spans++;
  const ids = { traceId: '5b8efff798038103d269b633813fc60c', spanId: spans.toString(16).padStart(16, '0') };
  const span = { ...ids, name: 'x', startTimeUnixNano: '1', endTimeUnixNano: '2' };
  const body = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });
  const headers = { 'content-type': 'application/json' };
  return (await fetch(`${http}/v1/traces`, { method: 'POST', headers, body })).status;
}

function judged(home: string) {
  const reader = LedgerReader.open(join(home, 'witness.db'));
  try {
    const vkey = (reader.genesis()!.entry.body as { key: string }).key;
    return verifyLedger(reader, { key: parseVkey(vkey) });
  } finally {
    reader.close();
  }
}

test('a key that is old enough is changed at the start, once, and spans are taken before and after', async () => {
  const home = join(tempFolder(), 'home');
  const start100DaysAgo = BigInt(Date.now() - 100 * DAY_MS) * 1_000_000n;
  await (await Ledger.open({ home, sources: seededSources('collector', start100DaysAgo) })).close();
  const { collector, events } = await start(home, 90 * DAY_MS);
  expect(await send(collector.addresses.http)).toBe(200);
  await vi.waitFor(() => expect(events('keys.rotated')).toHaveLength(1));
  expect(events('keys.rotated')[0]).toMatchObject({ level: 'info', old_private: 'destroyed' });
  expect(await send(collector.addresses.http)).toBe(200);
  await collector.stop();
  const report = judged(home);
  expect(report).toMatchObject({ verdict: 'VALID', key: { epochs: 2, reachedByRotations: 1 } });
  expect(localKeys(home, report.origin!).filter(({ canSign }) => canSign)).toHaveLength(1);
  const again = await start(home, 90 * DAY_MS);
  expect(await send(again.collector.addresses.http)).toBe(200);
  await again.collector.stop();
  expect(again.events('keys.rotated')).toEqual([]);
});

test('a key that is changed by another process changes nothing for senders', async () => {
  const home = join(tempFolder(), 'home');
  const { collector, events } = await start(home, undefined);
  const ledger = await Ledger.open({ home });
  onTestFinished(() => ledger.close());
  let sending = true;
  const statuses: number[] = [];
  const sender = (async () => {
    while (sending) statuses.push(await send(collector.addresses.http));
  })();
  for (let i = 0; i < 5; i++) await ledger.rotate();
  sending = false;
  await sender;
  expect(await send(collector.addresses.http)).toBe(200);
  expect(new Set(statuses)).toEqual(new Set([200]));
  await collector.stop();
  expect(events('ledger.unavailable')).toEqual([]);
  expect(judged(home)).toMatchObject({ verdict: 'VALID', key: { epochs: 6 } });
});

test('the page of metrics says since when the key signs, whoever changes it, and nothing where that is not known', async () => {
  const home = join(tempFolder(), 'home');
  const hundredDaysAgoMs = Date.now() - 100 * DAY_MS;
  const sources = seededSources('collector', BigInt(hundredDaysAgoMs) * 1_000_000n);
  await (await Ledger.open({ home, sources })).close();
  const { collector } = await start(home, undefined);
  const since = async () =>
    parsePrometheus(await collector.metrics()).get('if_witness_key_since_timestamp_seconds')!.samples[0]?.value;
  expect(await since()).toBeCloseTo(hundredDaysAgoMs / 1000, -1);
  expect(await send(collector.addresses.http)).toBe(200);
  expect(await since()).toBeCloseTo(hundredDaysAgoMs / 1000, -1);
  const ledger = await Ledger.open({ home });
  await ledger.rotate();
  await ledger.close();
  const rotated = await since();
  expect(rotated).toBeGreaterThan(hundredDaysAgoMs / 1000 + 99 * 86_400);
  expect(await send(collector.addresses.http)).toBe(200);
  expect(await since()).toBe(rotated);
  rmSync(join(home, 'witness.db.head'));
  expect(await since()).toBeUndefined();
});

test('a key that cannot be changed is said, and spans are taken all the same', async () => {
  const home = join(tempFolder(), 'home');
  const start100DaysAgo = BigInt(Date.now() - 100 * DAY_MS) * 1_000_000n;
  const ledger = await Ledger.open({ home, sources: seededSources('collector', start100DaysAgo) });
  await ledger.close();
  // Nobody listens there, and the present key is in a file.
  process.env.IF_WITNESS_SIGNER = `ssh-agent:${home}/no-such-socket`;
  onTestFinished(() => void delete process.env.IF_WITNESS_SIGNER);
  const { collector, events } = await start(home, 90 * DAY_MS);
  await vi.waitFor(() => expect(events('keys.rotate')).toHaveLength(1));
  expect(events('keys.rotate')[0]).toMatchObject({ level: 'warn', code: 'signer' });
  expect(await send(collector.addresses.http)).toBe(200);
  await collector.stop();
  expect(judged(home)).toMatchObject({ verdict: 'VALID', key: { epochs: 1 } });
});
