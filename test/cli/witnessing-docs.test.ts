/** docs/witnessing.md, as two teams would follow it: every block, in order, in two homes, with free ports for the two named. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cleanEnv } from './run.js';

const page = readFileSync(join(import.meta.dirname, '../../docs/witnessing.md'), 'utf8');
const blocks = [...page.matchAll(/^```(\w+)(?: (\S+))?\n([\s\S]*?)^```\n(?:\n```text\n([\s\S]*?)^```$)?/gm)].map(
  ([, language, who, text, expected]) => ({ language, who, text: text!, expected }),
);
const scripts = blocks.filter(({ language }) => language === 'sh');

let folder: string;
let ports: readonly [number, number];
const groups: ChildProcess[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'witnessing-'));
  for (const who of ['alice', 'bob']) mkdirSync(join(folder, who));
  ports = [await freePort(), await freePort()];
});

afterAll(() => {
  // The witnesses that the blocks left running are in the groups of their shells.
  for (const { pid } of groups) {
    try {
      process.kill(-pid!, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
  rmSync(folder, { recursive: true, force: true });
});

test.each(scripts.map((script, i) => [i, script] as const))('block %i runs', { timeout: 60_000 }, async (_, script) => {
  const { status, output } = await run(script.who!, script.text);
  expect({ status, output: status === 0 ? '' : output }).toEqual({ status: 0, output: '' });
  if (script.text.trimEnd().endsWith('&')) await listening(script.who === 'alice' ? ports[0] : ports[1]);
  // Times are of the day.
  const comparable = (text: string): string => text.replace(/\d{4}-\d\d-\d\dT[\d:]+Z/g, 'TIME').trim();
  if (script.expected !== undefined) expect(comparable(output)).toContain(comparable(script.expected));
});

test('the page has both teams, and shows what a rollback looks like', () => {
  expect(new Set(scripts.map(({ who }) => who))).toEqual(new Set(['alice', 'bob']));
  expect(blocks.filter(({ expected }) => expected?.includes('INVALID'))).toHaveLength(1);
});

async function run(who: string, text: string): Promise<{ status: number | null; output: string }> {
  const script = text.replaceAll('7380', String(ports[0])).replaceAll('7381', String(ports[1]));
  const bin = join(import.meta.dirname, '../../node_modules/.bin');
  const child = spawn('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: folder,
    env: cleanEnv({ HOME: join(folder, who), PATH: [bin, process.env.PATH].join(delimiter) }),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  groups.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece: Buffer) => (output += piece.toString()));
  // A witness in the background keeps the pipes open.
  const [status] = (await once(child, text.trimEnd().endsWith('&') ? 'exit' : 'close')) as [number | null];
  return { status, output };
}

async function listening(port: number): Promise<void> {
  await expect
    .poll(
      () =>
        fetch(`http://127.0.0.1:${port}/healthz`).then(
          (answer) => answer.status,
          () => 0,
        ),
      { timeout: 20_000 },
    )
    .toBe(200);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}
