/** `export --format tiles`. The directories are read by code that shares nothing with ours: read-tiles.ts. */
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { readTiles } from './read-tiles.js';
import { Home, type Ran } from './run.js';

/** Appends events in one go. */
function add(home: Home, count: number, event = 'e'): void {
  const lines = Array.from({ length: count }, (_, i) => `{"event":"${event} ${i} é","component":"c","trace_id":"t"}\n`);
  expect(home.witness(['log', '--batch', '-q'], { input: lines.join('') }).exitCode).toBe(0);
}

function tiles(home: Home, directory: string, ...more: string[]): Ran {
  return home.witness(['export', '--format', 'tiles', '--output', directory, ...more]);
}

function entriesOf(home: Home): string[] {
  const db = new Sqlite(home.ledger, { readonly: true });
  try {
    return db.prepare('SELECT entry FROM entries ORDER BY seq').pluck().all() as string[];
  } finally {
    db.close();
  }
}

/** Digest of each file, with the time of its writing. */
function filesOf(directory: string): Map<string, string> {
  const files = (readdirSync(directory, { recursive: true }) as string[])
    .sort()
    .map((path) => [path, statSync(join(directory, path))] as const)
    .filter(([, stat]) => stat.isFile());
  const digest = (path: string): string =>
    createHash('sha256')
      .update(readFileSync(join(directory, path)))
      .digest('hex');
  return new Map(files.map(([path, { mtimeMs }]) => [path, `${mtimeMs} ${digest(path)}`]));
}

/** As an attacker would: without triggers. */
function edit(ledger: string, sql: string): void {
  const db = new Sqlite(ledger);
  for (const name of db.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").pluck().all())
    db.exec(`DROP TRIGGER ${name}`);
  expect(db.prepare(sql).run().changes).toBeGreaterThan(0);
  db.close();
}

describe('tiles', () => {
  test('of a ledger that grows hold every entry, the tree and the newest checkpoint', { timeout: 120_000 }, () => {
    const home = new Home();
    home.witness(['verify', '-q']);
    const grown = home.beside('grown');
    let size = 1;
    for (const more of [0, 254, 1, 1, 255, 100, 0]) {
      if (more > 0) add(home, more);
      const before = size;
      size += more;
      const { exitCode, stdout, stderr } = tiles(home, grown, '--json');
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(JSON.parse(stdout)).toMatchObject({
        output: grown,
        format: 'tiles',
        origin: expect.stringMatching(/^if-witness\//),
        size,
        added: more === 0 && before === 1 && size === 1 ? 1 : size - before,
      });
      const read = readTiles(grown);
      expect(read.size).toBe(size);
      expect(read.entries).toEqual(entriesOf(home));
      expect(read.note).toBe(home.witness(['anchor']).stdout);
      // Partial tiles of earlier checkpoints stay until the full one is there.
      expect(read.others.every((path) => /\.p\/\d+$/.test(path))).toBe(true);
      const fresh = home.beside(`fresh-${size}`);
      expect(tiles(home, fresh).stderr).toContain(`${size.toLocaleString('en')} entries in`);
      expect(readTiles(fresh)).toEqual({ ...read, others: [] });
    }
    // 255 and 1 of the first tile, 1 and 512 of the second are gone; 612 is partial.
    expect([...filesOf(grown).keys()].filter((path) => path.startsWith('tile/0'))).toEqual([
      'tile/0/000',
      'tile/0/001',
      'tile/0/002.p/100',
    ]);
  });

  test('that were written are never written again', () => {
    const home = new Home();
    add(home, 600);
    const directory = home.beside('tiles');
    tiles(home, directory);
    const before = filesOf(directory);
    expect(tiles(home, directory, '--json').stdout).toContain('"files": 0');
    expect(filesOf(directory)).toEqual(before);
    add(home, 10);
    tiles(home, directory);
    const after = filesOf(directory);
    for (const [path, file] of before) if (path !== 'checkpoint') expect(after.get(path), path).toBe(file);
    expect([...after.keys()].filter((path) => !before.has(path))).toEqual(['tile/0/002.p/99', 'tile/entries/002.p/99']);
  });

  test('of an export that was cut off are completed', () => {
    const home = new Home();
    add(home, 300);
    const directory = home.beside('tiles');
    tiles(home, directory);
    const note = readFileSync(join(directory, 'checkpoint'));
    add(home, 500);
    tiles(home, directory);
    // The old checkpoint is still there, and of what lies beyond it some is torn and some is missing.
    writeFileSync(join(directory, 'checkpoint'), note);
    mkdirSync(join(directory, 'tile/0/001.p'));
    copyFileSync(join(directory, 'tile/0/000'), join(directory, 'tile/0/001.p/45'));
    mkdirSync(join(directory, 'tile/entries/001.p'));
    writeFileSync(join(directory, 'tile/entries/001.p/45'), '');
    writeFileSync(join(directory, 'tile/0/001'), 'torn');
    rmSync(join(directory, 'tile/entries/002'));
    writeFileSync(join(directory, '.writing-999999999'), 'torn');
    expect(tiles(home, directory)).toMatchObject({ exitCode: 0 });
    expect(readTiles(directory)).toMatchObject({ size: 801, others: ['tile/1/000.p/1'] });
    // Before its first checkpoint a directory is as good as empty.
    rmSync(join(directory, 'checkpoint'));
    writeFileSync(join(directory, 'tile/1/000.p/3'), 'torn');
    expect(tiles(home, directory)).toMatchObject({ exitCode: 0 });
    expect(readTiles(directory)).toMatchObject({ size: 801, others: ['tile/1/000.p/1'] });
  });

  test('are for others to read, once their owner opens the directory', () => {
    const home = new Home();
    add(home, 1);
    const directory = home.beside('tiles');
    tiles(home, directory);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(statSync(join(directory, 'checkpoint')).mode & 0o777).toBe(0o644 & ~process.umask());
    expect(statSync(join(directory, 'tile/entries')).mode & 0o777).toBe(0o755 & ~process.umask());
  });

  test('hold what is signed, and nothing of a payload', () => {
    const home = new Home();
    home.log('asked', 'flow', '--payload', '{"prompt":"xyzzy"}');
    const directory = home.beside('tiles');
    tiles(home, directory);
    expect(readTiles(directory).entries[1]).toContain('asked');
    for (const path of filesOf(directory).keys()) {
      expect(readFileSync(join(directory, path)).includes('xyzzy'), path).toBe(false);
    }
  });
});

describe('tiles are refused', () => {
  /** A ledger of 601 entries, its tiles at 301, and a copy of the ledger from then. */
  function grown(): { home: Home; directory: string; older: string } {
    const home = new Home();
    add(home, 300);
    const directory = home.beside('tiles');
    tiles(home, directory);
    const older = home.beside('older.db');
    copyFileSync(home.ledger, older);
    add(home, 300);
    return { home, directory, older };
  }

  /** Refused with this exit code and these words, and nothing in the directory is another. */
  function expectRefused(home: Home, directory: string, exitCode: number, words: RegExp, ...more: string[]): void {
    const before = filesOf(directory);
    const ran = tiles(home, directory, ...more);
    expect(ran).toMatchObject({ exitCode, stdout: '', stderr: expect.stringMatching(words) });
    expect(filesOf(directory)).toEqual(before);
  }

  test('in the directory of another ledger', () => {
    const { directory } = grown();
    const other = new Home();
    add(other, 400);
    expectRefused(other, directory, 2, /holds the tiles of if-witness\/.*not of if-witness\/.*name another directory/s);
  });

  test('in a directory that is ahead of the ledger', () => {
    const { home, directory, older } = grown();
    tiles(home, directory);
    const message = /the ledger has 301 entries, the tiles in .* have 601.*keep the directory as evidence/s;
    expectRefused(home, directory, 1, message, '--ledger', older);
    const { stderr } = tiles(home, directory, '--ledger', older, '--json');
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'ledger' } });
    // The checkpoint in the directory is an anchor as good as any.
    const anchored = ['verify', '-q', '--anchor', join(directory, 'checkpoint')];
    expect(home.witness(anchored)).toMatchObject({ exitCode: 0, stdout: 'VALID (anchored)\n' });
    expect(home.witness([...anchored, '--ledger', older])).toMatchObject({ exitCode: 1 });
  });

  test('in a directory that holds another history', () => {
    const { home, directory, older } = grown();
    tiles(home, directory);
    // The older copy goes on by itself, beyond the tiles.
    const lines = Array.from({ length: 400 }, (_, i) => `{"event":"fork ${i}","component":"c","trace_id":"t"}\n`);
    const fork = ['--ledger', older];
    expect(home.witness(['log', '--batch', '-q', ...fork], { input: lines.join('') }).exitCode).toBe(0);
    expectRefused(home, directory, 1, /another history of this ledger: the roots of the first 601 entries/, ...fork);
  });

  test('of entries that do not give the root', () => {
    const { home, directory } = grown();
    edit(home.ledger, "UPDATE entries SET entry = replace(entry, 'e 209 ', 'e 208 ') WHERE seq = 510");
    const before = readTiles(directory);
    expect(tiles(home, directory)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/do not give the root that the newest checkpoint names.*if-witness verify/s),
    });
    // What was written lies beyond the checkpoint, which is the old one.
    expect(readTiles(directory).note).toBe(before.note);
  });

  test.each([
    ['an entry is missing', 'DELETE FROM entries WHERE seq = 500', 'entry 500 is missing or cannot be read'],
    ['the last entry is missing', 'DELETE FROM entries WHERE seq = 600', 'entry 600 is missing or cannot be read'],
    ['there is no checkpoint', 'DELETE FROM checkpoints', 'there is no checkpoint in'],
    [
      'octets decode to the same text',
      "UPDATE entries SET entry = CAST(replace(CAST(entry AS BLOB), x'C3A9', x'FFA9') AS TEXT) WHERE seq = 500",
      'entry 500 is missing or cannot be read',
    ],
    [
      'a node is missing',
      'DELETE FROM nodes WHERE level = 8 AND node = 0',
      'a tree node is missing or damaged: level 8',
    ],
    ['a node is another', 'UPDATE nodes SET hash = zeroblob(32) WHERE level = 8 AND node = 0', 'another history'],
  ])('when %s', (_, sql, message) => {
    const { home, directory } = grown();
    edit(home.ledger, sql);
    expect(tiles(home, directory)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(message) });
  });

  test('in a directory that is something else', () => {
    const { home, directory } = grown();
    const other = home.beside('other');
    mkdirSync(other);
    writeFileSync(join(other, 'index.html'), '');
    expectRefused(home, other, 2, /holds other things than tiles/);
    expect(tiles(home, home.path)).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('other things') });
    expect(tiles(home, home.ledger)).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('cannot write') });
    writeFileSync(join(directory, 'checkpoint'), 'no note');
    expectRefused(home, directory, 2, /is not one/);
  });

  test('in a directory that lost its end', () => {
    const { home, directory } = grown();
    rmSync(join(directory, 'tile/entries/001.p/45'));
    expectRefused(home, directory, 2, /should hold 301 entries, but tile\/entries\/001\.p\/45 is missing/);
  });

  test('of a trace, and without a directory', () => {
    const { home, directory } = grown();
    expectRefused(home, directory, 2, /is of the whole ledger/, '--trace-id', 't');
    expect(home.witness(['export', '--format', 'tiles'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('--format tiles needs --output'),
    });
  });
});
