import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseVkey } from '@infrafabric/format';
import { openNote } from '@infrafabric/verify';
import Sqlite from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { Home } from './run.js';

function written(): Home {
  const home = new Home();
  home.log('e', 't');
  return home;
}

describe('keys', () => {
  test('show prints the vkey and nothing else', () => {
    const home = written();
    const { exitCode, stdout, stderr } = home.witness(['keys', 'show']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(parseVkey(stdout.slice(0, -1))).toMatchObject({ name: expect.stringMatching(/^if-witness\//) });
    expect(JSON.parse(home.witness(['keys', 'show', '--json']).stdout)).toEqual({
      origin: expect.any(String),
      key_id: expect.stringMatching(/^[0-9a-f]{8}$/),
      vkey: stdout.trim(),
      private: true,
    });
  });

  test('list says which is current, since when, and where its private half is', () => {
    const home = written();
    const { exitCode, stdout } = home.witness(['keys', 'list']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /^KEY ID +CREATED +CURRENT +PRIVATE HALF +SIGNED SIZES +FILE\n[0-9a-f]{8} +\d{4}-\d\d-\d\dT[\d:]{8}Z +yes +here +1– +\/.*\.vkey\n$/,
    );
    const { origin, keys } = JSON.parse(home.witness(['keys', 'list', '--json']).stdout) as {
      origin: string;
      keys: { key_id: string }[];
    };
    expect(keys).toMatchObject([{ current: true, private: true, vkey: expect.stringContaining(`${origin}+`) }]);
    const [directory] = [join(home.path, 'keys')];
    const [folder] = home.shell(`ls ${directory}`).stdout.trim().split('\n');
    rmSync(join(directory, folder!, `${keys[0]!.key_id}.key`));
    expect(home.witness(['keys', 'list']).stdout).toContain('not here');
  });

  test('a key that only the ledger names is not shown', () => {
    const home = written();
    const ran = home.witness(['keys', 'show', '--home', home.beside('none'), '--ledger', home.ledger]);
    expect(ran).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining('holds no current key') });
    expect(home.witness(['keys', 'list', '--home', home.beside('none'), '--ledger', home.ledger]).exitCode).toBe(1);
  });

  test('without a ledger there is nothing to list or show', () => {
    for (const command of ['list', 'show']) {
      expect(new Home().witness(['keys', command])).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining('there is no ledger at'),
      });
    }
  });
});

describe('anchor', () => {
  test('prints the newest checkpoint note byte for byte', () => {
    const home = written();
    const { exitCode, stdout, stderr } = home.witness(['anchor']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toBe(readFileSync(`${home.ledger}.head`, 'utf8'));
    const key = parseVkey(home.witness(['keys', 'show']).stdout.trim());
    expect(openNote(Buffer.from(stdout), key)).toMatchObject({ ok: true, checkpoint: { size: 2 } });
  });

  test('writes it to a file, hands it to a command, or both', () => {
    const home = written();
    const note = home.witness(['anchor']).stdout;
    const file = home.beside('anchor.note');
    expect(home.witness(['anchor', '--output', file])).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: `checkpoint of 2 entries in ${file}\n`,
    });
    expect(readFileSync(file, 'utf8')).toBe(note);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(home.witness(['anchor', '--exec', 'cat'])).toEqual({ exitCode: 0, stdout: note, stderr: '' });
    expect(home.witness(['anchor', '--exec', 'true', '-q', '--output', file])).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: '',
    });
    expect(home.witness(['anchor', '--exec', 'exit 5'])).toMatchObject({
      exitCode: 2,
      stderr: 'error: --exec exit 5: exit code 5\n',
    });
    expect(home.witness(['anchor', '--output', home.ledger])).toMatchObject({ exitCode: 2 });
  });

  test('has --json', () => {
    const home = written();
    expect(JSON.parse(home.witness(['anchor', '--json']).stdout)).toEqual({
      note: home.witness(['anchor']).stdout,
      origin: expect.any(String),
      size: 2,
      root_hex: expect.stringMatching(/^[0-9a-f]{64}$/),
      key_id: expect.stringMatching(/^[0-9a-f]{8}$/),
      line: home.witness(['anchor', '--line']).stdout.trim(),
      cosigned_by: [],
      policy_met: null,
      witnesses: [],
    });
  });

  test('keeps to itself what no held key signed', () => {
    const home = written();
    const foreign = ['--home', home.beside('none'), '--ledger', home.ledger];
    expect(home.witness(['anchor', ...foreign])).toMatchObject({
      exitCode: 3,
      stdout: '',
      stderr: expect.stringContaining('no key is held'),
    });
    const vkey = home.witness(['keys', 'show']).stdout.trim();
    expect(home.witness(['anchor', ...foreign, '--key', vkey])).toMatchObject({ exitCode: 0 });
    const other = written().witness(['keys', 'show']).stdout.trim();
    expect(home.witness(['anchor', '--key', other])).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: expect.stringContaining('not one to keep'),
    });
  });

  test('refuses a ledger whose end was cut', () => {
    const home = written();
    home.log('later', 't');
    const db = new Sqlite(home.ledger);
    for (const name of ['entries_no_delete', 'checkpoints_no_delete']) db.exec(`DROP TRIGGER ${name}`);
    db.exec('DELETE FROM entries WHERE seq = 2; DELETE FROM checkpoints WHERE size = 3');
    db.close();
    expect(home.witness(['anchor'])).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: expect.stringContaining('behind its remembered head'),
    });
  });
});
