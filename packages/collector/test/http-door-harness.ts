/** An HTTP door on a free port, a fake intake behind it, and senders: one well-behaved, one that writes raw bytes. */
import { type IncomingHttpHeaders, request as openRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, expect } from 'vitest';
import type { Door } from '../dist/door/door.js';
import type { RefusalEvent } from '../dist/door/exchange.js';
import { type HttpDoorOptions, startHttpDoor } from '../dist/door/http-door.js';
import { ByteBudget, type Intake, type IntakeAnswer, type TraceRequest } from '../dist/index.js';

export const PROTOBUF = 'application/x-protobuf';
export const JSON_TYPE = 'application/json';
export const STORED: IntakeAnswer = { outcome: 'stored', rejected: 0, message: '' };

/** An intake with switches. */
export class FakeIntake implements Intake {
  readonly memory: ByteBudget;
  readonly received: TraceRequest[] = [];
  /** The answer to every request, or what makes it. */
  answer: IntakeAnswer | ((request: TraceRequest) => IntakeAnswer | Promise<IntakeAnswer>) = STORED;

  constructor(memoryBytes: number) {
    this.memory = new ByteBudget(memoryBytes);
  }

  async take(request: TraceRequest): Promise<IntakeAnswer> {
    this.received.push(request);
    return typeof this.answer === 'function' ? this.answer(request) : this.answer;
  }
}

export interface OpenedDoor {
  readonly door: Door;
  readonly intake: FakeIntake;
  /** What the door said it refused. */
  readonly refusals: RefusalEvent[];
}

export const MAX_BODY_BYTES = 1024 * 1024;

const opened: OpenedDoor[] = [];
const sockets: Socket[] = [];

/** After every test: whatever happened, no memory is held when all is over. */
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const { door, intake } of opened.splice(0)) {
    await door.stop(0);
    await expect.poll(() => intake.memory.held).toBe(0);
  }
});

export async function openDoor(
  change: Partial<HttpDoorOptions> & { readonly memoryBytes?: number } = {},
): Promise<OpenedDoor> {
  const { memoryBytes = 16 * MAX_BODY_BYTES, ...options } = change;
  const intake = new FakeIntake(memoryBytes);
  const refusals: RefusalEvent[] = [];
  const door = await startHttpDoor({
    host: '127.0.0.1',
    port: 0,
    intake,
    maxBodyBytes: MAX_BODY_BYTES,
    allowedOrigins: [],
    tokens: undefined,
    tls: undefined,
    pages: new Map(),
    onRefusal: (event) => refusals.push(event),
    ...options,
  });
  const result = { door, intake, refusals };
  opened.push(result);
  return result;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
}

/** Sends one request on a connection of its own and reads the answer. */
export function send({ port }: Door, sent: Sent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = openRequest({
      host: '127.0.0.1',
      port,
      method: sent.method ?? 'POST',
      path: sent.path ?? '/v1/traces',
      headers: { ...contentLength(sent), ...sent.headers },
      agent: false,
    });
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
      });
      response.on('error', reject);
    });
    request.end(sent.body);
  });
}

function contentLength({ body, headers }: Sent): Record<string, number> {
  if (body === undefined || headers?.['transfer-encoding'] !== undefined) return {};
  return { 'content-length': Buffer.byteLength(body) };
}

/** Posts traces in one of the two encodings. */
export function post(
  door: Door,
  body: Uint8Array | string,
  headers: Readonly<Record<string, string>> = {},
  contentType: string = PROTOBUF,
): Promise<Answer> {
  return send(door, { body, headers: { 'content-type': contentType, ...headers } });
}

/** A TCP connection that writes what it is told. */
export class RawConnection {
  readonly socket: Socket;
  #received = '';
  #isClosed = false;

  constructor({ port }: Door, options: { readonly isPaused?: boolean } = {}) {
    this.socket = connect({ host: '127.0.0.1', port });
    sockets.push(this.socket);
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.#isClosed = true;
    });
    if (options.isPaused !== true) this.socket.on('data', (chunk) => (this.#received += chunk.toString('latin1')));
  }

  /** Writes the lines with CRLF, an empty one after them. */
  writeHead(...lines: readonly string[]): void {
    this.socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  }

  write(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  get received(): string {
    return this.#received;
  }

  /** Status codes of the answers so far, 100 included. */
  get statuses(): number[] {
    return [...this.#received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Resolves when that many answers have begun. */
  async answers(count: number, timeoutMs = 10_000): Promise<void> {
    await expect.poll(() => this.statuses.length, { timeout: timeoutMs, interval: 10 }).toBeGreaterThanOrEqual(count);
  }

  async closed(timeoutMs = 10_000): Promise<void> {
    await expect.poll(() => this.#isClosed, { timeout: timeoutMs, interval: 10 }).toBe(true);
  }
}

/** The request line and headers of a trace request, for a {@link RawConnection}. */
export function tracesHead(...headers: readonly string[]): string[] {
  return ['POST /v1/traces HTTP/1.1', 'Host: door', `Content-Type: ${PROTOBUF}`, ...headers];
}

/** Resolves when `held` says that the door's memory holds as much as expected. */
export async function holds(intake: FakeIntake, bytes: number): Promise<void> {
  await expect.poll(() => intake.memory.held, { interval: 5 }).toBe(bytes);
}
