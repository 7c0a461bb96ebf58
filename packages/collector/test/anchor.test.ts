/** The collector anchors by itself, and nothing that goes wrong with that reaches whoever sends spans. */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type CollectorConfig,
  ConfigError,
  defaultCollectorConfig,
  Log,
  resolveConfig,
  startCollector,
} from '@infrafabric/collector';
import { createWitnessKey, logsFile, startWitnessServer } from '@infrafabric/cosigner';
import { parsePolicy } from '@infrafabric/format';
import { localKeys, witnessPaths } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { describe, expect, onTestFinished, test } from 'vitest';
import { tempFolder } from './config-support.js';
import { sampleValue } from './prometheus-text.js';

type Line = { event: string; message: string; [field: string]: unknown };

async function start(home: string, anchor: CollectorConfig['anchor']) {
  const lines: Line[] = [];
  const log = new Log({
    level: 'debug',
    format: 'json',
    write: (line) => lines.push(JSON.parse(line) as Line),
    repeatMs: 1,
  });
  const collector = await startCollector(
    { ...defaultCollectorConfig, home, port: 0, grpc: undefined, anchor },
    { log },
  );
  onTestFinished(() => collector.stop(0));
  return { collector, lines, events: (name: string) => lines.filter(({ event }) => event === name) };
}

async function send(url: string, name: string): Promise<number> {
  const span = {
    traceId: '5b8efff798038103d269b633813fc60c',
    spanId: name.padStart(16, '0'),
    name,
    kind: 1,
    startTimeUnixNano: '1',
    endTimeUnixNano: '2',
  };
  const body = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });
  const answer = await fetch(`${url}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  return answer.status;
}

test('into a folder, to a program and to a witness, whenever something is new; metrics and log say so', async () => {
  const home = join(tempFolder(), 'home');
  const folder = join(tempFolder(), 'anchors');
  mkdirSync(folder);
  const witnessFolder = join(tempFolder(), 'witness');
  const { vkey } = await createWitnessKey(witnessFolder, 'witness.example/w');
  const witness = await startWitnessServer({ folder: witnessFolder, port: 0, onEvent: () => undefined });
  onTestFinished(() => witness.stop(0));
  const policy = parsePolicy(Buffer.from(`witness w ${vkey} http://127.0.0.1:${witness.port}\nquorum w\n`));
  const got = join(tempFolder(), 'got');
  const { collector, events } = await start(home, { everyMs: 1_000, folder, exec: `cat > ${got}`, policy });

  // The witness does not know the ledger yet: that is said, spans are taken all the same, and the folder has its anchor.
  await expect.poll(() => events('anchor.failed').length, { timeout: 20_000 }).toBeGreaterThan(0);
  expect(events('anchor.witness')[0]!.message).toContain('404');
  expect(await send(collector.addresses.http, '1')).toBe(200);

  const { ledger } = witnessPaths({ home });
  const reader = LedgerReader.open(ledger, { sees: 'latest' });
  onTestFinished(() => reader.close());
  const { origin } = reader.genesis()!.entry.body as { origin: string };
  writeFileSync(logsFile(witnessFolder), `log ${localKeys(home, origin)[0]!.vkey}\n`);
  await expect.poll(() => reader.cosignaturesOf(2).length, { timeout: 20_000 }).toBe(1);
  await expect
    .poll(() => events('anchor.taken').at(-1), { timeout: 20_000 })
    .toMatchObject({ size: 2, cosigned_by: ['w'] });
  const taken = events('anchor.taken').length;
  expect(readFileSync(got, 'utf8')).toContain('— witness.example/w ');
  expect(readFileSync(join(folder, readdirSync(folder).sort().at(-1)!), 'utf8')).toBe(readFileSync(got, 'utf8'));

  // Nothing new, nothing done.
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  expect(events('anchor.taken')).toHaveLength(taken);
  expect(await send(collector.addresses.http, '2')).toBe(200);
  await expect.poll(() => events('anchor.taken').at(-1), { timeout: 20_000 }).toMatchObject({ size: 3 });
  const page = await collector.metrics();
  expect(sampleValue(page, 'if_witness_anchored_entries')).toBe(3);
  expect(sampleValue(page, 'if_witness_anchors_total')).toBe(events('anchor.taken').length);
  expect(sampleValue(page, 'if_witness_anchor_failures_total')).toBe(events('anchor.failed').length);
  expect(sampleValue(page, 'if_witness_anchor_contradictions_total')).toBe(0);
});

test('a program that fails, hangs or cannot be found disturbs no sender', async () => {
  const home = join(tempFolder(), 'home');
  const { collector, events } = await start(home, { everyMs: 1_000, exec: 'sleep 1; exit 7' });
  const sent = await Promise.all(Array.from({ length: 20 }, (_, i) => send(collector.addresses.http, String(i + 1))));
  expect(new Set(sent)).toEqual(new Set([200]));
  await expect.poll(() => events('anchor.failed')[0], { timeout: 20_000 }).toMatchObject({ code: 'command' });
  const before = performance.now();
  await collector.stop();
  expect(performance.now() - before).toBeLessThan(5_000);
});

test('an older copy of the ledger than the anchors in the folder know is said loudly, with both notes', async () => {
  const home = join(tempFolder(), 'home');
  const older = join(tempFolder(), 'older');
  const folder = join(tempFolder(), 'anchors');
  mkdirSync(folder);
  const notes = (): string[] => readdirSync(folder).filter((name) => name.endsWith('.note'));
  await (await start(home, undefined)).collector.stop();
  cpSync(home, older, { recursive: true });
  const first = await start(home, undefined);
  expect(await send(first.collector.addresses.http, '1')).toBe(200);
  await first.collector.stop();
  await (await start(home, { everyMs: 60_000, folder })).collector.stop();
  const again = await start(home, { everyMs: 60_000, folder });
  await expect.poll(notes, { timeout: 20_000 }).toHaveLength(1);
  await again.collector.stop();

  const restored = await start(older, { everyMs: 60_000, folder });
  await expect
    .poll(() => restored.events('anchor.contradicted')[0], { timeout: 20_000 })
    .toMatchObject({ level: 'error' });
  const [known] = notes();
  const evidence = restored.events('anchor.contradicted')[0]!.evidence as string[];
  expect(evidence[0]).toBe(readFileSync(join(folder, known!), 'utf8'));
  expect(evidence).toHaveLength(2);
  expect(sampleValue(await restored.collector.metrics(), 'if_witness_anchor_contradictions_total')).toBeGreaterThan(0);
  expect(notes()).toEqual([known]);
});

describe('settings', () => {
  const problems = (flags: Record<string, string>): string => {
    try {
      resolveConfig({ flags: { home: join(tempFolder(), 'h'), ...flags } });
      return '';
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return error.message;
    }
  };

  test('say what is missing', () => {
    const file = join(tempFolder(), 'policy');
    writeFileSync(file, 'quorum none\n');
    expect(problems({ anchor_every: '1h' })).toContain('nothing says where anchors go');
    expect(problems({ anchor_dir: '/nowhere/at/all' })).toContain('is not a folder that is there');
    expect(problems({ anchor_policy: '/nowhere' })).toContain('/nowhere');
    expect(problems({ anchor_policy: file })).toContain('no witness of');
    expect(problems({ anchor_exec: ' ' })).toContain('is not a command');
    expect(problems({ anchor_exec: 'cat', anchor_every: '1ms' })).toContain('not possible here');
    expect(problems({ anchor_exec: 'cat', anchor_every: '15m' })).toBe('');
  });

  test('have one name in flags, variables and the file, whose paths are seen from its folder', () => {
    const folder = tempFolder();
    mkdirSync(join(folder, 'anchors'));
    writeFileSync(join(folder, 'c.yaml'), 'anchor_dir: anchors\nanchor_every: 2h\nanchor_exec: cat\n');
    const { config } = resolveConfig({
      flags: { config: join(folder, 'c.yaml'), anchor_exec: 'tee' },
      env: { IF_WITNESS_COLLECT_ANCHOR_EVERY: '30m', IF_WITNESS_HOME: join(folder, 'home') },
    });
    expect(config.anchor).toEqual({
      everyMs: 1_800_000,
      folder: join(folder, 'anchors'),
      exec: 'tee',
      policy: undefined,
    });
  });
});
