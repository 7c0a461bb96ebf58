/**
 * The writer of ../attacks/children/write.mjs under strace: everything from an empty home on, key, ledger, commits, head, is done
 * by one thread in an order that repeats, so that a fault can be put at each of its system calls.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Peer, peer } from '../peers.js';

/** It must also be allowed to watch other processes, which containers may forbid. */
export const strace: Peer = peer('strace', ['strace', '-f', '-o', '/dev/null', '-e', 'trace=none', 'true']);

const SCRIPT = fileURLToPath(new URL('../attacks/children/write.mjs', import.meta.url));
const BATCHES = 3;
const BATCH_SIZE = 3;
/** Numbers of the spans that a whole run writes. */
export const ALL_SPANS: readonly number[] = Array.from({ length: BATCHES * BATCH_SIZE }, (_, i) => i + 1);
export { BATCH_SIZE };

/** What can befall a call: an error in its place, or the end of the process. */
export interface Fault {
  readonly call: string;
  /** From 1. */
  readonly nth: number;
  /** Name of the error, or `KILL`. */
  readonly kind: string;
}

/** What the writer did. */
export interface Outcome {
  /** Whether the fault was reached. */
  readonly injected: boolean;
  readonly killed: boolean;
  readonly opened: boolean;
  /** Numbers of the spans that were acknowledged. */
  readonly acknowledged: readonly number[];
  /** Code of the error that ended it. */
  readonly failure: string | undefined;
}

/** How often the writer makes each call on files, when nothing fails. */
export async function countCalls(folder: string): Promise<Map<string, number>> {
  const log = join(folder, 'calls');
  const { pid } = await runWatched(join(folder, 'home'), ['-e', 'trace=%file,%desc', '-o', log]);
  const counts = new Map<string, number>();
  for (const [, thread, call] of readFileSync(log, 'utf8').matchAll(/^(\d+) +(\w+)\(/gm)) {
    if (Number(thread) !== pid || NOT_ON_FILES.has(call!)) continue;
    counts.set(call!, (counts.get(call!) ?? 0) + 1);
  }
  return counts;
}

/** Memory and events of the process, not files; an error in `mmap` is one of memory too. */
const NOT_ON_FILES = new Set(['epoll_ctl', 'epoll_wait', 'epoll_pwait', 'mmap', 'ioctl', 'poll', 'eventfd2']);

/** Runs the writer on an empty home with one fault. */
export async function runWithFault(folder: string, { call, nth, kind }: Fault): Promise<Outcome> {
  const log = join(folder, 'fault');
  const fault = kind === 'KILL' ? `signal=KILL:when=${nth}` : `error=${kind}:when=${nth}`;
  const ran = await runWatched(join(folder, 'home'), [
    '-e',
    `trace=${call}`,
    '-e',
    `inject=${call}:${fault}`,
    '-o',
    log,
  ]);
  const killed = ran.signal === 'SIGKILL';
  return { injected: killed || readFileSync(log, 'utf8').includes('(INJECTED)'), killed, ...said(ran.lines) };
}

/** Runs the writer on a home as it stands, and nothing fails. */
export async function runAgain(folder: string): Promise<Outcome> {
  const child = spawn(process.execPath, [SCRIPT, join(folder, 'home'), '1', String(BATCHES), String(BATCH_SIZE)]);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  await once(child, 'close');
  return { injected: false, killed: false, ...said(output.split('\n')) };
}

function said(lines: readonly string[]): Pick<Outcome, 'opened' | 'acknowledged' | 'failure'> {
  const acknowledged: number[] = [];
  let failure: string | undefined;
  for (const line of lines) {
    const [, from, to] = /^(\d+) (\d+)$/.exec(line) ?? [];
    for (let n = Number(from); n <= Number(to); n++) acknowledged.push(n);
    failure ??= /^failed (.*)/.exec(line)?.[1];
  }
  return { opened: lines.includes('open'), acknowledged, failure };
}

async function runWatched(
  home: string,
  options: readonly string[],
): Promise<{ pid: number; signal: NodeJS.Signals | null; lines: readonly string[] }> {
  const work = [home, '1', String(BATCHES), String(BATCH_SIZE)];
  const child = spawn(process.execPath, [SCRIPT, ...work], { env: { ...process.env, GATE: '1' } });
  const closed = once(child, 'close');
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  await until(() => output.includes('loaded\n'), child.stdout);
  const watcher = spawn('strace', ['-f', ...options, '-p', String(child.pid)], { stdio: ['ignore', 'ignore', 'pipe'] });
  const watched = once(watcher, 'close');
  let words = '';
  watcher.stderr.setEncoding('utf8').on('data', (text: string) => {
    words += text;
  });
  await until(() => words.includes('attached'), watcher.stderr);
  child.stdin.end('\n');
  const [, signal] = (await closed) as [number | null, NodeJS.Signals | null];
  await watched;
  return { pid: child.pid!, signal, lines: output.split('\n') };
}

async function until(holds: () => boolean, stream: NodeJS.ReadableStream): Promise<void> {
  while (!holds()) {
    const ended = await Promise.race([once(stream, 'data').then(() => false), once(stream, 'end').then(() => true)]);
    if (ended && !holds()) throw new Error('the writer, or strace, ended before its time');
  }
}
