/**
 * Where to send spans, as the OpenTelemetry environment variables say it (specification: "OpenTelemetry Protocol Exporter").
 * A variable for traces wins over the general one; an empty variable counts as unset.
 */

/** Where and how to send. */
export interface OtlpEndpoint {
  readonly kind: 'endpoint';
  /** The full URL, `/v1/traces` included. */
  readonly endpoint: string;
  /** Lowercase names. The general and the traces headers together; on the same name the traces header counts. */
  readonly headers: Readonly<Record<string, string>>;
  readonly contentType: 'application/x-protobuf' | 'application/json';
  readonly timeoutMs: number;
  /** Whether a variable named the endpoint; `false` means that it is the specification's default. */
  readonly configured: boolean;
}

/** The variables ask for something that this client does not do, or make no sense. The message names the variable. */
export interface OtlpEndpointProblem {
  readonly kind: 'problem';
  readonly code: 'unsupported_protocol' | 'bad_endpoint' | 'bad_headers' | 'bad_timeout';
  readonly message: string;
}

type Env = Readonly<Record<string, string | undefined>>;

const PREFIX = 'OTEL_EXPORTER_OTLP_';
const DEFAULT_ENDPOINT = 'http://localhost:4318';
const DEFAULT_TIMEOUT_MS = '10000';

/** Reads the variables; `undefined` when `OTEL_SDK_DISABLED` is true. Reads nothing but `env`. */
export function otlpEndpointFromEnv(env: Env): OtlpEndpoint | OtlpEndpointProblem | undefined {
  if (env.OTEL_SDK_DISABLED?.trim().toLowerCase() === 'true') return undefined;

  const protocol = pick(env, 'PROTOCOL') ?? { name: '', value: 'http/protobuf' };
  const contentType = contentTypes.get(protocol.value);
  if (contentType === undefined) {
    const message = `${protocol.name}=${protocol.value} is not supported here: use http/protobuf or http/json`;
    return { kind: 'problem', code: 'unsupported_protocol', message };
  }

  const named = pick(env, 'ENDPOINT');
  const endpoint = named?.name === `${PREFIX}TRACES_ENDPOINT` ? parseUrl(named.value) : tracesUrl(named?.value);
  if (endpoint === undefined) {
    const message = `${named?.name} must be an http or https URL, such as ${DEFAULT_ENDPOINT}`;
    return { kind: 'problem', code: 'bad_endpoint', message };
  }

  const headers: Record<string, string> = {};
  for (const name of [`${PREFIX}HEADERS`, `${PREFIX}TRACES_HEADERS`]) {
    const message = addHeaders(headers, env[name] ?? '');
    if (message !== undefined) return { kind: 'problem', code: 'bad_headers', message: `${name}: ${message}` };
  }

  const timeout = pick(env, 'TIMEOUT') ?? { name: '', value: DEFAULT_TIMEOUT_MS };
  const timeoutMs = /^[0-9]{1,9}$/.test(timeout.value) ? Number(timeout.value) : 0;
  if (timeoutMs === 0) {
    const message = `${timeout.name} must be a number of milliseconds above 0`;
    return { kind: 'problem', code: 'bad_timeout', message };
  }

  return {
    kind: 'endpoint',
    endpoint: endpoint.href,
    headers,
    contentType,
    timeoutMs,
    configured: named !== undefined,
  };
}

/**
 * The URL to send spans to, from one that a person gave: `/v1/traces` where it names no path, else as it is. Undefined when
 * it is no http or https URL.
 */
export function tracesEndpoint(url: string): URL | undefined {
  const parsed = parseUrl(url);
  if (parsed?.pathname === '/') parsed.pathname = '/v1/traces';
  return parsed;
}

const contentTypes: ReadonlyMap<string, OtlpEndpoint['contentType']> = new Map([
  ['http/protobuf', 'application/x-protobuf'],
  ['http/json', 'application/json'],
]);

function pick(env: Env, option: string): { readonly name: string; readonly value: string } | undefined {
  for (const name of [`${PREFIX}TRACES_${option}`, `${PREFIX}${option}`]) {
    const value = env[name]?.trim();
    if (value) return { name, value };
  }
  return undefined;
}

/** A general endpoint is a base: `/v1/traces` is added to its path. */
function tracesUrl(base = DEFAULT_ENDPOINT): URL | undefined {
  const url = parseUrl(base);
  if (url !== undefined) url.pathname = `${url.pathname.replace(/\/+$/, '')}/v1/traces`;
  return url;
}

function parseUrl(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url?.protocol === 'http:' || url?.protocol === 'https:' ? url : undefined;
}

/** Adds `key=value,key=value` with percent-encoded values; returns what is wrong with it. */
function addHeaders(headers: Record<string, string>, list: string): string | undefined {
  for (const pair of list.split(',')) {
    if (pair.trim() === '') continue;
    const equals = pair.indexOf('=');
    const name = pair.slice(0, equals).trim().toLowerCase();
    // The value is a secret more often than not: messages never show it.
    if (equals < 0 || !/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name)) return 'expected key=value pairs, separated by commas';
    const value = percentDecode(pair.slice(equals + 1).trim());
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) return `the value of ${name} holds what an HTTP header cannot`;
    headers[name] = value;
  }
  return undefined;
}

/** Text that is not percent-encoded is taken as it is: senders rarely encode a lone `%`. */
function percentDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
