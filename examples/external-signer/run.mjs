/** Runs the example in a directory of its own, which is removed at the end unless KEEP=1. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const directory = mkdtempSync(join(tmpdir(), 'signer-'));
const home = join(directory, 'home');
const socket = join(directory, 's.sock');
const program = join(dirname(createRequire(import.meta.url).resolve('@infrafabric/cli')), '../bin/if-witness.js');

function witness(env, ...args) {
  const names = Object.entries(env).map(([name, value]) => `${name}=${value} `);
  console.log(`\n$ ${names.join('')}if-witness ${args.join(' ')}`);
  const { status } = spawnSync(process.execPath, [program, ...args], {
    env: { ...process.env, IF_WITNESS_HOME: home, ...env },
    stdio: ['ignore', 'inherit', 1],
  });
  console.log(`(exit code ${status})`);
  return status;
}

const privateKeys = () =>
  readdirSync(join(home, 'keys'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.key'));

const signer = spawn(
  process.execPath,
  [fileURLToPath(new URL('signer.mjs', import.meta.url)), socket, join(directory, 'signer')],
  {
    stdio: ['ignore', 'pipe', 'pipe'],
  },
);
try {
  const [ready] = await once(signer.stdout, 'data');
  process.stdout.write(ready);
  let refusals = '';
  signer.stderr.on('data', (text) => {
    refusals += text;
  });
  const external = { IF_WITNESS_SIGNER: `ssh-agent:${socket}` };
  const event = ['--component', 'IF.witness.demo', '--trace-id', 'signed-elsewhere'];
  witness({}, 'log', '--event', 'key_in_a_file', ...event);
  witness(external, 'keys', 'rotate', '--reason', 'the key moves into the signer');
  witness(external, 'log', '--event', 'key_in_the_signer', ...event);
  console.log(`\nprivate keys in the witness home: ${privateKeys().length}`);
  const verdict = witness({}, 'verify', '--quiet');
  const other = witness(
    external,
    'log',
    '--ledger',
    join(directory, 'other.db'),
    '--no-spool',
    '--event',
    'another_ledger',
    ...event,
  );
  signer.kill();
  await once(signer, 'close');
  process.stdout.write(refusals);
  console.log('\nwhat the signer wrote down:');
  process.stdout.write(readFileSync(join(directory, 'signer/journal'), 'utf8').replace(/^\S+ /gm, ''));
  process.exitCode = verdict === 0 && other === 2 && privateKeys().length === 0 ? 0 : 1;
} finally {
  signer.kill();
  if (process.env.KEEP === '1') console.log(`\nkept: ${directory}`);
  else rmSync(directory, { recursive: true, force: true });
}
