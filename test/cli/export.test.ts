import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parseTraceRequestJson } from '@infrafabric/otlp';
import Sqlite from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { type EntryJson, Home } from './run.js';

interface ExportJson {
  readonly ledger: { readonly origin: string; readonly size: number; readonly checkpoint: string };
  readonly entries: readonly (Partial<EntryJson> & {
    readonly seq: number;
    readonly type: string;
    readonly text?: string;
    readonly body?: { readonly format: number };
    readonly stored?: { readonly entry?: string };
  })[];
}

function written(): Home {
  const home = new Home();
  home.log(
    'one',
    'flow',
    '--payload',
    '{"n": 12345678901234567890}',
    '--cost',
    '0.5',
    '--tokens-in',
    '7',
    '--tokens-out',
    '3',
    '--model',
    'm',
  );
  home.log('two', 'child', '--parent-trace-id', 'flow');
  home.log('three', 'elsewhere');
  return home;
}

/** Fields of RFC 4180 text. */
function parseCsv(text: string): string[][] {
  const records: string[][] = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    records.at(-1)!.push(quoted === undefined ? (plain ?? '') : quoted.replaceAll('""', '"'));
    if (end === '\r\n') records.push([]);
  }
  return records.slice(0, -1);
}

describe('export', () => {
  test('as JSON has a head and every entry, one member a line', () => {
    const home = written();
    const { exitCode, stdout, stderr } = home.witness(['export']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const { ledger, entries } = JSON.parse(stdout) as ExportJson;
    expect(ledger).toEqual({
      origin: expect.stringMatching(/^if-witness\//),
      size: 4,
      checkpoint: home.witness(['anchor']).stdout,
    });
    expect(entries.map(({ seq, type, event }) => [seq, type, event])).toEqual([
      [0, 'genesis', undefined],
      [1, 'span', 'one'],
      [2, 'span', 'two'],
      [3, 'span', 'three'],
    ]);
    expect(entries[0]?.body).toMatchObject({ format: 1 });
    expect(stdout).toContain('\n      "cost": "0.5",\n      "cost_source": "reported",\n');
    expect(stdout).toContain('"n": 12345678901234567890');
    expect(home.witness(['export', '--format', 'json', '--json']).stdout).toBe(stdout);
  });

  test('of a trace has its child flows, and entries as trace prints them', () => {
    const home = written();
    const { entries } = JSON.parse(
      home.witness(['export', '--trace-id', 'flow', '--format', 'json']).stdout,
    ) as ExportJson;
    const printed = entries.map(({ stored: _stored, ...rest }) => rest);
    expect(printed).toEqual(home.trace('flow').entries);
    expect(entries.map(({ event }) => event)).toEqual(['one', 'two']);
    expect(home.witness(['export', '--trace-id', 'nope'])).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: expect.stringContaining('no entry under'),
    });
  });

  test('as CSV has a line each, and defuses formulas', () => {
    const home = new Home();
    home.log('=HYPERLINK("http://evil")', '+flow,"x"', '--payload', '{"a": "b"}', '--cost', '0.5');
    const { stdout } = home.witness(['export', '--format', 'csv']);
    const [head, genesis, event] = parseCsv(stdout);
    const field = (name: string): string | undefined => event?.[head!.indexOf(name)];
    expect(genesis?.slice(0, 3)).toEqual(['0', expect.stringMatching(/^[0-9a-f]{64}$/), 'genesis']);
    expect(genesis).toHaveLength(head!.length);
    expect([field('event'), field('trace_id'), field('payload'), field('cost_usd')]).toEqual([
      '\'=HYPERLINK("http://evil")',
      '\'+flow,"x"',
      '{"a": "b"}',
      '0.5',
    ]);
  });

  test('as OTLP JSON is one object that holds the spans whole', () => {
    const home = written();
    const { stdout } = home.witness(['export', '--format', 'otlp-json']);
    expect(Object.keys(JSON.parse(stdout) as object)).toEqual(['resourceSpans']);
    const { spans, rejected } = parseTraceRequestJson(stdout);
    expect(rejected).toEqual([]);
    expect(spans.map(({ name }) => name)).toEqual(['one', 'two', 'three']);
    expect(spans[0]?.attributes).toContainEqual(['witness.payload', '{"n": 12345678901234567890}']);
  });

  test('of thousands of spans is still one well-formed object', () => {
    const home = new Home();
    const lines = Array.from({ length: 3_000 }, (_, i) => `{"event":"e${i}","component":"c","trace_id":"t"}\n`);
    home.witness(['log', '--batch'], { input: lines.join('') });
    expect(parseTraceRequestJson(home.witness(['export', '--format', 'otlp-json']).stdout).spans).toHaveLength(3_000);
    expect((JSON.parse(home.witness(['export']).stdout) as ExportJson).entries).toHaveLength(3_001);
    expect(parseCsv(home.witness(['export', '--format', 'csv']).stdout)).toHaveLength(3_002);
  });

  test('ends quietly when its reader has gone', () => {
    const home = new Home();
    const lines = Array.from({ length: 5_000 }, (_, i) => `{"event":"e${i}","component":"c","trace_id":"t"}\n`);
    home.witness(['log', '--batch'], { input: lines.join('') });
    for (const command of [
      'export',
      'trace t',
      'trace t --format json',
      'export --format csv',
      'export --format otlp-json',
    ]) {
      const ran = home.shell(`set -o pipefail; if-witness ${command} | head -1 | wc -l`);
      expect({ command, ...ran }).toEqual({ command, exitCode: 0, stdout: '1\n', stderr: '' });
    }
  });

  test('still writes what can be read of a damaged ledger', () => {
    const home = written();
    const db = new Sqlite(home.ledger);
    db.exec("DROP TRIGGER entries_no_update; UPDATE entries SET entry = 'not json' WHERE seq = 2");
    db.close();
    const { exitCode, stdout, stderr } = home.witness(['export']);
    expect(exitCode).toBe(0);
    expect(stderr).toBe('warning: 1 entries cannot be read; run if-witness verify\n');
    expect((JSON.parse(stdout) as ExportJson).entries.map(({ type }) => type)).toEqual([
      'genesis',
      'span',
      'malformed',
      'span',
    ]);
  });

  test.each([
    [['--format', 'xml'], '--format is one of json, csv, otlp-json'],
    [['--format', 'toString'], '--format is one of'],
    [['--output', ''], '--output is empty'],
    [['--output', '/nowhere/x.json'], 'cannot write /nowhere/x.json'],
    [['--output', '/tmp'], 'it is a directory'],
  ])('refuses %o', (flags, why) => {
    expect(written().witness(['export', ...flags])).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringContaining(why),
    });
  });
});

describe('export --output', () => {
  test('writes the same into a private file, and says so on stderr', () => {
    const home = written();
    const file = home.beside('out.json');
    const ran = home.witness(['export', '--output', file]);
    expect(ran).toEqual({ exitCode: 0, stdout: '', stderr: `4 entries in ${file}\n` });
    expect(readFileSync(file, 'utf8')).toBe(home.witness(['export']).stdout);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const json = home.witness(['export', '--output', file, '--format', 'csv', '--json']);
    expect(JSON.parse(json.stdout)).toEqual({ output: file, format: 'csv', entries: 4, malformed: 0 });
  });

  test('replaces a file only when it is complete', () => {
    const home = written();
    const folder = home.beside('folder');
    mkdirSync(folder);
    const file = join(folder, 'out.json');
    writeFileSync(file, 'before');
    expect(home.witness(['export', '--trace-id', 'nope', '--output', file]).exitCode).toBe(1);
    expect(readFileSync(file, 'utf8')).toBe('before');
    expect(home.witness(['export', '--output', file]).exitCode).toBe(0);
    expect(readdirSync(folder)).toEqual(['out.json']);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toHaveProperty('entries');
  });

  test.each(['', '-wal', '-shm', '-journal', '.head'])('never writes over the ledger: witness.db%s', (suffix) => {
    const home = written();
    const target = home.ledger + suffix;
    const link = join(dirname(home.path), `${basename(home.path)}-link`);
    symlinkSync(home.path, link);
    const through = join(link, `witness.db${suffix}`);
    for (const file of [target, through]) {
      expect(home.witness(['export', '--output', file])).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining('is a file of the ledger itself'),
      });
    }
    expect(home.witness(['verify', '-q']).exitCode).toBe(0);
    expect(existsSync(`${home.ledger}-journal`)).toBe(false);
  });

  test('knows the ledger by another name too', () => {
    const home = written();
    const other = home.beside('hard-link.db');
    linkSync(home.ledger, other);
    expect(home.witness(['export', '--output', other])).toMatchObject({ exitCode: 2 });
  });
});
