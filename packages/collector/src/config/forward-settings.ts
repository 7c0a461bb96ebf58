/** A backend that spans are forwarded to, as it is configured. */
import type { ForwardTarget } from '../forward/forward-target.js';
import { Unusable } from './config-problem.js';

/** What holds for a backend where nothing is said. */
export const defaultForward: Omit<ForwardTarget, 'name' | 'url'> = {
  headers: {},
  contentType: 'application/x-protobuf',
  compression: 'none',
  timeoutMs: 10_000,
  maxBehind: 1_000_000,
  maxRequestBytes: 4 * 2 ** 20,
};

/** The full URL: `/v1/traces` stands in for an empty path. @throws Unusable */
export function parseForwardUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // A URL may hold a key: it is not repeated.
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new Unusable('this is no http or https URL', 'write http://127.0.0.1:14318');
  }
  if (url.username !== '' || url.password !== '') {
    throw new Unusable('credentials in a URL are shown by too many programs', 'use headers: authorization');
  }
  url.hash = '';
  if (url.pathname === '/') url.pathname = '/v1/traces';
  return url.href;
}

/** @throws Unusable */
export function parseForwardName(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text)) return text;
  throw new Unusable(`${JSON.stringify(text.slice(0, 80))} is not a name`, 'write letters, digits, dots and dashes');
}

/** The name of a backend that was given none: host and port of its URL. */
export function nameOfUrl(href: string): string {
  const { hostname, port, protocol } = new URL(href);
  const host = hostname.replace(/[^A-Za-z0-9.-]/g, '') || 'backend';
  return `${host}-${port || (protocol === 'https:' ? '443' : '80')}`.slice(-64);
}

/** Adds a header. @throws Unusable without the value, which is a secret more often than not */
export function addHeader(headers: Record<string, string>, name: string, value: string): void {
  const lower = name.toLowerCase();
  if (!/^[!#$%&'*+.^_`|~0-9a-z-]{1,128}$/.test(lower)) {
    throw new Unusable(`${JSON.stringify(name.slice(0, 80))} is not the name of a header`);
  }
  if (
    ['content-type', 'content-length', 'content-encoding', 'host', 'connection', 'transfer-encoding'].includes(lower)
  ) {
    throw new Unusable(`the header ${lower} is set by the collector itself`);
  }
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
    throw new Unusable(`the value of header ${lower} holds what a header cannot`, 'is there a line break at its end?');
  }
  if (Object.hasOwn(headers, lower)) throw new Unusable(`the header ${lower} is given twice`);
  headers[lower] = value;
}
