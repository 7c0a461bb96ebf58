/**
 * A witness on the network: c2sp.org/tlog-witness over HTTP. Bodies, connections and times are bounded; what is slow is cut.
 * Who asks is not authenticated: only what a listed log signed is looked at. Loopback unless told otherwise; TLS is a proxy's.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { MAX_REQUEST_OCTETS } from './add-checkpoint.js';
import { CosignerError } from './cosigner-error.js';
import { lockFolder } from './folder-lock.js';
import { LogList } from './log-list.js';
import { StateFolder } from './state-folder.js';
import { type AddCheckpointAnswer, Witness } from './witness.js';
import { WitnessCounts } from './witness-counts.js';
import type { WitnessEvent } from './witness-event.js';
import { loadWitnessKey } from './witness-key.js';

/** How to run a witness. */
export interface WitnessServerOptions {
  /** Its folder: key, state, lock. */
  readonly folder: string;
  /** Its list of logs; default `logs` in the folder. */
  readonly logs?: string | undefined;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0 for any that is free. */
  readonly port: number;
  readonly onEvent: (event: WitnessEvent) => void;
  /** How long a request may take to arrive, milliseconds; default 10,000. */
  readonly requestTimeoutMs?: number;
  /** Connections at a time; default 256. */
  readonly maxConnections?: number;
  /** Seconds since the Unix epoch; default the clock. */
  readonly nowUnixS?: () => number;
}

/** A witness that runs. */
export interface WitnessServer {
  readonly vkey: string;
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Logs that are listed now. */
  logs(): number;
  /** Answers what is under way, at most for that time, and gives the folder back. Never rejects. */
  stop(deadlineMs?: number): Promise<void>;
}

/** @throws CosignerError by rejection; then nothing is left open or locked. */
export async function startWitnessServer(options: WitnessServerOptions): Promise<WitnessServer> {
  const { folder, onEvent, host = '127.0.0.1', port } = options;
  const key = loadWitnessKey(folder);
  const state = new StateFolder(folder);
  const logs = new LogList(
    options.logs ?? logsFile(folder),
    (count) => onEvent({ type: 'reloaded', logs: count }),
    (message) => onEvent({ type: 'bad-logs', message }),
  );
  const unlock = lockFolder(folder);
  try {
    const witness = new Witness({
      key,
      logs,
      state,
      nowUnixS: options.nowUnixS ?? (() => Math.floor(Date.now() / 1000)),
      onFork: (origin, size, file) => onEvent({ type: 'fork', origin, size, file }),
    });
    const doors = new WitnessDoors(witness, new WitnessCounts(() => logs.all().length), onEvent);
    const server = createServer(
      {
        headersTimeout: options.requestTimeoutMs ?? 10_000,
        requestTimeout: options.requestTimeoutMs ?? 10_000,
        connectionsCheckingInterval: Math.min(1_000, options.requestTimeoutMs ?? 1_000),
        keepAliveTimeout: 30_000,
        maxHeaderSize: 8_192,
      },
      (request, response) => void doors.answer(request, response),
    );
    server.maxConnections = options.maxConnections ?? 256;
    // Whoever does not read its answer is cut like who does not write its question.
    server.setTimeout(options.requestTimeoutMs === undefined ? 40_000 : 4 * options.requestTimeoutMs);
    await listen(server, host, port);
    const address = server.address() as AddressInfo;
    return {
      vkey: key.vkey,
      name: key.key.name,
      host: address.address,
      port: address.port,
      logs: () => logs.all().length,
      stop: async (deadlineMs = 5_000) => {
        await close(server, deadlineMs);
        await witness.idle();
        unlock();
      },
    };
  } catch (error) {
    unlock();
    throw error;
  }
}

/** Where the list of logs of a folder is. */
export function logsFile(folder: string): string {
  return join(folder, 'logs');
}

class WitnessDoors {
  readonly #witness: Witness;
  readonly #counts: WitnessCounts;
  readonly #onEvent: (event: WitnessEvent) => void;

  constructor(witness: Witness, counts: WitnessCounts, onEvent: (event: WitnessEvent) => void) {
    this.#witness = witness;
    this.#counts = counts;
    this.#onEvent = onEvent;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#route(request, response);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#onEvent({ type: 'failed', message });
      this.#end(response, 500, 'the witness could not do it; nothing was cosigned\n');
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').split('?')[0]!;
    const originHash = /^\/([0-9a-f]{64})\/checkpoint$/.exec(path)?.[1];
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (path === '/add-checkpoint') {
      if (request.method !== 'POST') this.#end(response, 405, 'POST a request here\n', { allow: 'POST' });
      else await this.#addCheckpoint(request, response);
    } else if (!isRead) this.#end(response, 404, 'not found\n');
    else if (originHash !== undefined) {
      const note = await this.#witness.checkpoint(originHash);
      if (note === undefined) this.#end(response, 404, 'no checkpoint of that log was cosigned\n');
      else this.#end(response, 200, note);
    } else if (path === '/healthz') this.#end(response, 200, 'ok\n');
    else if (path === '/metrics') this.#end(response, 200, this.#counts.page(), METRICS_TYPE);
    else this.#end(response, 404, 'not found\n');
  }

  async #addCheckpoint(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    if (body === undefined) {
      response.shouldKeepAlive = false;
      this.#counts.answered(413);
      return this.#end(response, 413, `a request has at most ${MAX_REQUEST_OCTETS} octets\n`);
    }
    const startedMs = performance.now();
    const answer = await this.#witness.addCheckpoint(body);
    this.#counts.answered(answer.status, performance.now() - startedMs);
    this.#onEvent({ type: 'answered', ...answer });
    this.#endAnswer(response, answer);
  }

  #endAnswer(response: ServerResponse, answer: AddCheckpointAnswer): void {
    if (answer.status === 200) this.#end(response, 200, answer.lines);
    else if (answer.status === 409)
      this.#end(response, 409, `${answer.cosignedSize}\n`, { 'content-type': 'text/x.tlog.size' });
    else this.#end(response, answer.status, `${answer.reason}\n`);
  }

  #end(response: ServerResponse, status: number, body: string | Uint8Array, headers: Headers = {}): void {
    const octets = typeof body === 'string' ? Buffer.from(body) : body;
    response.writeHead(status, {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': octets.length,
      'x-content-type-options': 'nosniff',
      ...headers,
    });
    response.end(octets);
  }
}

type Headers = Readonly<Record<string, string>>;

const METRICS_TYPE: Headers = { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' };

/** The body; undefined when it is too long, as soon as that is known. Rejects when it is cut off. */
async function readBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_REQUEST_OCTETS) return undefined;
  const pieces: Uint8Array[] = [];
  let octets = 0;
  for await (const piece of request as AsyncIterable<Uint8Array>) {
    octets += piece.length;
    if (octets > MAX_REQUEST_OCTETS) return undefined;
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const message = `the witness cannot listen on ${host}:${port}: ${cause.message}`;
      reject(new CosignerError('listen', message, { cause, hint: 'name another address with --listen' }));
    });
    server.listen(port, host, resolve);
  });
}

async function close(server: Server, deadlineMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), deadlineMs);
  await closed;
  clearTimeout(timer);
}
