/** The doors of a collector, by its configuration. */
import type { CollectorConfig } from '../config/collector-config.js';
import { BearerTokens } from '../door/bearer-tokens.js';
import { type Door, DoorError } from '../door/door.js';
import type { Page } from '../door/entrance.js';
import { startGrpcDoor } from '../door/grpc-door.js';
import { startHttpDoor } from '../door/http-door.js';
import { listenProblem } from '../door/listen-policy.js';
import type { Intake, Transport } from '../intake/intake.js';
import { doorStartError, StartError } from './start-error.js';

/** Where a collector listens, as URLs without a path. */
export interface CollectorAddresses {
  readonly http: string;
  /** Undefined: no OTLP/gRPC. */
  readonly grpc: string | undefined;
}

/** An answer that is not good. */
export interface Refused {
  readonly transport: Transport;
  /** HTTP status from 400 up, or gRPC status code. */
  readonly status: number;
  /** What the sender was told. */
  readonly message: string;
  readonly remoteAddress: string | undefined;
}

/** What doors lead to. */
export interface Behind {
  readonly intake: Intake;
  readonly pages: ReadonlyMap<string, Page>;
  readonly onRefused: (refused: Refused) => void;
}

/**
 * Opens them; each is added to `opened` as soon as it is.
 * @throws StartError by rejection, when one cannot be opened. The caller closes what was opened.
 */
export async function openDoors(config: CollectorConfig, behind: Behind, opened: Door[]): Promise<CollectorAddresses> {
  const { host, port, grpc, tls, maxBodyBytes } = config;
  const { intake, pages, onRefused } = behind;
  requireMayListen(config, [host, ...(grpc === undefined ? [] : [grpc.host])]);
  const tokens = config.tokens.length === 0 ? undefined : new BearerTokens(config.tokens);
  const shared = { intake, maxBodyBytes, tokens, tls };
  const open = async (setting: 'port' | 'grpc_port', start: Promise<Door>): Promise<string> => {
    const door = await start.catch((error: unknown) => {
      throw error instanceof DoorError ? doorStartError(error, setting) : error;
    });
    opened.push(door);
    return urlOf(tls === undefined ? 'http' : 'https', door);
  };
  const httpDoor = startHttpDoor({
    ...{ ...shared, host, port, pages, allowedOrigins: config.corsOrigins },
    onRefusal: (refusal) => onRefused({ transport: 'http', ...refusal }),
  });
  const http = await open('port', httpDoor);
  if (grpc === undefined) return { http, grpc: undefined };
  const grpcDoor = startGrpcDoor({
    ...{ ...shared, ...grpc },
    onRefusal: ({ code, ...refusal }) => onRefused({ transport: 'grpc', status: code, ...refusal }),
  });
  return { http, grpc: await open('grpc_port', grpcDoor) };
}

/** `resolveConfig` looks at it too; a configuration that was made in code comes only by here. */
function requireMayListen({ tokens, insecureListen }: CollectorConfig, hosts: readonly string[]): void {
  for (const host of hosts) {
    const problem = listenProblem({ host, hasTokens: tokens.length > 0, allowOpen: insecureListen });
    if (problem !== undefined) throw new StartError('open_to_all', problem);
  }
}

function urlOf(scheme: string, { host, port }: Door): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
