import { once } from 'node:events';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { describe, expect, test } from 'vitest';
import { Home } from './run.js';

const line = (event: string, more = ''): string => `{"event":"${event}","component":"c","trace_id":"t"${more}}\n`;

function batch(home: Home, input: string | Uint8Array, ...flags: readonly string[]) {
  return home.witness(['log', '--batch', ...flags], { input });
}

function eventsOf(home: Home): string[] {
  return [...home.trace('t').entries].sort((a, b) => a.seq - b.seq).map(({ event }) => event);
}

describe('log --batch', () => {
  test('writes a line each, in order, in commits of 512', () => {
    const home = new Home();
    const lines = Array.from({ length: 1_200 }, (_, i) => line(`e${i}`));
    const { exitCode, stdout, stderr } = batch(home, lines.join(''), '--json');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      lines: 1_200,
      appended: 1_200,
      duplicates: 0,
      spooled: 0,
      skipped: 0,
      first_seq: 1,
      last_seq: 1_200,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(eventsOf(home)).toEqual(lines.map((_, i) => `e${i}`));
    // Genesis and three batches.
    const report = JSON.parse(home.witness(['verify', '--json']).stdout) as { checkpoints: { checked: number } };
    expect(report.checkpoints.checked).toBe(4);
  });

  test('says for people what it did', () => {
    const { stdout } = batch(new Home(), line('a') + line('b'));
    expect(stdout).toMatch(/^2 appended {2}seq 1 to 2 {2}hash [0-9a-f]{64}\n$/);
  });

  test('of nothing is nothing', () => {
    expect(batch(new Home(), '\n  \n')).toMatchObject({ exitCode: 0, stdout: '0 appended\n' });
  });

  test('keeps payload, numbers and NUL as they are written', () => {
    const home = new Home();
    batch(home, line('nul\\u0000', ',"payload":{"n":1.10,"big":123456789012345678901234567890},"cost":0.000000000001'));
    const { stdout } = home.witness(['trace', 't', '--format', 'json']);
    expect(stdout).toContain('"n": 1.10,');
    expect(stdout).toContain('"big": 123456789012345678901234567890');
    expect(stdout).toContain('"cost": "0.000000000001"');
    expect(home.trace('t').entries[0]?.event).toBe('nul\0');
    expect(home.witness(['trace', 't']).stdout).toContain('nul\\u{0}');
  });

  test('marks a lone surrogate as lossy instead of changing it silently', () => {
    const home = new Home();
    batch(home, line('bad\\ud800'));
    expect(home.trace('t').entries[0]?.event).toBe('bad\ufffd');
    const reader = LedgerReader.open(home.ledger);
    expect(reader.entry(1)?.entry.body.lossy).toEqual(['event', 'name']);
    reader.close();
  });

  test('lets flags stand in for what a line lacks', () => {
    const home = new Home();
    batch(
      home,
      '{"event":"a"}\n{"event":"b","component":"own"}\n',
      '--component',
      'flag',
      '--trace-id',
      't',
      '--model',
      'm',
    );
    expect(home.trace('t').entries.map(({ component, model }) => [component, model])).toEqual([
      ['flag', 'm'],
      ['own', 'm'],
    ]);
  });

  test('puts lines that name no flow into one of their own', () => {
    const home = new Home();
    batch(home, '{"event":"a","component":"c"}\n{"event":"b","component":"c"}\n');
    const ids = JSON.parse(home.witness(['export', '--format', 'json']).stdout) as { entries: { trace_id?: string }[] };
    const [, first, second] = ids.entries.map(({ trace_id }) => trace_id);
    expect(first).toMatch(/^op-/);
    expect(second).toBe(first);
  });

  test('stops at a bad line, after committing what stands before it', () => {
    const home = new Home();
    const ran = batch(home, line('a') + line('b') + line('c', ',"cost":"NaN"') + line('d'));
    expect(ran.exitCode).toBe(2);
    expect(ran.stdout).toMatch(/^2 appended {2}seq 1 to 2 /);
    expect(ran.stderr).toMatch(/^error: line 3: cost: NaN is not an amount/);
    expect(eventsOf(home)).toEqual(['a', 'b']);
  });

  test('with --keep-going skips and counts bad lines', () => {
    const home = new Home();
    const ran = batch(home, `${line('a')}garbage\n${line('b')}[]\n${line('c')}`, '--keep-going');
    expect(ran.exitCode).toBe(1);
    expect(ran.stdout).toContain('3 appended');
    expect(ran.stdout).toContain('2 skipped');
    expect(ran.stderr).toContain('line 2 is skipped: not a JSON object');
    expect(ran.stderr).toContain('line 4 is skipped: not a JSON object');
    expect(eventsOf(home)).toEqual(['a', 'b', 'c']);
  });

  test('says which line is not UTF-8', () => {
    const input = Buffer.concat([Buffer.from(line('a')), Uint8Array.of(0x22, 0xff, 0x22, 0x0a)]);
    expect(batch(new Home(), input)).toMatchObject({ exitCode: 2, stderr: 'error: line 2: the line is not UTF-8\n' });
  });

  test('commits what it has when its input pauses', async () => {
    const home = new Home();
    home.log('first', 'warm-up');
    const child = home.start(['log', '--batch']);
    child.stdin!.write(`${line('early')}{"event":"unfin`);
    try {
      await expect.poll(() => home.witness(['trace', 't']).stdout, { timeout: 20_000 }).toContain('early');
    } finally {
      child.stdin!.end('ished","component":"c","trace_id":"t"}\n');
    }
    const [exitCode] = (await once(child, 'close')) as [number];
    expect(exitCode).toBe(0);
    expect(eventsOf(home)).toEqual(['early', 'unfinished']);
  });

  test.each([
    [['--print-env'], '--print-env goes with a single event'],
    [['--payload', '-'], '--batch reads stdin'],
  ])('cannot go with %o', (flags, why) => {
    expect(batch(new Home(), line('a'), ...flags)).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(why) });
  });
});
