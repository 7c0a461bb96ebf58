/**
 * From flags, variables, a file and defaults, in this order of precedence, to a configuration that can be used as it is. Reads
 * the files that it names; opens no port and creates nothing.
 */
import { witnessPaths } from '@infrafabric/ledger';
import { checkListening } from './check-listening.js';
import { checkPlace } from './check-place.js';
import type { CollectorConfig } from './collector-config.js';
import { ConfigError, type ConfigProblem, Findings } from './config-problem.js';
import { type ConfigFlags, type Given, givenByEnv, givenByFlags } from './given.js';
import { givenByFile } from './given-by-file.js';
import { resolveAnchor } from './resolve-anchor.js';
import { resolveForwards } from './resolve-forwards.js';
import { readTokens } from './secret-files.js';
import {
  defaultValues,
  flagOf,
  parseOrigin,
  type SettingName,
  type SettingValues,
  settingParsers,
  singleSettings,
  variableOf,
} from './settings.js';
import { readTls, type TlsFiles } from './tls-files.js';

/** Where a configuration comes from. */
export interface ConfigSources {
  /** What the command line says. */
  readonly flags?: ConfigFlags | undefined;
  /** Default: no variable is set. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Whether the log goes to a terminal. */
  readonly isTerminal?: boolean | undefined;
  /** For the dates of certificates; default: the clock. */
  readonly nowMs?: number | undefined;
}

/** A configuration that can be used. */
export interface ResolvedConfig {
  readonly config: CollectorConfig;
  /** Every setting as it holds. */
  readonly values: SettingValues;
  /** Who set each setting, `forward` among them; those that are not here are as they are by default. */
  readonly sources: ReadonlyMap<SettingName | 'forward', string>;
  readonly warnings: readonly ConfigProblem[];
}

/** @throws ConfigError with everything that is wrong. */
export function resolveConfig({ flags = {}, env = {}, isTerminal, nowMs }: ConfigSources): ResolvedConfig {
  const findings = new Findings();
  const layers = [givenByFlags(flags), givenByEnv(env, findings), fileOf(flags, env, findings)];
  const sources = new Map<SettingName | 'forward', string>();
  const values = resolveSettings(layers, sources, findings);
  const forwardLayer = layers.find(({ forwards }) => forwards !== undefined);
  if (forwardLayer !== undefined) sources.set('forward', forwardLayer.forwards?.[0]?.source ?? 'the file');
  const forwards = resolveForwards(forwardLayer?.forwards ?? [], findings);

  const at = (name: SettingName | 'forward'): string => sources.get(name) ?? flagOf(name);
  const { token_file } = values;
  const tokens = token_file === undefined ? [] : readTokens(token_file, at('token_file'), findings);
  const tls = resolveTls(values, at, findings, nowMs ?? Date.now());
  const paths = witnessPaths(values, env as NodeJS.ProcessEnv);
  checkPlace(paths, at, findings);
  checkListening(values, forwards, at, findings);
  const anchor = resolveAnchor(values, at, (name) => sources.has(name), findings);
  if (values.memory < values.max_body) {
    findings.problem(at('memory'), 'memory is smaller than max_body: the largest body would never fit', 'raise memory');
  }
  if (findings.problems.length > 0) throw new ConfigError(findings.problems, findings.warnings);
  const config: CollectorConfig = {
    ...paths,
    host: values.host,
    port: values.port,
    grpc: values.grpc ? { host: values.grpc_host ?? values.host, port: values.grpc_port } : undefined,
    tokens,
    tls,
    corsOrigins: values.cors_origin,
    insecureListen: values.insecure_listen,
    maxBodyBytes: values.max_body,
    maxInFlightSpans: values.max_in_flight,
    memoryBytes: values.memory,
    shutdownTimeoutMs: values.shutdown_timeout,
    rotateKeysAfterMs: values.rotate_keys_after,
    logLevel: values.log_level,
    logFormat: values.log_format ?? (isTerminal === true ? 'text' : 'json'),
    forwards,
    anchor,
  };
  return { config, values, sources, warnings: findings.warnings };
}

function fileOf(flags: ConfigFlags, env: Readonly<Record<string, string | undefined>>, findings: Findings): Given {
  const named = typeof flags.config === 'string' ? flags.config : undefined;
  const file = named ?? env[variableOf('config')];
  if (file === undefined || (file === '' && named === undefined)) return { settings: new Map(), forwards: undefined };
  return givenByFile({ text: file, source: named === undefined ? variableOf('config') : '--config' }, env, findings);
}

function resolveSettings(
  layers: readonly Given[],
  sources: Map<SettingName | 'forward', string>,
  findings: Findings,
): SettingValues {
  const found: { [K in SettingName]?: SettingValues[K] } = {};
  for (const name of singleSettings) {
    const given = layers
      .find(({ settings }) => settings.has(name))
      ?.settings.get(name)
      ?.at(-1);
    if (given === undefined) continue;
    sources.set(name, given.source);
    const value = findings.attempt(given.source, () => settingParsers[name](given.text));
    if (value !== undefined) Object.assign(found, { [name]: value });
  }
  const origins = layers.find(({ settings }) => settings.has('cors_origin'))?.settings.get('cors_origin');
  if (origins !== undefined) {
    sources.set('cors_origin', origins[0]?.source ?? 'the file');
    found.cors_origin = origins.flatMap(({ text, source }) => findings.attempt(source, () => parseOrigin(text)) ?? []);
  }
  return { ...defaultValues, ...found };
}

function resolveTls(
  { tls_cert, tls_key }: SettingValues,
  at: (name: SettingName) => string,
  findings: Findings,
  nowMs: number,
): TlsFiles | undefined {
  if (tls_cert === undefined && tls_key === undefined) return undefined;
  if (tls_cert === undefined) findings.problem(at('tls_key'), 'a key without a certificate', 'give tls_cert too');
  else if (tls_key === undefined) findings.problem(at('tls_cert'), 'a certificate without its key', 'give tls_key too');
  else {
    const cert = { file: tls_cert, source: at('tls_cert') };
    return readTls(cert, { file: tls_key, source: at('tls_key') }, findings, nowMs);
  }
  return undefined;
}
