/** Where a replay goes: what the flags say, or else what the OTEL_EXPORTER_OTLP_* variables say, never a mixture of both. */
import { readFileSync } from 'node:fs';
import { type OtlpEndpoint, otlpEndpointFromEnv, type SendTraceRequest, tracesEndpoint } from '@infrafabric/otlp/send';
import { CliError, usageError } from '../cli-error.js';

/** As commander gives them. */
export interface TargetFlags {
  readonly to?: string;
  readonly header?: readonly string[];
  readonly tokenFile?: string;
  readonly format?: string;
  readonly gzip?: boolean;
}

/** A backend. */
export interface ReplayTarget extends Pick<SendTraceRequest, 'contentType'> {
  readonly endpoint: string;
  /** Secret. */
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: 'none' | 'gzip';
  /** For one attempt. */
  readonly attemptMs: number;
}

type Env = Readonly<Record<string, string | undefined>>;

const FORMATS: ReadonlyMap<string, ReplayTarget['contentType']> = new Map([
  ['protobuf', 'application/x-protobuf'],
  ['json', 'application/json'],
]);
const ATTEMPT_MS = 10_000;
/** Set by the client itself. */
const RESERVED = ['content-type', 'content-length', 'content-encoding', 'host', 'connection', 'transfer-encoding'];

/** @throws CliError `usage`, `input`, `io`. */
export function replayTarget(flags: TargetFlags, env: Env): ReplayTarget {
  const contentType = flags.format === undefined ? undefined : FORMATS.get(flags.format);
  if (flags.format !== undefined && contentType === undefined) {
    throw usageError(`--format is one of ${[...FORMATS.keys()].join(', ')}, not ${JSON.stringify(flags.format)}`);
  }
  const place = flags.to === undefined ? placeOfEnv(env) : placeOfUrl(flags.to);
  return {
    endpoint: place.endpoint,
    headers: { ...place.headers, ...headersOf(flags) },
    contentType: contentType ?? place.contentType,
    compression: flags.gzip === true ? 'gzip' : 'none',
    attemptMs: place.timeoutMs,
  };
}

/** The URL as it may be shown: without what may be a secret. */
export function shownUrl(endpoint: string): string {
  const { origin, pathname } = new URL(endpoint);
  return origin + pathname;
}

type Place = Pick<OtlpEndpoint, 'endpoint' | 'headers' | 'contentType' | 'timeoutMs'>;

function placeOfUrl(url: string): Place {
  const endpoint = tracesEndpoint(url);
  // A URL may hold a key: it is not repeated.
  if (endpoint === undefined) throw usageError('--to is not an http or https URL', 'write --to http://127.0.0.1:4318');
  return { endpoint: endpoint.href, headers: {}, contentType: 'application/x-protobuf', timeoutMs: ATTEMPT_MS };
}

function placeOfEnv(env: Env): Place {
  const found = otlpEndpointFromEnv(env);
  if (found?.kind === 'problem') throw new CliError('input', found.message);
  if (found?.configured !== true) {
    throw usageError('--to is missing', 'write --to http://127.0.0.1:4318, or set OTEL_EXPORTER_OTLP_ENDPOINT');
  }
  return found;
}

function headersOf({ header = [], tokenFile }: TargetFlags): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const given of header) {
    const equals = given.indexOf('=');
    const name = given.slice(0, Math.max(equals, 0)).trim().toLowerCase();
    // The value is a secret more often than not: messages never show it.
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name)) throw usageError('--header must be name=value');
    if (RESERVED.includes(name)) throw usageError(`--header cannot set ${name}`);
    if (Object.hasOwn(headers, name)) throw usageError(`--header sets ${name} twice`);
    headers[name] = headerValue(given.slice(equals + 1).trim(), `--header ${name}`);
  }
  if (tokenFile === undefined) return headers;
  if (Object.hasOwn(headers, 'authorization'))
    throw usageError('--token-file and --header authorization exclude each other');
  return { ...headers, authorization: `Bearer ${tokenOf(tokenFile)}` };
}

function tokenOf(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new CliError('io', `--token-file: cannot read ${file}: ${(cause as Error).message}`, { cause });
  }
  if (text === '') throw new CliError('input', `--token-file: ${file} is empty`);
  return headerValue(text, `--token-file ${file}`);
}

function headerValue(text: string, what: string): string {
  if (/^[\t\x20-\x7e\x80-\xff]*$/.test(text)) return text;
  throw new CliError('input', `${what} holds what an HTTP header cannot, such as a line break`);
}
