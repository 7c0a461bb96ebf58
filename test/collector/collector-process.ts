/** A collector in a process of its own: killed, starved and watched from outside, as by its operator. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { CollectorConfig } from '@infrafabric/collector';
import { onTestFinished } from 'vitest';
import { cleanEnv } from '../cli/run.js';

const CHILDREN = new URL('children/', import.meta.url);

/** How to start it. */
export interface ProcessOptions {
  /** Of Node. */
  readonly flags?: readonly string[];
  readonly uid?: number;
  /** `doors.mjs` has only the doors and their intake, and limits that are set for a test. */
  readonly script?: 'collect.mjs' | 'doors.mjs';
}

/** One line of its log. */
export interface LogLine {
  readonly level: string;
  readonly event: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** What a page of it says. */
export interface PageAnswer {
  readonly status: number;
  readonly text: string;
}

/** A collector that listens. */
export class CollectorProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  /** URLs without a path. */
  readonly http: string;
  readonly grpc: string;
  readonly log: readonly LogLine[];

  private constructor(
    child: ChildProcess,
    ended: Promise<unknown>,
    { http, grpc }: { readonly http: string; readonly grpc: string },
    log: readonly LogLine[],
  ) {
    this.#child = child;
    this.#ended = ended;
    this.http = http;
    this.grpc = grpc;
    this.log = log;
  }

  /** Starts one; it is killed after the test at the latest. @throws by rejection when it does not listen. */
  static async start(
    config: Partial<CollectorConfig> | Readonly<Record<string, unknown>>,
    { flags = [], script = 'collect.mjs', ...options }: ProcessOptions = {},
  ): Promise<CollectorProcess> {
    const path = fileURLToPath(new URL(script, CHILDREN));
    const child = spawn(process.execPath, [...flags, path, JSON.stringify(config)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: cleanEnv(),
      ...options,
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const ended = once(child, 'close');
    const log: LogLine[] = [];
    const noise: string[] = [];
    createInterface({ input: child.stderr! }).on('line', (line) => {
      if (line.startsWith('{')) log.push(JSON.parse(line) as LogLine);
      else noise.push(line);
    });
    const first = await Promise.race([once(createInterface({ input: child.stdout! }), 'line'), ended.then(() => [])]);
    const said = JSON.parse((first[0] as string | undefined) ?? '{}') as { http?: string; grpc?: string };
    if (said.http === undefined || said.grpc === undefined) {
      throw new Error(`the collector did not start: ${first[0] ?? ''} ${noise.join('\n')}`);
    }
    return new CollectorProcess(child, ended, { http: said.http, grpc: said.grpc }, log);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Undefined while it runs; else its exit code, or the signal that ended it. */
  get end(): number | string | undefined {
    return this.#child.exitCode ?? this.#child.signalCode ?? undefined;
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  /** SIGTERM; resolves when the process is gone. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#ended;
  }

  /** GET. */
  async page(path: '/healthz' | '/readyz' | '/metrics'): Promise<PageAnswer> {
    const response = await fetch(this.http + path, { signal: AbortSignal.timeout(10_000) });
    return { status: response.status, text: await response.text() };
  }

  /** The most memory that the process has had at once, MiB; undefined where no /proc says so. */
  peakMiB(): number | undefined {
    try {
      return Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))?.[1]) / 1024;
    } catch {
      return undefined;
    }
  }
}
