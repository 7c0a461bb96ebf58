/** Backends as they were given, as settings. */

import { isLoopback } from '../door/listen-policy.js';
import type { ForwardTarget } from '../forward/forward-target.js';
import type { Findings } from './config-problem.js';
import { addHeader, defaultForward, nameOfUrl, parseForwardName, parseForwardUrl } from './forward-settings.js';
import type { GivenForward } from './given.js';
import { parseBytes, parseChoice, parseCount, parseDurationMs } from './quantities.js';
import { readHeaders } from './secret-files.js';

const LONGEST_TIMEOUT_MS = 600_000;
const MOST_ENTRIES = 1_000_000_000_000;

/** The backends that can be used; what is wrong with others, or with any value, goes to the findings. */
export function resolveForwards(given: readonly GivenForward[], findings: Findings): ForwardTarget[] {
  const forwards: ForwardTarget[] = [];
  for (const one of given) {
    const forward = resolveForward(one, findings);
    if (forward === undefined) continue;
    if (forwards.some(({ name }) => name === forward.name)) {
      findings.problem(
        one.source,
        `two backends are called ${forward.name}`,
        'give each a name of its own in the file',
      );
    }
    forwards.push(forward);
  }
  return forwards;
}

function resolveForward(
  { source, texts, headers: given }: GivenForward,
  findings: Findings,
): ForwardTarget | undefined {
  /** The value of a key that is given and can be read. */
  const value = <T>(key: string, parse: (text: string) => T): T | undefined => {
    const text = texts.get(key);
    return text === undefined ? undefined : findings.attempt(text.source, () => parse(text.text));
  };
  const headers: Record<string, string> = {};
  for (const { key, text, source: at } of given) findings.attempt(at, () => addHeader(headers, key, text));
  const file = texts.get('headers_file');
  if (file !== undefined) readHeaders(file.text, file.source, findings, headers);
  const url = value('url', parseForwardUrl);
  if (!texts.has('url')) findings.problem(source, 'the backend has no url', 'write url: http://127.0.0.1:14318');
  const settings = {
    name: value('name', parseForwardName),
    contentType: value('content_type', (text) =>
      parseChoice(text, ['application/x-protobuf', 'application/json'] as const),
    ),
    compression: value('compression', (text) => parseChoice(text, ['none', 'gzip'] as const)),
    timeoutMs: value('timeout', (text) => parseDurationMs(text, 100, LONGEST_TIMEOUT_MS)),
    maxBehind: value('max_behind', (text) => parseCount(text, 1, MOST_ENTRIES)),
    maxRequestBytes: value('max_request', (text) => parseBytes(text, 64 * 2 ** 10, 2 ** 30)),
  };
  if (url === undefined) return undefined;
  warnOfTarget(new URL(url), headers, texts.get('url')?.source ?? source, findings);
  return {
    name: settings.name ?? nameOfUrl(url),
    url,
    headers,
    contentType: settings.contentType ?? defaultForward.contentType,
    compression: settings.compression ?? defaultForward.compression,
    timeoutMs: settings.timeoutMs ?? defaultForward.timeoutMs,
    maxBehind: settings.maxBehind ?? defaultForward.maxBehind,
    maxRequestBytes: settings.maxRequestBytes ?? defaultForward.maxRequestBytes,
  };
}

function warnOfTarget({ protocol, hostname, port }: URL, headers: object, source: string, findings: Findings): void {
  if (port === '4317') {
    findings.warning(source, '4317 is mostly the port of OTLP/gRPC, and this speaks OTLP/HTTP', 'is it 4318?');
  }
  if (protocol === 'https:' || Object.keys(headers).length === 0) return;
  if (isLoopback(hostname.replace(/^\[|\]$/g, ''))) return;
  findings.warning(source, `headers cross the network to ${hostname} unencrypted`, 'use https');
}
