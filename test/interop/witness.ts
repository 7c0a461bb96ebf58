/** `if-witness collect` as a recipe starts it, with a ledger of its own, and what is in that ledger. */
import { expect } from 'vitest';
import { Home, programPath } from '../cli/run.js';
import { answers, type Running, type Stage } from './stage.js';

/** A span as OTLP JSON has it, with its attributes as a plain object and its service. */
export interface LedgerSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly service: string | undefined;
  readonly attributes: Readonly<Record<string, string>>;
}

interface KeyValue {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface OtlpJson {
  readonly resourceSpans: readonly {
    readonly resource?: { readonly attributes?: readonly KeyValue[] };
    readonly scopeSpans: readonly {
      readonly spans: readonly (Omit<LedgerSpan, 'service' | 'attributes'> & {
        readonly attributes?: readonly KeyValue[];
      })[];
    }[];
  }[];
}

/** A collector. */
export class Witness {
  readonly home: Home = new Home();
  readonly #stage: Stage;
  readonly #args: readonly string[];
  readonly #readyUrl: string;
  #running: Running | undefined;

  private constructor(stage: Stage, args: readonly string[], readyUrl: string) {
    this.#stage = stage;
    this.#args = args;
    this.#readyUrl = readyUrl;
  }

  /** Runs a block of docs/recipes.md, whose last command is `if-witness collect …`, and waits until that is ready. */
  static async start(stage: Stage, block: string): Promise<Witness> {
    const lines = (await stage.recipe(block)).replaceAll('\\\n', ' ').trim().split('\n');
    const [program, ...args] = lines.pop()!.split(/\s+/);
    expect([program, args[0]]).toEqual(['if-witness', 'collect']);
    expect(await stage.run(lines.join('\n'))).toMatchObject({ exitCode: 0 });
    if (!args.includes('--port')) {
      args.push('--port', String(await stage.port(4318)), '--grpc-port', String(await stage.port(4317)));
    }
    const port = args[args.indexOf('--port') + 1];
    const witness = new Witness(stage, args, `http://127.0.0.1:${port}/readyz`);
    await witness.restart();
    return witness;
  }

  /** Starts it again, after `kill`. */
  async restart(): Promise<void> {
    const program = [process.execPath, programPath('if-witness'), ...this.#args];
    this.#running = this.#stage.start(program, { IF_WITNESS_HOME: this.home.path });
    await this.#running.until(() => answers(this.#readyUrl));
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    await this.#running?.end('SIGKILL');
  }

  /** A graceful stop. */
  async stop(): Promise<void> {
    await this.#running?.end('SIGTERM');
  }

  /** Every span of the ledger, in order. */
  spans(): LedgerSpan[] {
    const { exitCode, stdout, stderr } = this.home.witness(['export', '--format', 'otlp-json']);
    if (exitCode !== 0) throw new Error(`export ended with ${exitCode}: ${stderr}`);
    return spansOf(JSON.parse(stdout) as OtlpJson);
  }

  /** Asserts that the ledger is whole and its own. */
  expectValid(): void {
    expect(this.home.witness(['verify'])).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^VALID/) });
  }
}

/** The spans of an OTLP JSON document. */
export function spansOf({ resourceSpans }: OtlpJson): LedgerSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = plain(resource?.attributes)['service.name'];
    return scopeSpans
      .flatMap(({ spans }) => spans)
      .map((span) => ({ ...span, service, attributes: plain(span.attributes) }));
  });
}

function plain(attributes: readonly KeyValue[] = []): Record<string, string> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, String(Object.values(value)[0])]));
}
