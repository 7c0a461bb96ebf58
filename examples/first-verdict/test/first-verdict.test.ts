/** Runs the example as anyone would, and compares what it says with what the ledger and an OTLP endpoint then hold. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { decodeTraceRequest, parseTraceRequestJson } from '@infrafabric/otlp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const example = fileURLToPath(new URL('../run.mjs', import.meta.url));

interface Run {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function runExample(env: NodeJS.ProcessEnv): Promise<Run> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(OTEL_|IF_WITNESS|VITEST)/.test(name));
  const child = spawn(process.execPath, [example], {
    env: { ...Object.fromEntries(inherited), NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [exitCode] = (await once(child, 'close')) as [number];
  return { exitCode, stdout, stderr };
}

/** An OTLP/HTTP endpoint that keeps the ids of the spans it is sent. */
async function startSink() {
  const spanIds: string[] = [];
  const server = createServer(async (request, response) => {
    const body = await readBody(request);
    const isJson = request.headers['content-type'] === 'application/json';
    const { spans } = isJson ? parseTraceRequestJson(body.toString()) : decodeTraceRequest(body);
    if (request.url === '/v1/traces') spanIds.push(...spans.map((span) => span.spanId));
    response.writeHead(200, { 'content-type': request.headers['content-type'] }).end(isJson ? '{}' : '');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spanIds, close: () => server.close() };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  return request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
}

/** Span ids of all span entries of the one ledger under the folder. */
function spanIdsInLedger(folder: string): string[] {
  const home = readdirSync(folder).find((name) => name.startsWith('first-verdict-')) ?? '';
  const reader = LedgerReader.open(join(folder, home, 'witness.db'));
  try {
    const spans = [...reader.entriesFrom()].filter(({ entry }) => entry.type === 'span');
    return spans.map(({ entry }) => String(entry.body.span));
  } finally {
    reader.close();
  }
}

describe('the first verdict', () => {
  let folder: string;
  let run: Run;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'example-'));
    run = await runExample({ TMPDIR: folder });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('goes as it says', () => {
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
    expect(run.stdout).toMatch(/\nAll of it as expected\.\n$/);
  });

  test('shows one tree with the spans of both processes, under the business trace id', () => {
    const tree = traceTree();
    expect(tree).toContain('session-flow-001');
    expect(tree).toMatch(/first-verdict-client .*ask four questions/);
    expect(tree).toMatch(/first-verdict-client .*POST/);
    expect(tree).toMatch(/first-verdict-service .*POST/);
    expect(tree).toMatch(/first-verdict-service .*ai\.streamText\.doStream/);
    expect(tree).toContain('23 entries');
    expect(tree).toContain('1 OpenTelemetry trace');
  });

  test.each([
    ['the plain call', 'ai.generateText.doGenerate', '36', '87'],
    ['the cached call', 'ai.generateText.doGenerate', '2,006', '300'],
    ['the streamed call', 'ai.streamText.doStream', '37', '11'],
  ])('shows model and tokens of %s, as the model stand-in counted them', (_, event, tokensIn, tokensOut) => {
    const row = `${event} +gpt-4.1-2025-04-14 +${tokensIn} +${tokensOut} `.replaceAll('.', '\\.');
    expect(traceTree()).toMatch(new RegExp(row));
  });

  /** What `if-witness trace` printed. */
  function traceTree(): string {
    return run.stdout.slice(run.stdout.indexOf('$ if-witness trace'), run.stdout.indexOf('$ if-witness verify'));
  }

  test('finds the ledger valid, and names the entry that was changed in its copy', () => {
    expect(run.stdout).toMatch(/^ +VALID/m);
    const changed = /in entry (\d+): the event "ai\.generateText\.doGenerate" becomes/.exec(run.stdout)?.[1];
    const verdict = run.stdout.slice(run.stdout.search(/^ +INVALID/m));
    expect(verdict).toMatch(new RegExp(`^ +INVALID[^]*\\b${changed}\\b`));
  });

  test('leaves nothing behind', () => {
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('the first verdict, with an OTLP endpoint in the environment', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'example-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('sends that endpoint the spans that the ledger holds, each once', async () => {
    const sink = await startSink();
    try {
      const run = await runExample({ TMPDIR: folder, KEEP: '1', OTEL_EXPORTER_OTLP_ENDPOINT: sink.url });
      expect(run).toMatchObject({ exitCode: 0, stderr: '' });
      expect(run.stdout).toContain(`The same spans were sent to ${sink.url}.`);
    } finally {
      sink.close();
    }
    const held = spanIdsInLedger(folder);
    // One for the client's flow; four questions, each a request, its serving, an answer, a model call and its request; one retry.
    expect(held).toHaveLength(1 + 4 * 5 + 2);
    expect(sink.spanIds.toSorted()).toEqual(held.toSorted());
  });
});
