/** A configuration as it holds, for people and for `--check --json`: every setting, who set it, secrets masked. */
import type { ForwardTarget } from '../forward/forward-target.js';
import { formatBytes, formatDuration } from './quantities.js';
import type { ResolvedConfig } from './resolve-config.js';
import { type SettingName, settingNames } from './settings.js';

/** Stands where a secret is. */
export const MASK = '***';

/** A value as the file would say it; null for a setting that is off. */
export type DescribedValue =
  | string
  | number
  | boolean
  | null
  | readonly DescribedValue[]
  | { readonly [key: string]: DescribedValue };

/** A setting as it holds. */
export interface DescribedSetting {
  readonly name: string;
  readonly value: DescribedValue;
  /** Flag, variable or place in the file; undefined for the default. */
  readonly source: string | undefined;
}

/** Every setting, in the order of the docs. Values may be foreign text: escape before showing. */
export function describeConfig({ config, values, sources }: ResolvedConfig): DescribedSetting[] {
  const effective: Readonly<Record<string, DescribedValue | undefined>> = {
    ...values,
    home: config.home ?? null,
    ledger: config.ledger ?? null,
    grpc_host: values.grpc ? (config.grpc?.host ?? null) : null,
    grpc_port: values.grpc ? values.grpc_port : null,
    max_body: formatBytes(values.max_body),
    memory: formatBytes(values.memory),
    shutdown_timeout: formatDuration(values.shutdown_timeout),
    anchor_every: config.anchor === undefined ? null : formatDuration(values.anchor_every),
    rotate_keys_after: values.rotate_keys_after === undefined ? null : formatDuration(values.rotate_keys_after),
    log_format: config.logFormat,
    forward: config.forwards.map(describeForward),
  };
  return settingNames.map((name) => ({
    name,
    value: effective[name] ?? null,
    source: sources.get(name as SettingName),
  }));
}

/** A backend as the file would say it, without what may be secret. */
export function describeForward(forward: ForwardTarget): { readonly [key: string]: DescribedValue } {
  return {
    name: forward.name,
    url: maskedUrl(forward.url),
    headers: Object.fromEntries(Object.keys(forward.headers).map((name) => [name, MASK])),
    content_type: forward.contentType,
    compression: forward.compression,
    timeout: formatDuration(forward.timeoutMs),
    max_behind: forward.maxBehind,
    max_request: formatBytes(forward.maxRequestBytes),
  };
}

/** Some backends take their key in the query of the URL. */
export function maskedUrl(href: string): string {
  const url = new URL(href);
  if (url.search !== '') url.search = MASK;
  return url.href;
}
