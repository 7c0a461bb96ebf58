/** What a collector is started with: every value there, checked, secrets read. */
import type { AnchorPlan } from '@infrafabric/cosigner/anchor';
import type { ForwardTarget } from '../forward/forward-target.js';
import { defaultForward, nameOfUrl, parseForwardUrl } from './forward-settings.js';
import { defaultValues, type LogFormat, type LogLevel } from './settings.js';
import type { TlsFiles } from './tls-files.js';

/** A whole configuration. Bytes, milliseconds and PEM texts; `resolveConfig` makes one from flags, variables and a file. */
export interface CollectorConfig {
  /** Witness home; undefined for `IF_WITNESS_HOME`, else `~/.if-witness`. */
  readonly home: string | undefined;
  /** Ledger file; undefined for the one in the home. */
  readonly ledger: string | undefined;
  readonly host: string;
  /** Of OTLP/HTTP; 0 for any that is free. */
  readonly port: number;
  /** Undefined: no OTLP/gRPC. */
  readonly grpc: { readonly host: string; readonly port: number } | undefined;
  /** Bearer tokens of which a sender must show one; none: nobody is asked. Secret. */
  readonly tokens: readonly string[];
  readonly tls: TlsFiles | undefined;
  /** Web origins whose pages may send. */
  readonly corsOrigins: readonly string[];
  /** Whether to listen beyond loopback without tokens. */
  readonly insecureListen: boolean;
  /** Largest body of a request, before and after decompression. */
  readonly maxBodyBytes: number;
  /** Spans that may wait for their commit. */
  readonly maxInFlightSpans: number;
  /** What bodies may take together. */
  readonly memoryBytes: number;
  readonly shutdownTimeoutMs: number;
  /** Age from which the signing key is changed; undefined: never by the collector. */
  readonly rotateKeysAfterMs: number | undefined;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  readonly forwards: readonly ForwardTarget[];
  /** Undefined: the ledger is not anchored. */
  readonly anchor: AnchorPlan | undefined;
}

/** Loopback, the ports of OTLP, no forwarding. */
export const defaultCollectorConfig: CollectorConfig = {
  home: undefined,
  ledger: undefined,
  host: defaultValues.host,
  port: defaultValues.port,
  grpc: { host: defaultValues.host, port: defaultValues.grpc_port },
  tokens: [],
  tls: undefined,
  corsOrigins: [],
  insecureListen: false,
  maxBodyBytes: defaultValues.max_body,
  maxInFlightSpans: defaultValues.max_in_flight,
  memoryBytes: defaultValues.memory,
  shutdownTimeoutMs: defaultValues.shutdown_timeout,
  rotateKeysAfterMs: defaultValues.rotate_keys_after,
  logLevel: 'info',
  logFormat: 'json',
  forwards: [],
  anchor: undefined,
};

/** A backend by its URL, everything else as it is by default. @throws RangeError for a URL that cannot be forwarded to */
export function forwardTo(url: string, settings: Partial<ForwardTarget> = {}): ForwardTarget {
  const href = parseForwardUrl(url);
  return { name: nameOfUrl(href), ...defaultForward, ...settings, url: href };
}
