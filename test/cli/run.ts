/** Runs the two programs as anybody would: real processes, real ledgers in homes of their own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

/** Path of a program. */
export function programPath(name: 'if-witness' | 'if-optimise'): string {
  return fileURLToPath(new URL(`../../packages/cli/bin/${name}.js`, import.meta.url));
}

/** What a process left behind. */
export interface Ran {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run. */
export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string | Uint8Array;
  readonly cwd?: string;
  readonly uid?: number;
}

const root = mkdtempSync(join(tmpdir(), 'cli-'));
let homes = 0;

afterAll(() => rmSync(root, { recursive: true, force: true }));

/** The environment of a test: nothing of the one who runs it may decide what a command does. */
export function cleanEnv(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const foreign = /^(OTEL_|IF_WITNESS|VITEST|NODE_|TRACE|BAGGAGE|NO_COLOR|FORCE_COLOR|COLUMNS)/;
  const inherited = Object.entries(process.env).filter(([name]) => !foreign.test(name));
  return { ...Object.fromEntries(inherited), ...extra };
}

/** A witness home, and the programs run in it. */
export class Home {
  readonly path: string;
  readonly ledger: string;

  constructor() {
    this.path = join(root, String(homes++));
    this.ledger = join(this.path, 'witness.db');
  }

  /** A path beside this home, removed with it. */
  beside(name: string): string {
    return `${this.path}-${name}`;
  }

  /** `if-witness`, to its end. */
  witness(args: readonly string[], options: RunOptions = {}): Ran {
    return run([programPath('if-witness'), ...args], this.#in(options));
  }

  /** `if-optimise`, to its end. */
  optimise(args: readonly string[], options: RunOptions = {}): Ran {
    return run([programPath('if-optimise'), ...args], this.#in(options));
  }

  /** `if-witness`, beside others. */
  start(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
    return spawn(process.execPath, [programPath('if-witness'), ...args], {
      env: cleanEnv({ IF_WITNESS_HOME: this.path, ...env }),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  }

  /** A shell script in which both programs are on the path. */
  shell(script: string, options: RunOptions = {}): Ran {
    const { env } = this.#in(options);
    const bin = fileURLToPath(new URL('../../node_modules/.bin', import.meta.url));
    const ran = spawnSync('bash', ['-c', script], {
      env: { ...env, PATH: `${bin}:${process.env.PATH}` },
      cwd: options.cwd,
      encoding: 'utf8',
      timeout: 120_000,
    });
    return { exitCode: ran.status, stdout: ran.stdout, stderr: ran.stderr };
  }

  /** `log` of an event that only has a name, a component and a trace. */
  log(event: string, traceId: string, ...more: readonly string[]): Ran {
    return this.witness(['log', '--event', event, '--component', 'test', '--trace-id', traceId, ...more]);
  }

  /** What `trace --format json` says. */
  trace(id: string): TraceJson {
    const { exitCode, stdout, stderr } = this.witness(['trace', id, '--format', 'json']);
    if (exitCode !== 0) throw new Error(`trace ${id} ended with ${exitCode}: ${stderr}`);
    return JSON.parse(stdout) as TraceJson;
  }

  #in(options: RunOptions): RunOptions & { env: NodeJS.ProcessEnv } {
    return { ...options, env: cleanEnv({ IF_WITNESS_HOME: this.path, ...options.env }) };
  }
}

/** The part of `trace --format json` that tests look at. */
export interface TraceJson {
  readonly trace_id: string | null;
  readonly otel_trace_ids: readonly string[];
  readonly entries: readonly EntryJson[];
  readonly totals: {
    readonly entries: number;
    readonly cost_usd: string;
    readonly unpriced: number;
    readonly calls: number;
  };
}

/** The part of an entry that tests look at. */
export interface EntryJson {
  readonly seq: number;
  readonly hash: string;
  readonly event: string;
  readonly component: string | null;
  readonly service: string | null;
  readonly trace_id: string | null;
  readonly parent_trace_id: string | null;
  readonly otel: {
    readonly trace_id: string;
    readonly span_id: string;
    readonly parent_span_id: string | null;
    readonly kind: string;
    readonly status: string;
  };
  readonly start: string;
  readonly end: string;
  readonly duration_ms: number;
  readonly tokens_in: number | null;
  readonly tokens_out: number | null;
  readonly model: string | null;
  readonly provider: string | null;
  readonly cost: string | null;
  readonly cost_source: string | null;
  readonly payload: unknown;
  readonly attributes: Readonly<Record<string, unknown>> | null;
  readonly status_message?: string;
  readonly links?: readonly { readonly trace_id: string; readonly span_id: string }[];
}

function run(args: readonly string[], { env, input, cwd, uid }: RunOptions): Ran {
  const ran = spawnSync(process.execPath, args, {
    env,
    ...(input === undefined ? {} : { input }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(uid === undefined ? {} : { uid, gid: uid }),
    encoding: 'utf8',
    timeout: 60_000,
    maxBuffer: 256 * 1024 * 1024,
  });
  // One that was ended because it did not end must not pass for one that failed.
  if (ran.error !== undefined) throw new Error(`${args.join(' ')}: ${ran.error.message}\n${ran.stderr}`);
  return { exitCode: ran.status, stdout: ran.stdout, stderr: ran.stderr };
}
