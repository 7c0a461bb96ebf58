/** Our client against litewitness, a witness that we did not write: the same verdicts on rollback, fork and a bad proof. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeAddCheckpoint } from '@infrafabric/cosigner';
import { parseVkey } from '@infrafabric/format';
import Sqlite from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestLog } from '../../packages/cosigner/test/support.js';
import { Home } from '../cli/run.js';
import { litewitness, sshAgent } from './peer-programs.js';
import { type Running, Stage } from './stage.js';

let stage: Stage;
let witness: Running | undefined;
let url: string;
let vkey: string;
const home = new Home();
const log = new TestLog('log.example/interop');

beforeAll(async () => {
  if (!litewitness.present || !sshAgent.present) return;
  stage = new Stage();
  const [key, agent, database] = ['key', 'agent', 'litewitness.db'].map((name) => join(stage.folder, name));
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key!]);
  const running = stage.start(['ssh-agent', '-D', '-a', agent!]);
  await running.until(() => readdirSync(stage.folder).includes('agent'));
  execFileSync('ssh-add', ['-q', key!], { env: { ...process.env, SSH_AUTH_SOCK: agent! } });
  const fingerprint = execFileSync('ssh-keygen', ['-lf', `${key}.pub`], { encoding: 'utf8' }).split(' ')[1]!;
  home.log('first', 't');
  listLogs(database!, [home.witness(['keys', 'show']).stdout.trim(), log.vkey]);
  url = await stage.url(7380);
  const listen = new URL(url).host;
  witness = stage.start([
    ...['litewitness', '-name', 'witness.example/lite', '-db', database!, '-ssh-agent', agent!],
    ...['-key', fingerprint, '-listen', listen],
  ]);
  await witness.until(() => /vkey=(\S+)/.test(witness!.output));
  vkey = /vkey=(\S+)/.exec(witness.output)![1]!;
  await witness.until(() =>
    fetch(url).then(
      () => true,
      () => false,
    ),
  );
  writeFileSync(join(home.path, 'policy'), `witness lite ${vkey} ${url}\nquorum lite\n`);
});

afterAll(async () => stage?.close());

/** What `witnessctl add-log` and `add-key` do. */
function listLogs(file: string, vkeys: readonly string[]): void {
  const db = new Sqlite(file);
  db.exec(`CREATE TABLE log (origin TEXT PRIMARY KEY, tree_size INTEGER NOT NULL, tree_hash TEXT NOT NULL);
    CREATE TABLE key (origin TEXT NOT NULL, key TEXT NOT NULL, FOREIGN KEY(origin) REFERENCES log(origin))`);
  for (const text of vkeys) {
    const { name } = parseVkey(text);
    db.prepare("INSERT INTO log VALUES (?, 0, '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=')").run(name);
    db.prepare('INSERT INTO key VALUES (?, ?)').run(name, text);
  }
  db.close();
}

test('cosigns our checkpoints, one after the other, and its cosignatures meet our policy', (context) => {
  litewitness.need(context);
  sshAgent.need(context);
  for (const size of [2, 3, 4]) {
    if (size > 2) home.log(String(size), 't');
    const { exitCode, stderr } = home.witness(['anchor', '--output', home.beside(`${size}.note`)]);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('cosigned by lite') });
    expect(JSON.parse(home.witness(['verify', '--json']).stdout)).toMatchObject({
      code: 'valid.witnessed',
      policy: { witnessed: { size, by: ['lite'] } },
    });
  }
  expect(JSON.parse(home.witness(['verify', '--ask', '--json']).stdout)).toMatchObject({
    code: 'valid.witnessed',
    asked_witnesses: [{ outcome: 'cosigned' }],
  });
});

test('shows a rollback, and then a fork', (context) => {
  litewitness.need(context);
  sshAgent.need(context);
  const older = home.beside('older');
  mkdirSync(older);
  const files = readdirSync(home.path).filter((name) => name.startsWith('witness.db'));
  for (const name of files) copyFileSync(join(home.path, name), join(older, name));
  home.log('later', 't');
  expect(home.witness(['anchor', '-q']).exitCode).toBe(0);
  for (const name of readdirSync(home.path)) if (name.startsWith('witness.db')) rmSync(join(home.path, name));
  for (const name of files) copyFileSync(join(older, name), join(home.path, name));
  expect(home.witness(['verify', '-q']).exitCode).toBe(0);
  // It serves no checkpoints: its word alone.
  expect(JSON.parse(home.witness(['verify', '--ask', '--json']).stdout)).toMatchObject({
    exit_code: 1,
    problems: [{ code: 'rollback' }],
    asked_witnesses: [{ outcome: 'ahead', size: 5 }],
  });
  expect(home.witness(['anchor', '-q'])).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('rollback') });
  home.log('other', 't');
  home.log('more', 't');
  expect(JSON.parse(home.witness(['verify', '--ask', '--json']).stdout)).toMatchObject({
    exit_code: 1,
    problems: [{ code: 'fork' }],
    asked_witnesses: [{ outcome: 'fork' }],
  });
  expect(home.witness(['anchor', '-q'])).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('two histories'),
  });
});

// But for one: a proof beside a first checkpoint, which is 422 in the specification, and here, and 200 in litewitness 0.9.
test('answers as ours does', async (context) => {
  litewitness.need(context);
  sshAgent.need(context);
  const { witnessFor } = await import('../../packages/cosigner/test/support.js');
  const ours = await witnessFor([log]);
  try {
    const bodies: [string, Uint8Array | string][] = [
      ['an unknown log', new TestLog('log.example/unknown').request(0, 5)],
      ['another key', new TestLog(log.origin).request(0, 5)],
      ['a first checkpoint', log.request(0, 5)],
      ['the wrong old size', log.request(0, 8)],
      ['the same again', log.request(5, 5)],
      ['another root of that size', log.request(5, 5, 'fork')],
      ['a forked history', log.request(5, 20, 'fork')],
      ['no proof', encodeAddCheckpoint({ oldSize: 5, proof: [], note: Buffer.from(log.note(20)) })],
      [
        'a proof of another size',
        encodeAddCheckpoint({ oldSize: 5, proof: log.proof(6, 20), note: Buffer.from(log.note(20)) }),
      ],
      [
        'an old size beyond the checkpoint',
        encodeAddCheckpoint({ oldSize: 9, proof: [], note: Buffer.from(log.note(7)) }),
      ],
      ['a continuation', log.request(5, 20)],
      ['a rollback', log.request(5, 9)],
      ['no old line', `\n\n${log.note(21)}`],
      [
        'an extension line',
        encodeAddCheckpoint({
          oldSize: 20,
          proof: log.proof(20, 21),
          note: Buffer.from(log.note(21, 'main', 'more\n')),
        }),
      ],
    ];
    const ask = async (base: string, body: Uint8Array | string): Promise<object> => {
      const answer = await fetch(`${base}/add-checkpoint`, { method: 'POST', body });
      const text = await answer.text();
      return answer.status === 409
        ? { status: 409, type: answer.headers.get('content-type'), text }
        : { status: answer.status };
    };
    for (const [what, body] of bodies) expect([what, await ask(ours.url, body)]).toEqual([what, await ask(url, body)]);
  } finally {
    await ours.server.stop(0);
  }
});
