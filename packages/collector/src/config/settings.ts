/**
 * The settings that are a single value or a list of them: how each is read, what it is when nobody says. A setting has one
 * name in three spellings: `max_body` in the file, `--max-body`, `IF_WITNESS_COLLECT_MAX_BODY`.
 */
import { Unusable } from './config-problem.js';
import {
  parseBoolean,
  parseBytes,
  parseChoice,
  parseCommand,
  parseCount,
  parseDurationMs,
  parseHost,
  parsePath,
  parsePort,
} from './quantities.js';

/** How loud the log is: this level and those above it. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** How log lines look. */
export type LogFormat = 'json' | 'text';

/** Values of the settings, as the file names them. */
export interface SettingValues {
  readonly home: string | undefined;
  readonly ledger: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly grpc: boolean;
  /** Undefined: the same as `host`. */
  readonly grpc_host: string | undefined;
  readonly grpc_port: number;
  readonly token_file: string | undefined;
  readonly tls_cert: string | undefined;
  readonly tls_key: string | undefined;
  readonly cors_origin: readonly string[];
  readonly insecure_listen: boolean;
  readonly max_body: number;
  readonly max_in_flight: number;
  readonly memory: number;
  readonly shutdown_timeout: number;
  readonly anchor_every: number;
  /** Folder. */
  readonly anchor_dir: string | undefined;
  /** Shell command. */
  readonly anchor_exec: string | undefined;
  readonly anchor_policy: string | undefined;
  /** Undefined: the key is not changed by the collector. */
  readonly rotate_keys_after: number | undefined;
  readonly log_level: LogLevel;
  /** Undefined: text on a terminal, else JSON. */
  readonly log_format: LogFormat | undefined;
}

/** Name of a setting, as the file has it. */
export type SettingName = keyof SettingValues;

/** What holds where nothing is said. */
export const defaultValues: SettingValues = {
  home: undefined,
  ledger: undefined,
  host: '127.0.0.1',
  port: 4318,
  grpc: true,
  grpc_host: undefined,
  grpc_port: 4317,
  token_file: undefined,
  tls_cert: undefined,
  tls_key: undefined,
  cors_origin: [],
  insecure_listen: false,
  max_body: 20 * 2 ** 20,
  max_in_flight: 4096,
  memory: 64 * 2 ** 20,
  shutdown_timeout: 10_000,
  anchor_every: 3_600_000,
  anchor_dir: undefined,
  anchor_exec: undefined,
  anchor_policy: undefined,
  rotate_keys_after: undefined,
  log_level: 'info',
  log_format: undefined,
};

type Single = Exclude<SettingName, 'cors_origin'>;

/** Readers of single values. They throw {@link Unusable}. */
export const settingParsers: { readonly [K in Single]: (text: string) => SettingValues[K] } = {
  home: parsePath,
  ledger: parsePath,
  host: parseHost,
  port: parsePort,
  grpc: parseBoolean,
  grpc_host: parseHost,
  grpc_port: parsePort,
  token_file: parsePath,
  tls_cert: parsePath,
  tls_key: parsePath,
  insecure_listen: parseBoolean,
  max_body: (text) => parseBytes(text, 1024, 2 ** 30),
  max_in_flight: (text) => parseCount(text, 1, 1_000_000),
  memory: (text) => parseBytes(text, 2 ** 20, 64 * 2 ** 30),
  shutdown_timeout: (text) => parseDurationMs(text, 0, 3_600_000),
  anchor_every: (text) => parseDurationMs(text, 1_000, 366 * 86_400_000),
  anchor_dir: parsePath,
  anchor_exec: parseCommand,
  anchor_policy: parsePath,
  rotate_keys_after: (text) => parseDurationMs(text, 60_000, 3650 * 86_400_000),
  log_level: (text) => parseChoice(text, ['debug', 'info', 'warn', 'error'] as const),
  log_format: (text) => parseChoice(text, ['json', 'text'] as const),
};

/** Names of single settings. */
export const singleSettings: readonly Single[] = Object.keys(settingParsers) as Single[];

/** All names that flags, variables and the file share. */
export const settingNames: readonly (SettingName | 'forward')[] = [...singleSettings, 'cors_origin', 'forward'];

/** The variable of a setting. The witness home has the one that all commands know. */
export function variableOf(name: SettingName | 'forward' | 'config'): string {
  return name === 'home' ? 'IF_WITNESS_HOME' : `IF_WITNESS_COLLECT_${name.toUpperCase()}`;
}

/** The flag of a setting. */
export function flagOf(name: SettingName | 'forward' | 'config'): string {
  return `--${name.replaceAll('_', '-')}`;
}

/**
 * A web origin as browsers send it: scheme, host and port if it is not the scheme's own. One `*` stands for any part of the
 * host, or for any port. @throws Unusable
 */
export function parseOrigin(text: string): string {
  // One that a pattern stands for: any name, or any port.
  const sample = text.replace(/\*/, text.endsWith(':*') ? '65000' : 'x');
  const url = URL.canParse(sample) ? new URL(sample) : undefined;
  if (
    text !== '*' &&
    !sample.includes('*') &&
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    url.origin === sample
  )
    return text;
  const hint =
    text === '*'
      ? 'name each origin: any page could write into the ledger otherwise'
      : url !== undefined && url.origin !== 'null'
        ? `write ${url.origin}`
        : 'write https://app.example.com';
  throw new Unusable(`${JSON.stringify(text.slice(0, 80))} is not a web origin`, hint);
}
