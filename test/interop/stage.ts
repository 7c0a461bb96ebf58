/**
 * Where a recipe is played: free ports and a folder in place of the ports and folders that it names, and its processes,
 * which end with it. Everything else of a recipe stays as it is written.
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cleanEnv, type Ran } from '../cli/run.js';
import { recipe } from './recipes.js';

/** A process that goes on beside the test. */
export class Running {
  readonly #child: ChildProcess;
  #output = '';

  constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
    }
  }

  /** What it has written, stdout and stderr. */
  get output(): string {
    return this.#output;
  }

  get ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Sends the signal, and waits for the end. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.ended) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill(signal);
    await exit;
  }

  /** Waits until `ready` holds. @throws Error with all it wrote when it ends before, or after 30 s */
  async until(ready: () => boolean | Promise<boolean>): Promise<this> {
    const deadline = Date.now() + 30_000;
    while (!(await ready())) {
      if (this.ended || Date.now() > deadline) {
        throw new Error(`${this.#child.spawnargs.join(' ')} did not get ready:\n${this.#output}`);
      }
      await delay(50);
    }
    return this;
  }
}

/** Ports, a folder, processes. `close` it. */
export class Stage {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'recipe-'));
  readonly #ports = new Map<number, number>();
  readonly #running: Running[] = [];

  /** The free port that stands for a documented one, always the same. */
  async port(documented: number): Promise<number> {
    const known = this.#ports.get(documented);
    if (known !== undefined) return known;
    const free = await freePort();
    this.#ports.set(documented, free);
    return free;
  }

  /** `http://127.0.0.1:4318/path`, at the port that stands for 4318. */
  async url(documented: number, path = ''): Promise<string> {
    return `http://127.0.0.1:${await this.port(documented)}${path}`;
  }

  /** A block of docs/recipes.md, with the ports and the folder of this stage. */
  async recipe(name: string): Promise<string> {
    let text = recipe(name).replaceAll('/var/lib/', `${this.folder}/`);
    const named = /(?<=127\.0\.0\.1:|--port |--grpc-port )\d{4,5}\b/g;
    for (const port of new Set(text.match(named))) await this.port(Number(port));
    text = text.replace(named, (port) => String(this.#ports.get(Number(port))));
    return text;
  }

  /** Writes a block into a file of its own name. @returns the path */
  async file(name: string): Promise<string> {
    const path = join(this.folder, name);
    writeFileSync(path, await this.recipe(name));
    return path;
  }

  /** Makes a folder. */
  makeFolder(name: string): void {
    mkdirSync(join(this.folder, name), { recursive: true });
  }

  /** Lets scripts name a file as if it lay in their folder. */
  link(target: string, name: string): void {
    symlinkSync(target, join(this.folder, name));
  }

  /** Runs a shell script to its end, in the folder. */
  async run(script: string, env: NodeJS.ProcessEnv = {}): Promise<Ran> {
    const child = spawn('bash', ['-euo', 'pipefail', '-c', script], this.#options(env));
    let stdout = '';
    let stderr = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const [exitCode] = (await once(child, 'close')) as [number | null];
    return { exitCode, stdout, stderr };
  }

  /** Starts a program beside the test, in the folder. No shell: a signal reaches the program itself. */
  start([program, ...args]: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
    const running = new Running(spawn(program!, args, this.#options(env)));
    this.#running.push(running);
    return running;
  }

  async close(): Promise<void> {
    for (const running of this.#running) await running.end('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  #options(env: NodeJS.ProcessEnv): SpawnOptions {
    // `if-witness` as this repository has it.
    const PATH = [join(import.meta.dirname, '../../node_modules/.bin'), process.env.PATH].join(delimiter);
    return { cwd: this.folder, env: cleanEnv({ PATH, ...env }), stdio: ['ignore', 'pipe', 'pipe'] };
  }
}

/** Whether an HTTP server answers 200. */
export async function answers(url: string): Promise<boolean> {
  const response = await fetch(url).catch(() => undefined);
  await response?.body?.cancel();
  return response?.status === 200;
}

/** Whether an HTTP server answers, whatever it says. */
export async function answersAtAll(url: string): Promise<boolean> {
  const response = await fetch(url).catch(() => undefined);
  await response?.body?.cancel();
  return response !== undefined;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}
