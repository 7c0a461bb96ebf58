/** What the forwarding tests share: a backend that misbehaves on demand, ledgers to forward from, forwarders. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { draftSpan, Ledger } from '@infrafabric/ledger';
import { decodeTraceRequest, parseTraceRequestJson, type SpanRecord } from '@infrafabric/otlp';
import { onTestFinished } from 'vitest';
import type { ForwardLogEvent } from '../dist/forward/forward-log.js';
import type { ForwardCounts, ForwardTarget } from '../dist/forward/forward-target.js';
import { Forwarder, type ForwarderOptions } from '../dist/forward/forwarder.js';

/** How a backend treats one request. */
export type Treatment =
  | 'take'
  /** Never answers. */
  | 'hang'
  /** Breaks the connection once the request is there. */
  | 'reset'
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string | Uint8Array;
      readonly afterMs?: number;
    };

/** A request as it came. */
export interface Received {
  readonly spans: readonly SpanRecord[];
  readonly headers: IncomingHttpHeaders;
  readonly url: string;
  readonly octets: number;
  readonly atMs: number;
  readonly treatment: Treatment;
}

/** An OTLP/HTTP backend of its own making. */
export class Backend {
  readonly requests: Received[] = [];
  /** Decides for each request; by default all are taken. */
  treat: (request: Omit<Received, 'treatment'>, index: number) => Treatment = () => 'take';
  port = 0;
  #server: Server | undefined;

  static async start(port = 0): Promise<Backend> {
    const backend = new Backend();
    await backend.listen(port);
    onTestFinished(() => backend.stop());
    return backend;
  }

  async listen(port: number): Promise<void> {
    const server = createServer((request, response) => void this.#answer(request, response));
    this.#server = server;
    await once(server.listen(port, '127.0.0.1'), 'listening');
    this.port = (server.address() as AddressInfo).port;
  }

  /** Gone, with all its connections; `listen(port)` brings it back. */
  stop(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
    this.#server = undefined;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Names of the spans that were acknowledged, in the order of arrival. */
  get taken(): string[] {
    return this.requests.flatMap(({ treatment, spans }) => (treatment === 'take' ? spans.map(({ name }) => name) : []));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const sent = Buffer.concat(chunks);
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
    const isJson = request.headers['content-type'] === 'application/json';
    const { spans } = isJson ? parseTraceRequestJson(body.toString()) : decodeTraceRequest(body);
    const { headers, url = '' } = request;
    const received = { spans, headers, url, octets: body.length, atMs: Date.now() };
    const treatment = this.treat(received, this.requests.length);
    this.requests.push({ ...received, treatment });
    if (treatment === 'hang') return;
    if (treatment === 'reset') request.socket.resetAndDestroy();
    else if (treatment === 'take') response.writeHead(200, { 'content-type': headers['content-type'] }).end();
    else {
      if (treatment.afterMs !== undefined) await sleep(treatment.afterMs);
      response.writeHead(treatment.status, treatment.headers).end(treatment.body);
    }
  }
}

/** A witness home that is gone after the test. */
export function tempHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'forward-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }));
  return home;
}

/** A ledger open for writing, closed after the test. */
export async function openLedger(home: string, ledger?: string): Promise<Ledger> {
  const open = await Ledger.open({ home, ledger });
  onTestFinished(() => open.close());
  return open;
}

/** A span with a name of its own and so much text. */
export function spanOf(name: string, n: number, text = ''): SpanRecord {
  const service = `service-${n % 3}`;
  return {
    traceId: (1 + (n % 7)).toString(16).padStart(32, 'a'),
    spanId: (n + 1).toString(16).padStart(16, '0'),
    parentSpanId: '',
    traceState: 'k=v',
    flags: 257,
    name,
    kind: 2,
    startUnixNano: 1_753_000_000_000_000_001n,
    endUnixNano: 1_753_000_001_000_000_002n,
    attributes: [
      ['n', BigInt(n)],
      ['text', text],
    ],
    droppedAttributesCount: 0,
    events: [{ timeUnixNano: 7n, name: 'event', attributes: [['x', 1.5]], droppedAttributesCount: 2 }],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    status: { code: 1, message: '' },
    resource: { attributes: [['service.name', service]], droppedAttributesCount: 0, entityRefs: [], schemaUrl: 'r' },
    scope: { name: 'scope', version: '1', attributes: [], droppedAttributesCount: 0, schemaUrl: '' },
    lossy: [],
  };
}

/** Appends spans number `from` to `from + count`; answers their names, which are their numbers. */
export async function append(ledger: Ledger, from: number, count: number, text = ''): Promise<string[]> {
  const spans = Array.from({ length: count }, (_, i) => spanOf(String(from + i), from + i, text));
  for (let i = 0; i < count; i += 512) await ledger.append(spans.slice(i, i + 512).map(draftSpan));
  return spans.map(({ name }) => name);
}

/** A target with the defaults of a test. */
export function targetOf(backend: { readonly url: string }, change: Partial<ForwardTarget> = {}): ForwardTarget {
  return {
    name: 'test',
    url: backend.url,
    headers: {},
    contentType: 'application/x-protobuf',
    compression: 'none',
    timeoutMs: 5_000,
    maxBehind: 1_000_000,
    maxRequestBytes: 4 * 1024 * 1024,
    ...change,
  };
}

/** A forwarder with short pauses, and what it logged. Closed after the test. */
export function startForwarder(
  home: string,
  targets: readonly ForwardTarget[],
  change: Partial<ForwarderOptions> = {},
): { forwarder: Forwarder; log: ForwardLogEvent[]; counts: () => ForwardCounts } {
  const log: ForwardLogEvent[] = [];
  const backoff = { firstMs: 20, longestMs: 100 };
  const forwarder = new Forwarder({ home, targets, backoff, onLog: (event) => log.push(event), ...change });
  onTestFinished(() => forwarder.close(0));
  return { forwarder, log, counts: () => forwarder.counts()[0]! };
}

/** Waits until it is so. */
export async function until(isSo: () => boolean, timeoutMs = 20_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error(`not so within ${timeoutMs} ms: ${isSo}`);
    await sleep(10);
  }
}
