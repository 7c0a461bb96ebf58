/** Flags of `collect`. What their values may be is for the collector to say: it knows them from variables and files too. */
import type { Command } from 'commander';
import type { CommonOptions } from '../common-options.js';

/** As commander has them. */
export interface CollectFlags {
  readonly host?: string;
  readonly port?: string;
  readonly grpcHost?: string;
  readonly grpcPort?: string;
  /** False for `--no-grpc`. */
  readonly grpc: boolean;
  readonly insecureListen?: true;
  readonly corsOrigin?: readonly string[];
  readonly tokenFile?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly forward?: readonly string[];
  readonly maxBody?: string;
  readonly maxInFlight?: string;
  readonly memory?: string;
  readonly shutdownTimeout?: string;
  readonly anchorEvery?: string;
  readonly anchorDir?: string;
  readonly anchorExec?: string;
  readonly anchorPolicy?: string;
  readonly rotateKeysAfter?: string;
  readonly logLevel?: string;
  readonly logFormat?: string;
  readonly config?: string;
  readonly check?: true;
}

/** Adds them. */
export function addCollectOptions(command: Command): void {
  command
    .optionsGroup('Listening:')
    .option('--host <host>', 'address to listen on (default: 127.0.0.1)')
    .option('--port <port>', 'port of OTLP/HTTP, 0 for any that is free (default: 4318)')
    .option('--grpc-host <host>', 'address of OTLP/gRPC (default: as --host)')
    .option('--grpc-port <port>', 'port of OTLP/gRPC (default: 4317)')
    .option('--no-grpc', 'no OTLP/gRPC')
    .option('--cors-origin <origin>', 'web origin whose pages may send; may be repeated', collect)
    .option('--insecure-listen', 'listen beyond this machine without asking for a token')
    .optionsGroup('Secrets:')
    .option('--token-file <file>', 'bearer tokens of senders, one a line')
    .option('--tls-cert <file>', 'certificate, PEM, with those that vouch for it')
    .option('--tls-key <file>', 'its private key, PEM')
    .optionsGroup('Forwarding:')
    .option('--forward <url>', 'OTLP/HTTP backend that gets every span too; may be repeated', collect)
    .optionsGroup('Limits:')
    .option('--max-body <size>', 'largest request, before and after decompression (default: 20MiB)')
    .option('--max-in-flight <spans>', 'spans that may wait for their commit (default: 4096)')
    .option('--memory <size>', 'what requests may take together (default: 64MiB)')
    .option('--shutdown-timeout <time>', 'how long a stop may take (default: 10s)')
    .optionsGroup('Anchors:')
    .option('--anchor-dir <dir>', 'folder that gets a file for each anchor; better on another machine')
    .option('--anchor-exec <command>', 'shell command that gets each anchor on stdin')
    .option('--anchor-policy <file>', 'policy whose witnesses are asked to cosign')
    .option('--anchor-every <time>', 'how often, when something is new (default: 1h)')
    .optionsGroup('Keys:')
    .option('--rotate-keys-after <time>', 'hand over to a new signing key once it is that old, e.g. 90d')
    .optionsGroup('Log:')
    .option('--log-level <level>', 'debug, info, warn or error (default: info)')
    .option('--log-format <format>', 'json or text (default: text on a terminal, else json)')
    .optionsGroup('Configuration:')
    .option('--config <file>', 'YAML file with any of these settings, and more about forwarding')
    .option('--check', 'check everything, show what would hold, start nothing');
}

/** A value beside those that were given before. */
function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** What was given, by the names of the collector's settings. */
export function settingsOfFlags(
  flags: CollectFlags,
  common: CommonOptions,
): Record<string, string | readonly string[]> {
  const { check, grpc, insecureListen, ...texts } = flags;
  const given: Record<string, string | readonly string[] | undefined> = {
    home: common.home,
    ledger: common.ledger,
    ...(grpc ? {} : { grpc: 'false' }),
    ...(insecureListen === true ? { insecure_listen: 'true' } : {}),
    ...(common.quiet ? { log_level: 'error' } : {}),
    ...(common.json && check !== true ? { log_format: 'json' } : {}),
  };
  for (const [name, value] of Object.entries(texts)) {
    if (value !== undefined) given[name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)] = value;
  }
  return Object.fromEntries(
    Object.entries(given).filter((entry): entry is [string, string | readonly string[]] => entry[1] !== undefined),
  );
}
