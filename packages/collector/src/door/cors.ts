/**
 * Which web pages may write. A page of any site can make a browser POST to 127.0.0.1, and a site that points its own name
 * there (DNS rebinding) is even "same-origin". Browsers say with each POST which page it is: what names an origin that is
 * not on the list is refused before anything is read. Programs send no Origin and are not concerned.
 */
import type { IncomingHttpHeaders } from 'node:http';

const MAX_AGE_SECONDS = '7200';

/** What a page may send without asking for more: OTLP's headers and those that propagate context. */
const USUAL_HEADERS =
  'authorization, baggage, content-encoding, content-type, traceparent, tracestate, x-requested-with';

/** The list of allowed origins. */
export class AllowedOrigins {
  readonly #all: boolean;
  readonly #exact: ReadonlySet<string>;
  readonly #patterns: readonly RegExp[];

  /**
   * @param entries `https://app.example.com`, `https://*.example.com`, `http://localhost:*`, or `*` for every page
   * @throws TypeError for an entry that no origin can be
   */
  constructor(entries: readonly string[]) {
    const origins = entries.map((entry) => entry.trim().toLowerCase());
    for (const origin of origins) checkEntry(origin);
    this.#all = origins.includes('*');
    this.#exact = new Set(origins.filter((origin) => !origin.includes('*')));
    this.#patterns = origins.filter((origin) => origin !== '*' && origin.includes('*')).map(toPattern);
  }

  /** Whether pages of that origin may write; `null` is the origin of files and sandboxed frames. */
  allows(origin: string): boolean {
    if (this.#all) return true;
    const lower = origin.toLowerCase();
    return this.#exact.has(lower) || this.#patterns.some((pattern) => pattern.test(lower));
  }
}

/** The headers by which a browser lets an allowed page read the answer. */
export function readableBy(origin: string): Record<string, string> {
  return {
    'access-control-allow-origin': origin,
    // sendBeacon always asks for it. There are no cookies here that a page could misuse.
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers': 'Retry-After',
    vary: 'Origin',
  };
}

/**
 * The answer to a preflight of an allowed page. Which headers it may send is not restricted: it may write anyway, and no
 * other header than the usual ones is read here.
 */
export function preflightHeaders(origin: string, request: IncomingHttpHeaders): Record<string, string> {
  const asked = request['access-control-request-headers'];
  return {
    'access-control-allow-origin': origin,
    'access-control-allow-credentials': 'true',
    'access-control-allow-methods': 'POST',
    'access-control-allow-headers': isHeaderList(asked) ? `${USUAL_HEADERS}, ${asked}` : USUAL_HEADERS,
    'access-control-max-age': MAX_AGE_SECONDS,
    // From a public page to this machine or network: Private Network Access.
    ...(request['access-control-request-private-network'] === 'true' && {
      'access-control-allow-private-network': 'true',
    }),
    vary: 'Origin, Access-Control-Request-Headers, Access-Control-Request-Private-Network',
  };
}

function isHeaderList(text: string | undefined): text is string {
  return text !== undefined && text.length <= 1024 && /^[\w!#$%&'*+.^`|~-]+( *, *[\w!#$%&'*+.^`|~-]+)*$/.test(text);
}

function checkEntry(origin: string): void {
  if (origin === '*' || origin === 'null' || /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9_.*:[\]-]+$/.test(origin)) {
    if (origin.indexOf('*') === origin.lastIndexOf('*')) return;
  }
  throw new TypeError(
    `"${origin}" is no origin: write scheme, host and port without a path, such as https://app.example.com, ` +
      'with at most one * in it',
  );
}

/** The star stands for one or more characters of a host name; at the end also for a port. */
function toPattern(origin: string): RegExp {
  const [before = '', after = ''] = origin.split('*', 2).map((text) => text.replace(/[.+[\]-]/g, '\\$&'));
  return new RegExp(`^${before}${after === '' ? '[a-z0-9_.:-]+' : '[a-z0-9_.-]+'}${after}$`);
}
