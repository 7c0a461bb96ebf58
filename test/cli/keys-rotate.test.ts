/** `keys rotate`, and what the other commands say of a ledger whose key has changed. */
import {
  copyFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseVkey, sha256Hex } from '@infrafabric/format';
import { Ledger } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { describe, expect, onTestFinished, test } from 'vitest';
import { attack } from '../attacks/edits.js';
import { seededSources, spanDraft, vkeyOf } from '../attacks/ledger-files.js';
import { sshAgent, startAgent } from '../ssh-agent.js';
import { Home } from './run.js';

function written(): Home {
  const home = new Home();
  home.log('e', 't');
  return home;
}

function rotate(home: Home): { vkey: string; key_id: string; old_key_id: string; seq: number } {
  const { exitCode, stdout, stderr } = home.witness(['keys', 'rotate', '--json', '-q']);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return JSON.parse(stdout) as ReturnType<typeof rotate>;
}

interface Verified {
  readonly exit_code: number;
  readonly problems: readonly { readonly code: string; readonly seq: number | null }[];
  readonly key: Readonly<Record<string, unknown>>;
}

const verify = (home: Home, ...flags: readonly string[]): Verified =>
  JSON.parse(home.witness(['verify', '--json', ...flags]).stdout) as Verified;

describe('keys rotate', () => {
  test('prints the new key alone, as keys show does from then on, and says what was done', () => {
    const home = written();
    const before = home.witness(['keys', 'show']).stdout;
    const { exitCode, stdout, stderr } = home.witness(['keys', 'rotate', '--reason', 'spring']);
    const [old, now] = [before, stdout].map((vkey) => parseVkey(vkey.trim()).keyIdHex);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr: `entry 2 hands over from key ${old} to ${now}; the private half of ${old} is destroyed\n`,
    });
    expect(home.witness(['keys', 'show']).stdout).toBe(stdout);
    expect(home.log('e', 't').exitCode).toBe(0);
    const entries = JSON.parse(home.witness(['export', '--format', 'json']).stdout) as unknown;
    expect(JSON.stringify(entries)).toContain('"reason":"spring"');
  });

  test('has --json', () => {
    const home = written();
    const old = parseVkey(home.witness(['keys', 'show']).stdout.trim());
    expect(rotate(home)).toEqual({
      rotated: true,
      origin: old.name,
      vkey: home.witness(['keys', 'show']).stdout.trim(),
      seq: 2,
      key_id: expect.stringMatching(/^[0-9a-f]{8}$/),
      old_key_id: old.keyIdHex,
      old_private: 'destroyed',
    });
  });

  test('by age does nothing to a younger key, and says so', async () => {
    const home = written();
    const vkey = home.witness(['keys', 'show']).stdout;
    expect(home.witness(['keys', 'rotate', '--if-older-than', '90d'])).toEqual({
      exitCode: 0,
      stdout: vkey,
      stderr: 'the key is not 90d old yet; it still signs\n',
    });
    const json = home.witness(['keys', 'rotate', '--if-older-than', '36h', '--json', '-q']).stdout;
    expect(JSON.parse(json)).toEqual({ rotated: false, origin: expect.any(String), vkey: vkey.trim() });
    const old = new Home();
    const longAgo = BigInt(Date.now() - 91 * 86_400_000) * 1_000_000n;
    await (await Ledger.open({ home: old.path, sources: seededSources('cli', longAgo) })).close();
    expect(old.witness(['keys', 'rotate', '--if-older-than', '90d']).stderr).toContain('entry 1 hands over');
    expect(old.witness(['keys', 'rotate', '--if-older-than', '90d']).stderr).toContain('not 90d old yet');
  });

  test.each([
    [['--if-older-than', '90'], 'such as 90d'],
    [['--if-older-than', '0d'], 'such as 90d'],
    [['--reason', ' '], '--reason is empty'],
    [['--to', ''], '--to is empty'],
    [['--to', 'somewhere'], 'IF_WITNESS_SIGNER=ssh-agent:SOCKET'],
  ])('with %j is a mistake, and changes nothing', (flags, says) => {
    const home = written();
    const before = readFileSync(home.ledger);
    const ran = home.witness(['keys', 'rotate', ...flags]);
    expect(ran).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining(says) });
    expect(readFileSync(home.ledger)).toEqual(before);
  });

  test('without a ledger, or without its key, cannot be done', () => {
    const none = new Home();
    expect(none.witness(['keys', 'rotate'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('no ledger at'),
    });
    const home = written();
    const elsewhere = ['--home', home.beside('none'), '--ledger', home.ledger];
    const { exitCode, stderr } = home.witness(['keys', 'rotate', '--json', ...elsewhere]);
    expect(exitCode).toBe(2);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'key.missing' } });
    expect(verify(home)).toMatchObject({ exit_code: 0, key: { epochs: 1 } });
  });
});

describe('a ledger whose key has changed', () => {
  test('has its keys listed in order, with the sizes that each has signed', () => {
    const home = written();
    const [one, two, three] = [rotate(home), rotate(home), rotate(home)];
    const { keys } = JSON.parse(home.witness(['keys', 'list', '--json']).stdout) as { keys: { key_id: string }[] };
    const ids = [one.old_key_id, two.old_key_id, three.old_key_id, three.key_id];
    expect(keys.map(({ key_id }) => key_id)).toEqual(ids);
    expect(keys).toMatchObject([
      { current: false, private: false, first_size: 1, last_size: 3 },
      { current: false, private: false, first_size: 3, last_size: 4 },
      { current: false, private: false, first_size: 4, last_size: 5 },
      { current: true, private: true, first_size: 5, last_size: null },
    ]);
    expect(home.witness(['keys', 'list']).stdout).toMatch(/\n[0-9a-f]{8} +\S+ +yes +here +5– /);
  });

  test('is verified under the newest key that is here, and under an older one with how the newest was reached', () => {
    const home = written();
    const first = home.witness(['keys', 'show']).stdout.trim();
    const anchor = home.beside('first.note');
    home.witness(['anchor', '--output', anchor]);
    rotate(home);
    const last = rotate(home);
    home.log('e', 't');
    expect(verify(home, '--anchor', anchor)).toMatchObject({
      exit_code: 0,
      key: { source: 'local', key_id: last.key_id, newest_key_id: last.key_id, epochs: 3, reached_by_rotations: 0 },
    });
    expect(verify(home, '--key', first, '--anchor', anchor).key).toMatchObject({ reached_by_rotations: 2 });
    const { stdout } = home.witness(['verify', '--key', first]);
    expect(stdout).toContain(
      `${parseVkey(first).keyIdHex}, from --key; ${last.key_id} signs now, reached by 2 rotations`,
    );
    expect(stdout).toContain('hold the newest');
    expect(home.witness(['verify']).stdout).toContain('; the newest of 3, earlier ones by 2 rotations');
  });

  test('replaced by an older copy, its head removed, is INVALID where its later key is here; --no-head asks for the copy alone', () => {
    const home = written();
    copyFileSync(home.ledger, home.beside('before.db'));
    rotate(home);
    copyFileSync(home.beside('before.db'), home.ledger);
    rmSync(`${home.ledger}.head`);
    expect(verify(home)).toMatchObject({ exit_code: 1, problems: [{ code: 'rotation.missing', seq: null }] });
    expect(verify(home, '--no-head')).toMatchObject({ exit_code: 0 });
    expect(verify(home, '--no-head', '--ledger', home.beside('before.db'))).toMatchObject({ exit_code: 0 });
    expect(home.log('e', 't').stderr).toContain('private key');
  });

  test('is said to whoever gives the key of another time to anchor, proof or verify --proof', () => {
    const home = written();
    const old = home.witness(['keys', 'show']).stdout.trim();
    const before = home.beside('before.proof');
    home.witness(['proof', '1', '--include-entry', '--output', before]);
    const { vkey, key_id, old_key_id } = rotate(home);
    home.log('e', 't');
    const hint = `hint: it is signed by key ${key_id} of that name: if the key was changed, run if-witness verify, then give the`;
    for (const args of [['anchor'], ['proof', '1']]) {
      const ran = home.witness([...args, '--key', old]);
      expect(ran).toMatchObject({ exitCode: 1, stdout: '', stderr: expect.stringContaining(hint) });
      expect(home.witness([...args, '--key', vkey]).exitCode).toBe(0);
    }
    const judged = (key: string) => home.witness(['verify', '--proof', before, '--key', key]);
    expect(judged(old).exitCode).toBe(0);
    const message = `it says that the key ${old_key_id} of this ledger signed it: where the key was rotated, hold that one`;
    expect(judged(vkey)).toMatchObject({ exitCode: 1, stdout: expect.stringContaining(message) });
    // Of a ledger with another name there is nothing to say but that it is another one.
    const other = written().witness(['keys', 'show']).stdout.trim();
    expect(judged(other).stdout).not.toContain('where the key was rotated');
    expect(home.witness(['anchor', '--key', other]).stderr).toContain('hint: run if-witness verify\n');
  });

  test('given up for an older copy on purpose, with its old key restored, is continued', () => {
    const home = written();
    copyFileSync(home.ledger, home.beside('before.db'));
    cpSync(join(home.path, 'keys'), home.beside('keys'), { recursive: true });
    rotate(home);
    copyFileSync(home.beside('before.db'), home.ledger);
    cpSync(home.beside('keys'), join(home.path, 'keys'), { recursive: true });
    expect(home.witness(['doctor', '--accept-head', 'the disk died']).exitCode).toBe(0);
    expect(home.log('e', 't').exitCode).toBe(0);
    expect(verify(home)).toMatchObject({ exit_code: 0, problems: [], key: { epochs: 1 } });
    const files = readdirSync(join(home.path, 'keys'), { recursive: true, encoding: 'utf8' });
    expect(files.filter((file) => file.endsWith('.vkey.given-up'))).toHaveLength(1);
  });

  test('with an old private half that is still there is a problem of the doctor’s, until the next event', () => {
    const home = written();
    const { name, keyIdHex } = parseVkey(home.witness(['keys', 'show']).stdout.trim());
    const file = join(home.path, 'keys', sha256Hex(name), `${keyIdHex}.key`);
    copyFileSync(file, home.beside('saved'));
    rotate(home);
    renameSync(home.beside('saved'), file);
    const sick = home.witness(['doctor']);
    expect(sick.exitCode).toBe(1);
    expect(sick.stdout).toContain(`the private half of ${keyIdHex}, which signs no more, is still there: ${file}`);
    home.log('e', 't');
    expect(home.witness(['doctor'])).toMatchObject({ exitCode: 0 });
  });
});

test('a large ledger is judged by two threads, each with the right keys, and named where it is wrong', {
  timeout: 120_000,
}, async () => {
  const home = new Home();
  const ledger = await Ledger.open({ home: home.path, longLived: true });
  for (let batch = 0; batch < 22; batch++) {
    await ledger.append(Array.from({ length: 1_000 }, (_, i) => spanDraft(1_000 * batch + i)));
    if (batch % 5 === 4) await ledger.rotate();
  }
  await ledger.close();
  const genesis = vkeyOf(home.ledger);
  for (const flags of [[], ['--key', genesis], ['--all-signatures']]) {
    expect(verify(home, ...flags)).toMatchObject({ exit_code: 0, problems: [], key: { epochs: 5 } });
  }
  // The new key's line cut off behind the first rotation.
  const reader = LedgerReader.open(home.ledger);
  const rotation = reader.rotations()[0]![0];
  reader.close();
  const unsigned = attack(home.ledger, (db) => {
    const size = rotation + 1;
    const note = db.prepare('SELECT note FROM checkpoints WHERE size = ?').pluck().get(size) as Buffer;
    const cut = note.subarray(0, note.lastIndexOf('—'));
    db.prepare('UPDATE checkpoints SET note = ? WHERE size = ?').run(cut, size);
  });
  const { exit_code, problems } = verify(home, '--ledger', unsigned, '--no-head');
  expect(exit_code).toBe(1);
  expect(problems).toContainEqual(expect.objectContaining({ code: 'rotation.signature', seq: rotation }));
  // A rotation that the index does not have: what the threads were told of the keys is not what the chain says.
  const hidden = attack(home.ledger, (db) =>
    db.prepare("UPDATE entries SET type = 'alert' WHERE seq = ?").run(rotation),
  );
  expect(verify(home, '--ledger', hidden, '--no-head').problems).toContainEqual(
    expect.objectContaining({ code: 'entry.column', seq: rotation }),
  );
});

describe('with the key in an ssh-agent', () => {
  test('log, rotate, list, doctor and verify work, and without the agent events wait in the spool', async (context) => {
    sshAgent.need(context);
    const directory = mkdtempSync(join(tmpdir(), 'agent-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const agent = await startAgent(directory);
    agent.add('first');
    const home = new Home();
    const env = { IF_WITNESS_SIGNER: 'ssh-agent', SSH_AUTH_SOCK: agent.socketPath };
    const run = (...args: readonly string[]) => home.witness(args, { env });
    const log = ['log', '--event', 'e', '--component', 'c', '--trace-id', 't'];
    expect(run(...log)).toMatchObject({ exitCode: 0, stderr: '' });
    agent.add('second');
    expect(run('keys', 'rotate', '--to', 'second')).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining('was never in this home: destroy it where it is'),
    });
    expect(run(...log)).toMatchObject({ exitCode: 0 });
    expect(run('keys', 'list').stdout).toMatch(/ yes +not here +3– /);
    expect(run('doctor')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('in the signer that IF_WITNESS_SIGNER names'),
    });
    expect(verify(home)).toMatchObject({ exit_code: 0, key: { source: 'local', epochs: 2, reached_by_rotations: 0 } });
    agent.sshAdd('-D');
    expect(run('doctor')).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('does not hold the key') });
    const spooled = run(...log);
    expect(spooled.stderr).toContain('refused');
    expect(run(...log, '--no-spool')).toMatchObject({ exitCode: 2 });
    // Back to a file: the old key is gone, so this cannot be done.
    expect(run('keys', 'rotate', '--to', 'file')).toMatchObject({ exitCode: 2 });
    expect(verify(home)).toMatchObject({ exit_code: 0, key: { epochs: 2 } });
  });

  test('a file that says nonsense about the signer is said as such', () => {
    const home = new Home();
    writeFileSync(home.beside('x'), '');
    const { exitCode, stderr } = home.witness(['log', '--event', 'e', '--component', 'c', '--trace-id', 't'], {
      env: { IF_WITNESS_SIGNER: 'hsm:1' },
    });
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('is no signer') });
  });
});
