/** What `log` does while the ledger cannot take an event. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Spool, spoolDirectory } from '@infrafabric/ledger';
import Sqlite from 'better-sqlite3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Home } from './run.js';

/** Holds the ledger's write lock while `work` runs. */
function whileLocked<T>(home: Home, work: () => T): T {
  const db = new Sqlite(home.ledger);
  db.exec('BEGIN IMMEDIATE');
  try {
    return work();
  } finally {
    db.exec('ROLLBACK');
    db.close();
  }
}

const QUICK = ['--timeout', '0.1'];
const waiting = (home: Home): string[] => new Spool(spoolDirectory(home.path, home.ledger)).list();

describe('while the ledger is locked', () => {
  test('an event waits in the spool, and a later log brings it in', () => {
    const home = new Home();
    home.log('before', 't');
    const locked = whileLocked(home, () => home.log('during', 't', ...QUICK));
    expect(locked).toMatchObject({ exitCode: 0, stdout: 'spooled  trace t\n' });
    expect(locked.stderr).toMatch(/^warning: the ledger is locked by another process: .*waits in the spool/);
    expect(waiting(home)).toHaveLength(1);

    const after = home.log('after', 't');
    expect(after).toMatchObject({ exitCode: 0, stderr: 'brought in from the spool: 1 event\n' });
    expect(waiting(home)).toEqual([]);
    expect(
      home
        .trace('t')
        .entries.map(({ event }) => event)
        .sort(),
    ).toEqual(['after', 'before', 'during']);
    expect(home.witness(['verify', '-q']).exitCode).toBe(0);
  });

  test('--json says spooled in place of seq and hash', () => {
    const home = new Home();
    home.log('before', 't');
    const { stdout } = whileLocked(home, () => home.log('during', 't', '--json', ...QUICK));
    expect(JSON.parse(stdout)).toMatchObject({ seq: null, hash: null, trace_id: 't', outcome: 'spooled' });
  });

  test('--no-spool exits with 2 and keeps nothing', () => {
    const home = new Home();
    home.log('before', 't');
    const ran = whileLocked(home, () => home.log('during', 't', '--no-spool', '--json', ...QUICK));
    expect(ran).toMatchObject({ exitCode: 2, stdout: '' });
    expect(JSON.parse(ran.stderr)).toMatchObject({
      error: { code: 'locked', hint: expect.stringContaining('--timeout') },
    });
    expect(waiting(home)).toEqual([]);
  });

  test('it waits as long as it is told', async () => {
    const home = new Home();
    home.log('before', 't');
    const db = new Sqlite(home.ledger);
    db.exec('BEGIN IMMEDIATE');
    const child = home.start(['log', '--event', 'patient', '--component', 'c', '--trace-id', 't', '--timeout', '30']);
    const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    db.exec('ROLLBACK');
    db.close();
    expect(await closed).toBe(0);
    expect(home.trace('t').entries.map(({ event }) => event)).toContain('patient');
    expect(waiting(home)).toEqual([]);
  });

  test('a batch waits in the spool too', () => {
    const home = new Home();
    home.log('before', 't');
    const lines = ['a', 'b'].map((event) => `{"event":"${event}","component":"c","trace_id":"t"}\n`).join('');
    const { exitCode, stdout } = whileLocked(home, () => home.witness(['log', '--batch', ...QUICK], { input: lines }));
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '0 appended  2 spooled\n' });
    home.log('after', 't');
    expect(home.trace('t').totals.entries).toBe(4);
  });
});

describe('what waits in the spool', () => {
  test('and cannot be read is set aside, and the rest comes in', () => {
    const home = new Home();
    home.log('before', 't');
    whileLocked(home, () => home.log('during', 't', ...QUICK));
    const directory = spoolDirectory(home.path, home.ledger);
    writeFileSync(join(directory, '0-garbage.otlp'), 'garbage');
    home.log('after', 't');
    expect(readdirSync(directory)).toEqual(['0-garbage.otlp.bad']);
    expect(home.trace('t').totals.entries).toBe(3);
  });

  test('is the same event however often it is brought in', () => {
    const home = new Home();
    home.log('before', 't');
    whileLocked(home, () => home.log('during', 't', ...QUICK));
    const spool = new Spool(spoolDirectory(home.path, home.ledger));
    const request = spool.read(spool.list()[0]!)!;
    home.log('after', 't');
    spool.putSync(request);
    home.log('once more', 't');
    expect(
      home
        .trace('t')
        .entries.map(({ event }) => event)
        .sort(),
    ).toEqual(['after', 'before', 'during', 'once more']);
  });
});

describe.skipIf(process.getuid?.() !== 0)('on a disk of its own', () => {
  /** A small file system; skips the test where none can be mounted. */
  function mounted(home: Home, skip: (note: string) => never): string {
    const disk = home.beside('disk');
    mkdirSync(disk);
    const made = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]);
    if (made.status !== 0) skip('no file system can be mounted here');
    onTestFinished(() => void spawnSync('umount', ['-l', disk]));
    return disk;
  }

  test('that is full, an event waits in a spool that lies elsewhere, and comes in when there is room', ({ skip }) => {
    const home = new Home();
    const disk = mounted(home, skip);
    const ledger = ['--ledger', join(disk, 'witness.db')];
    expect(home.log('before', 't', ...ledger).exitCode).toBe(0);
    const filler = join(disk, 'filler');
    spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4096']);
    const payload = JSON.stringify('x'.repeat(100_000));
    const full = home.log('during', 't', '--payload', payload, ...ledger);
    expect(full).toMatchObject({
      exitCode: 0,
      stdout: 'spooled  trace t\n',
      stderr: expect.stringMatching(/^warning: (no space left|reading or writing the ledger failed)/),
    });
    rmSync(filler);
    expect(home.log('after', 't', ...ledger).stderr).toBe('brought in from the spool: 1 event\n');
    expect(home.witness(['verify', '-q', ...ledger]).exitCode).toBe(0);
  });

  test('that is full together with its spool, it is said plainly', ({ skip }) => {
    const home = new Home();
    const disk = mounted(home, skip);
    const own = ['--home', join(disk, 'home')];
    expect(home.log('before', 't', ...own).exitCode).toBe(0);
    spawnSync('dd', ['if=/dev/zero', `of=${join(disk, 'filler')}`, 'bs=4096']);
    const payload = JSON.stringify('x'.repeat(100_000));
    expect(home.log('during', 't', '--payload', payload, ...own)).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringMatching(
        /^error: nothing was recorded: (no space left|reading or writing).*; the spool: .*no space left/,
      ),
    });
    expect(home.witness(['verify', '-q', ...own]).exitCode).toBe(0);
    expect(home.witness(['doctor', ...own])).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining('problem  disk         only 0 KiB free'),
    });
  });

  test('that became read-only, an event waits; verify reads a private copy', ({ skip }) => {
    const home = new Home();
    const disk = mounted(home, skip);
    const ledger = ['--ledger', join(disk, 'witness.db')];
    expect(home.log('before', 't', ...ledger).exitCode).toBe(0);
    spawnSync('mount', ['-o', 'remount,ro', disk]);
    expect(home.log('during', 't', ...ledger)).toMatchObject({ exitCode: 0, stdout: 'spooled  trace t\n' });
    expect(home.witness(['verify', '-q', ...ledger])).toMatchObject({ exitCode: 0, stderr: '' });
    spawnSync('mount', ['-o', 'remount,rw', disk]);
    expect(home.log('after', 't', ...ledger).stderr).toBe('brought in from the spool: 1 event\n');
  });
});

describe.skipIf(process.getuid?.() !== 0)('for a user who may not write', () => {
  const NOBODY = 65_534;
  const args = ['log', '--event', 'e', '--component', 'c', '--trace-id', 't'];

  /** A ledger of root's that everybody may read, and a home of nobody's. */
  function foreignLedger() {
    const home = new Home();
    home.log('before', 't');
    chmodSync(dirname(home.path), 0o755);
    chmodSync(home.path, 0o755);
    chmodSync(home.ledger, 0o644);
    return home;
  }

  test('an event waits in the spool of a home that is writable', () => {
    const home = foreignLedger();
    const own = home.beside('nobody');
    mkdirSync(own);
    chmodSync(own, 0o777);
    const ran = home.witness([...args, '--home', own, '--ledger', home.ledger], { uid: NOBODY });
    expect(ran).toMatchObject({ exitCode: 0, stdout: 'spooled  trace t\n' });
    expect(existsSync(join(own, 'spool'))).toBe(true);
  });

  test('where not even the spool can be written, it is said plainly', () => {
    const home = foreignLedger();
    const ran = home.witness([...args, '--json'], { uid: NOBODY });
    expect(ran).toMatchObject({ exitCode: 2, stdout: '' });
    expect(JSON.parse(ran.stderr)).toMatchObject({
      error: {
        code: 'not-recorded',
        message: expect.stringMatching(/^nothing was recorded: the ledger cannot be written: .*; the spool: /),
      },
    });
  });
});
