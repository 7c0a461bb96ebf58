/** What decides whether a request is heard at all, before any of its body is read: page of origin, path, method, token. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Intake } from '../intake/intake.js';
import type { BearerTokens } from './bearer-tokens.js';
import { AllowedOrigins, preflightHeaders, readableBy } from './cors.js';
import { Exchange, type RefusalEvent } from './exchange.js';
import { methodNotAllowed, notFound, originNotAllowed, unauthenticated, unavailable } from './refusal.js';
import { TraceRoute } from './trace-route.js';
import { OwedAnswers } from './wire-errors.js';

/** A page for GET and HEAD. */
export interface Page {
  (): Promise<{ readonly status: number; readonly contentType: string; readonly body: string }>;
  /** Whether it is shown without a token; unset, only `/healthz` and `/readyz` are. */
  readonly open?: boolean;
}

/** What is behind the entrance, and who may go in. */
export interface EntranceOptions {
  readonly intake: Intake;
  /** Of a body, before and after decompression. */
  readonly maxBodyBytes: number;
  /** Web pages that may write; see {@link AllowedOrigins}. */
  readonly allowedOrigins: readonly string[];
  /** `undefined` when nobody is asked for one. */
  readonly tokens: BearerTokens | undefined;
  /** By path. */
  readonly pages: ReadonlyMap<string, Page>;
  /** Told of every answer from 400 up that this door gave by itself or for its intake. Must not throw. */
  readonly onRefusal?: (event: RefusalEvent) => void;
}

const TRACES_PATH = '/v1/traces';
/**
 * Answers owed on one connection. Node makes objects of all requests that came in one packet, thirteen hundred of them, before
 * the first can be answered; no sender of spans asks for more than one at a time.
 */
const MAX_OWED = 32;
const ALWAYS_OPEN = new Set(['/healthz', '/readyz']);

/** Takes requests from the server. */
export class Entrance {
  readonly owed: OwedAnswers = new OwedAnswers();
  readonly #options: EntranceOptions;
  readonly #origins: AllowedOrigins;
  readonly #traces: TraceRoute;
  readonly #rules: { isClosing: boolean; readonly onRefusal: EntranceOptions['onRefusal'] };

  /** @throws TypeError for an allowed origin that is none. */
  constructor(options: EntranceOptions, maxUnderWay: number) {
    this.#options = options;
    this.#rules = { isClosing: false, onRefusal: options.onRefusal };
    this.#origins = new AllowedOrigins(options.allowedOrigins);
    this.#traces = new TraceRoute(options.intake, options.maxBodyBytes, maxUnderWay);
  }

  /** From now on every answer closes its connection. */
  close(): void {
    this.#rules.isClosing = true;
  }

  /** Answers, now or later. Never throws. */
  enter(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    const { socket } = request;
    // What came in the same packet as the one too many.
    if (socket.destroyed) return;
    this.owed.add(request, response);
    if (this.owed.count(socket) > MAX_OWED) {
      socket.destroy();
      return;
    }
    const exchange = new Exchange(request, response, expectsContinue, this.#rules);
    const { origin } = request.headers;
    if (origin !== undefined && !this.#admits(origin, exchange)) return;
    const path = pathOf(request.url ?? '');
    if (path === TRACES_PATH) this.#enterTraces(exchange);
    else this.#enterPage(path, exchange);
  }

  /** False when the exchange was answered: to a page that may not write, or to a preflight. */
  #admits(origin: string, exchange: Exchange): boolean {
    const { request, response } = exchange;
    if (!this.#origins.allows(origin)) {
      exchange.refuse(originNotAllowed);
      return false;
    }
    if (request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined) {
      exchange.noContent(preflightHeaders(origin, request.headers));
      return false;
    }
    for (const [name, value] of Object.entries(readableBy(origin))) response.setHeader(name, value);
    return true;
  }

  #enterTraces(exchange: Exchange): void {
    const { method } = exchange.request;
    if (method === 'OPTIONS') exchange.noContent({ allow: 'POST, OPTIONS' });
    else if (method !== 'POST') exchange.refuse(methodNotAllowed('POST, OPTIONS'));
    else if (!this.#isKnown(exchange.request)) exchange.refuse(unauthenticated);
    else this.#traces.take(exchange);
  }

  #enterPage(path: string, exchange: Exchange): void {
    const { method } = exchange.request;
    const page = this.#options.pages.get(path);
    if (page === undefined) exchange.refuse(notFound(path));
    else if (method !== 'GET' && method !== 'HEAD') exchange.refuse(methodNotAllowed('GET, HEAD'));
    else if (!(page.open ?? ALWAYS_OPEN.has(path)) && !this.#isKnown(exchange.request))
      exchange.refuse(unauthenticated);
    // Pages are long for what they take to ask: a sender that asks for thousands and reads none would fill the memory.
    else if (this.owed.count(exchange.request.socket) > 1) exchange.refuse(unavailable('one page at a time', 1));
    else void showPage(page, exchange);
  }

  #isKnown(request: IncomingMessage): boolean {
    const { tokens } = this.#options;
    return tokens === undefined || tokens.allows(request.headers.authorization);
  }
}

async function showPage(page: Page, exchange: Exchange): Promise<void> {
  const headers = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };
  try {
    const { status, contentType, body } = await page();
    exchange.send(status, { ...headers, 'content-type': contentType }, body);
  } catch {
    exchange.send(500, { ...headers, 'content-type': 'text/plain' }, 'this page failed\n');
  }
}

/** Without the query; of a proxy's absolute form without scheme and host. */
function pathOf(url: string): string {
  if (url === TRACES_PATH) return url;
  const end = url.search(/[?#]/);
  const path = end < 0 ? url : url.slice(0, end);
  return path.startsWith('/') ? path : path.replace(/^https?:\/\/[^/]*/i, '');
}
