/** Runs the example as anyone would, and compares what it says with what the ledger and an OTLP backend then hold. */
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
import { decodeTraceRequest } from '@infrafabric/otlp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const example = fileURLToPath(new URL('../run.mjs', import.meta.url));
const FLOWS = ['ndi-stream', 'webrtc-peer', 'h323-call', 'sip-call'];
const SERVICES = ['publisher', 'peer', 'gatekeeper', 'caller'].map((name) => `video-call-${name}`);

interface Run {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function runExample(env: NodeJS.ProcessEnv): Promise<Run> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(OTEL_|IF_WITNESS|VITEST|TRACE|BAG)/.test(name));
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

/** A span entry of the one ledger under a folder, as far as it is looked at here. */
interface Held {
  readonly spanId: string;
  readonly service: string;
  readonly flow: string;
  readonly parentFlow: string | undefined;
  readonly traceId: string;
}

function heldIn(folder: string): Held[] {
  const home = readdirSync(folder).find((name) => name.startsWith('video-call-')) ?? '';
  const reader = LedgerReader.open(join(folder, home, 'witness.db'));
  try {
    return [...reader.entriesFrom()]
      .filter(({ entry }) => entry.type === 'span')
      .map(({ entry: { body } }) => ({
        spanId: String(body.span),
        service: String(body.service),
        flow: String(body.business),
        parentFlow: body.business_parent as string | undefined,
        traceId: String(body.trace),
      }));
  } finally {
    reader.close();
  }
}

/** An OTLP/HTTP backend that keeps the ids of the spans it is sent. */
async function startSink() {
  const spanIds: string[] = [];
  const server = createServer(async (request, response) => {
    const { spans } = decodeTraceRequest(await readBody(request));
    spanIds.push(...spans.map((span) => span.spanId));
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
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

describe('the video call', () => {
  let folder: string;
  let run: Run;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'example-'));
    run = await runExample({ TMPDIR: folder });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** What one of the commands printed. */
  function shownBy(command: string): string {
    const start = run.stdout.indexOf(`   $ ${command}`);
    const rest = run.stdout.slice(start).split('\n').slice(1);
    return rest
      .slice(
        0,
        rest.findIndex((line) => !/^( {3}|$)/.test(line) || line.startsWith('   $ ')),
      )
      .join('\n');
  }
  const flowOf = (prefix: string): string => new RegExp(`${prefix}-[0-9a-f]{12}`).exec(run.stdout)?.[0] ?? '';

  test('goes as it says', () => {
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
    expect(run.stdout).toMatch(/\nAll of it as expected\.\n$/);
  });

  test('shows the four sessions as flows under the request, in the order of their beginning', () => {
    const tree = shownBy('if-witness trace req-');
    const places = FLOWS.map((prefix) => tree.search(new RegExp(`─ ${prefix}-[0-9a-f]{12}\n`)));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(tree).toContain('1 OpenTelemetry trace');
  });

  test('has entries of all four processes in one chain, in the order in which the sessions began', () => {
    const tree = shownBy('if-witness trace req-');
    const firstSeqs = ['ndi_stream_created', 'webrtc_connection_started', 'h323_arq_sent', 'sip_invite_sent'].map(
      (event) => Number(new RegExp(`─ ${event} .* (\\d+) {2}[0-9a-f]{8}\n`).exec(tree)?.[1]),
    );
    expect(firstSeqs).not.toContain(Number.NaN);
    expect(firstSeqs).toEqual(firstSeqs.toSorted((a, b) => a - b));
  });

  test.each([
    ['the gatekeeper', 'h323-call', ['RCF', 'ARQ', 'ACF', 'DRQ', 'DCF', 'UCF']],
    ['the call', 'sip-call', ['INVITE', '100 Trying', '180 Ringing', '200 OK', 'ACK', 'BYE', '200 OK']],
  ])('draws the ladder of %s, and of nothing else', (_, prefix, labels) => {
    const ladder = shownBy(`if-witness trace ${flowOf(prefix)} --ladder`);
    const drawn = [...ladder.matchAll(/│<?─+ (.+?) (?:×\d+ )?─+>?│/g)].map(([, label]) => label!);
    let at = -1;
    for (const label of labels) {
      at = drawn.indexOf(label, at + 1);
      expect({ label, at, drawn }).not.toMatchObject({ at: -1 });
    }
    expect(ladder).not.toContain('NDI');
  });

  test('has the cost of every component, by hand as the guide has it', () => {
    const report = shownBy('if-optimise report');
    expect(report).toMatch(/IF\.witness\.sip +7 +1,050 +525 +\$0\.0019 +0\n/);
    expect(report).toMatch(/IF\.witness\.webrtc +\d+ +[\d,]+ +\d+ +\$0\.00\d+ +0\n/);
    expect(report).toMatch(/IF\.witness\.h323 +1 +0 +0 +\$0\.000\d+ +0\n/);
    expect(report).toMatch(/IF\.witness\.ndi-publisher +\d+ +0 +0 +\$0\.000\d+ +0\n/);
    expect(report).toMatch(/cost: \$0\.00 reported, \$0\.00\d+ computed, \$0\.00\d+ estimated; 0 unpriced/);
  });

  test('proves one frame by the root that is in the ledger, and not the changed one', () => {
    expect(run.stdout).toMatch(/frame 7 by \d hashes under the root [0-9a-f]{8}… in entry \d+,\n.* not proved\./);
  });

  test('finds the ledger valid', () => {
    expect(shownBy('if-witness verify')).toMatch(/^ +VALID/m);
  });

  test('leaves nothing behind', () => {
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('the video call, with an OTLP endpoint in the environment', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'example-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('hands that endpoint the spans that the ledger holds, all of one trace, each in its flow', async () => {
    const sink = await startSink();
    try {
      const run = await runExample({ TMPDIR: folder, KEEP: '1', OTEL_EXPORTER_OTLP_ENDPOINT: sink.url });
      expect(run).toMatchObject({ exitCode: 0, stderr: '' });
      expect(run.stdout).toContain(`It hands every span on to ${sink.url}.`);
    } finally {
      sink.close();
    }
    const held = heldIn(folder);
    expect(sink.spanIds.toSorted()).toEqual(held.map(({ spanId }) => spanId).toSorted());
    expect(new Set(held.map(({ traceId }) => traceId)).size).toBe(1);

    const root = held.filter(({ service }) => service === 'video-call');
    expect(root).toHaveLength(1);
    for (const [i, service] of SERVICES.entries()) {
      const own = held.filter((span) => span.service === service);
      expect(new Set(own.map(({ flow }) => flow.replace(/-[0-9a-f]{12}$/, '')))).toEqual(new Set([FLOWS[i]]));
      expect(new Set(own.map(({ parentFlow }) => parentFlow))).toEqual(new Set([root[0]!.flow]));
    }
  });
});
