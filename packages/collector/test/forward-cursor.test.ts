/** Where forwarding goes on: after a restart, a kill, damage, another ledger. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { describe, expect, onTestFinished, test } from 'vitest';
import { append, Backend, openLedger, startForwarder, targetOf, tempHome, until } from './forward-support.js';

/** The only cursor file of a home. */
function cursorFile(home: string): string {
  const [file, ...others] = readdirSync(join(home, 'forward')).filter((name) => !name.endsWith('.tmp'));
  expect(others).toEqual([]);
  return join(home, 'forward', file!);
}

function readCursor(home: string): unknown {
  return JSON.parse(readFileSync(cursorFile(home), 'utf8'));
}

/** Forwards five spans, from a number on, and closes; answers the origin of the ledger. */
async function forwardFive(home: string, backend: Backend, from = 0): Promise<string> {
  const ledger = await openLedger(home);
  const { forwarder } = startForwarder(home, [targetOf(backend)]);
  await append(ledger, from, 5);
  await forwarder.close(10_000);
  expect(backend.taken).toHaveLength(5);
  return ledger.origin();
}

describe('the cursor file', () => {
  test('is private, names the place, and is there before the first span is', async () => {
    const home = tempHome();
    const backend = await Backend.start();
    const { forwarder } = startForwarder(home, [targetOf(backend)]);
    expect(readCursor(home)).toEqual({ target: 'test', ledger: 'witness.db', origin: null, next: 0 });
    expect(statSync(cursorFile(home)).mode & 0o777).toBe(0o600);
    expect(statSync(join(home, 'forward')).mode & 0o777).toBe(0o700);
    const ledger = await openLedger(home);
    await append(ledger, 0, 5);
    await forwarder.close(10_000);
    expect(readCursor(home)).toEqual({ target: 'test', ledger: 'witness.db', origin: ledger.origin(), next: 6 });
    expect(statSync(cursorFile(home)).mode & 0o777).toBe(0o600);
  });

  test('is written while spans flow, so that little is sent again after a crash', async () => {
    const home = tempHome();
    const backend = await Backend.start();
    const ledger = await openLedger(home);
    startForwarder(home, [targetOf(backend)]);
    await append(ledger, 0, 5);
    await until(() => (readCursor(home) as { next: number }).next === 6);
  });

  test.each(['', 'nonsense', '{"target":"test","origin":7,"next":1}', '{"target":"test","origin":"x","next":-1}'])(
    'that holds %j has the target start at the end, and says so',
    async (text) => {
      const home = tempHome();
      const backend = await Backend.start();
      await forwardFive(home, backend);
      const ledger = await openLedger(home);
      await append(ledger, 5, 5);
      writeFileSync(cursorFile(home), text);
      const { log, counts } = startForwarder(home, [targetOf(backend)]);
      expect(log).toMatchObject([{ level: 'warn', event: 'forward.start', details: { next_seq: 11 } }]);
      const names = await append(ledger, 10, 5);
      await until(() => counts().sentSpans === 5);
      expect(backend.taken.slice(5)).toEqual(names);
    },
  );

  test('that cannot be written is told, and stops nothing', async () => {
    const home = tempHome();
    const backend = await Backend.start();
    const ledger = await openLedger(home);
    writeFileSync(join(home, 'forward'), 'a file where the folder should be');
    const { log, counts } = startForwarder(home, [targetOf(backend)]);
    await until(() => counts().queueSize === 0);
    await sleep(500);
    await append(ledger, 0, 5);
    await until(() => counts().sentSpans === 5);
    await until(() => log.filter(({ event }) => event === 'forward.cursor').length >= 2);
    expect(log.find(({ event }) => event === 'forward.cursor')?.message).toContain('cannot be kept');
  });

  test('of one target says nothing about another', async () => {
    const home = tempHome();
    const backend = await Backend.start();
    await forwardFive(home, backend);
    const second = await Backend.start();
    const ledger = await openLedger(home);
    const names = await append(ledger, 5, 5);
    const { forwarder } = startForwarder(home, [targetOf(backend), targetOf(second, { name: 'second' })]);
    const later = await append(ledger, 10, 5);
    await until(() => forwarder.counts()[1]?.sentSpans === 5);
    await until(() => forwarder.counts()[0]?.sentSpans === 10);
    expect(second.taken).toEqual(later);
    expect(backend.taken.slice(5)).toEqual([...names, ...later]);
  });
});

describe('another ledger under the same name', () => {
  test('that was begun before is forwarded from its end', async () => {
    const [home, other] = [tempHome(), tempHome()];
    const backend = await Backend.start();
    const origin = await forwardFive(home, backend);
    const elsewhere = await openLedger(other);
    await append(elsewhere, 100, 20);
    await elsewhere.close();
    await sleep(5);
    const { log, counts } = startForwarder(home, [targetOf(backend)]);
    for (const suffix of ['', '-wal', '-shm', '.head']) rmSync(join(home, `witness.db${suffix}`), { force: true });
    copyFileSync(join(other, 'witness.db'), join(home, 'witness.db'));
    await until(() => log.some(({ event }) => event === 'forward.start'));
    expect(log).toMatchObject([
      { event: 'forward.start', level: 'warn', message: expect.stringContaining(origin), details: { next_seq: 21 } },
    ]);
    const names = await append(await openLedger(other, join(home, 'witness.db')), 200, 5);
    await until(() => counts().sentSpans === 5);
    expect(backend.taken.slice(5)).toEqual(names);
  });

  test('that is begun anew is forwarded from its beginning', async () => {
    const home = tempHome();
    const backend = await Backend.start();
    await forwardFive(home, backend);
    for (const file of readdirSync(home).filter((name) => name.startsWith('witness.db')))
      rmSync(join(home, file), { force: true });
    const { counts } = startForwarder(home, [targetOf(backend)]);
    const names = await append(await openLedger(home), 50, 5);
    await until(() => counts().sentSpans === 5);
    expect(backend.taken.slice(5)).toEqual(names);
  });

  test('an older copy that ends before the place is forwarded from its end on', async () => {
    const home = tempHome();
    const backend = await Backend.start();
    const ledger = await openLedger(home);
    await append(ledger, 0, 5);
    await ledger.close();
    copyFileSync(join(home, 'witness.db'), join(home, 'copy.db'));
    await forwardFive(home, backend, 5);
    for (const suffix of ['', '-wal', '-shm', '.head']) rmSync(join(home, `witness.db${suffix}`), { force: true });
    copyFileSync(join(home, 'copy.db'), join(home, 'witness.db'));
    const { log, counts } = startForwarder(home, [targetOf(backend)]);
    expect(log).toMatchObject([{ event: 'forward.start', level: 'warn', details: { next_seq: 6 } }]);
    const names = await append(await openLedger(home), 300, 5);
    await until(() => counts().sentSpans === 5);
    expect(backend.taken.slice(-5)).toEqual(names);
  });
});

test('a ledger that cannot be read for a while is told, and forwarded when it can', async () => {
  const home = tempHome();
  const backend = await Backend.start();
  const ledger = await openLedger(home);
  const { log, counts } = startForwarder(home, [targetOf(backend)]);
  const before = await append(ledger, 0, 5);
  await until(() => counts().sentSpans === 5);
  // A ledger never has one: it is not opened, lest SQLite play it back.
  writeFileSync(join(home, 'witness.db-journal'), '');
  copyFileSync(join(home, 'witness.db'), join(home, 'moved.db'));
  await ledger.close();
  rmSync(join(home, 'witness.db'));
  copyFileSync(join(home, 'moved.db'), join(home, 'witness.db'));
  await until(() => log.some(({ event }) => event === 'forward.ledger'));
  rmSync(join(home, 'witness.db-journal'));
  rmSync(join(home, 'witness.db.head'));
  const after = await append(await openLedger(home), 5, 5);
  await until(() => counts().sentSpans === 10);
  expect(backend.taken).toEqual([...before, ...after]);
  expect(log.filter(({ event }) => event === 'forward.ledger').map(({ level }) => level)).toEqual(['warn', 'info']);
});

describe('a process that forwards', () => {
  const child = fileURLToPath(new URL('./forward-child.mjs', import.meta.url));

  test('and is killed, again and again, has every span arrive, in order', async () => {
    const home = tempHome();
    const backend = await Backend.start();
    backend.treat = (_, index) => (index % 7 === 3 ? { status: 503 } : 'take');
    let appended = 0;
    for (let round = 0; round < 6; round++) {
      const running = spawn(process.execPath, [child, home, backend.url, String(appended + 1_000)]);
      onTestFinished(() => void running.kill('SIGKILL'));
      let said = '';
      running.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
      const [before, beforeRound] = [backend.taken.length, appended];
      // Killed before it forwards anything, and with ever more under way.
      await until(() => said !== '' && backend.taken.length >= before + round * 300);
      running.kill('SIGKILL');
      await once(running, 'close');
      appended = Number(said.trimEnd().split('\n').at(-1));
      expect(appended).toBeGreaterThan(beforeRound);
    }
    const last = spawn(process.execPath, [child, home, backend.url, 'none'], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    expect(await once(last, 'close')).toEqual([0, null]);
    const reader = LedgerReader.open(join(home, 'witness.db'));
    const names = [...reader.entriesFrom(1)].map(({ entry }) => String(entry.body.event));
    reader.close();
    expect(names.length).toBeGreaterThan(2_000);
    expect([...new Set(backend.taken)]).toEqual(names);
  });

  test('makes no spans of its own requests, whatever NODE_OPTIONS loads', async () => {
    const home = tempHome();
    const backend = await Backend.start();
    await append(await openLedger(home), 0, 5);
    const hook = join(home, 'hook.mjs');
    writeFileSync(
      hook,
      "import { appendFileSync } from 'node:fs'; import { isMainThread } from 'node:worker_threads';" +
        `appendFileSync(${JSON.stringify(join(home, 'threads'))}, isMainThread ? 'main ' : 'thread ');`,
    );
    const env = { ...process.env, NODE_OPTIONS: `--import ${hook}` };
    const ran = spawn(process.execPath, [child, home, backend.url, 'none'], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    ran.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    expect(await once(ran, 'close')).toEqual([0, null]);
    expect(said).toContain('"exporter":"test"');
    expect(readFileSync(join(home, 'threads'), 'utf8')).toBe('main ');
    expect(existsSync(join(home, 'forward'))).toBe(true);
  });
});
