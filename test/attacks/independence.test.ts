/** Attack matrix: clock, language, time zone, user and network of the verifier change no verdict. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { attack, editEntry, replaceOctets } from './edits.js';
import { type Built, buildLedger, vkeyOf } from './ledger-files.js';

let built: Built;
beforeAll(async () => {
  built = await buildLedger({ batches: [20, 20, 20] });
});

describe('the verdict does not depend on', () => {
  const script = fileURLToPath(new URL('children/verify.mjs', import.meta.url));
  const verdictIn = async (env: Record<string, string>, wrapper: readonly string[] = []): Promise<unknown> => {
    const [program, ...args] = [...wrapper, process.execPath, script, path, vkeyFile];
    const child = spawn(program!, args, {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk) => (text += chunk));
    await once(child, 'close');
    return JSON.parse(text);
  };
  let path: string;
  let vkeyFile: string;
  let expected: unknown;
  beforeAll(async () => {
    path = attack(built.path, (db) => editEntry(db, 7, (b) => replaceOctets(b, 'request', 'requesT')));
    vkeyFile = `${dirname(path)}/vkey`;
    writeFileSync(vkeyFile, vkeyOf(path));
    expected = await verdictIn({});
    expect(expected).toMatchObject({ verdict: 'INVALID', problems: [{ code: 'entry.prev', seq: 7 }] });
  });

  test.each<[string, Record<string, string>]>([
    ['the time zone', { TZ: 'Pacific/Kiritimati' }],
    ['the language', { LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' }],
    ['a locale without UTF-8', { LC_ALL: 'C' }],
    ['the year, 1970', { FAKE_NOW: '0' }],
    ['the year, 2100', { FAKE_NOW: '4102444800000' }],
    ['a home', { HOME: '/nonexistent', IF_WITNESS_HOME: '/nonexistent' }],
  ])('%s', async (_, env) => {
    expect(await verdictIn(env)).toEqual(expected);
  });

  const unshare = spawnSync('unshare', ['-n', 'true']).status === 0;
  test.skipIf(!unshare)('the network (unshare -n)', async () => {
    expect(await verdictIn({}, ['unshare', '-n'])).toEqual(expected);
  });

  const other =
    process.getuid?.() === 0 && spawnSync('setpriv', ['--reuid', '65534', '--clear-groups', 'true']).status === 0;
  test.skipIf(!other)('the user: one who may only read gets the same, or a refusal, and changes nothing', async () => {
    const before = readFileSync(path);
    const run = spawnSync('setpriv', ['--reuid', '65534', '--clear-groups', process.execPath, script, path, vkeyFile]);
    expect(run.status === 0 ? JSON.parse(String(run.stdout)) : 'refused').toEqual(
      run.status === 0 ? expected : 'refused',
    );
    expect(readFileSync(path)).toEqual(before);
  });
});
