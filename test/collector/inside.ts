/** The collector's own parts in this process: an intake into a real ledger, and both doors in front of it. */
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Door } from '../../packages/collector/dist/door/door.js';
import { startGrpcDoor } from '../../packages/collector/dist/door/grpc-door.js';
import type { GrpcLimits } from '../../packages/collector/dist/door/grpc-limits.js';
import { startHttpDoor } from '../../packages/collector/dist/door/http-door.js';
import { LedgerIntake, type LedgerIntakeOptions } from '../../packages/collector/dist/intake/ledger-intake.js';
import { newDirectory } from '../attacks/ledger-files.js';
import { grpcSender, httpSender, type Sender } from './senders.js';

export const MIB: number = 1024 * 1024;

/** What the intake told its meter. */
export interface Told {
  accepted: number;
  refused: number;
  duplicates: number;
  /** Spans of each commit, in order. */
  readonly commits: number[];
}

/** An intake that is open. */
export interface OpenIntake {
  readonly home: string;
  readonly intake: LedgerIntake;
  readonly told: Told;
}

/** Opens an intake; it is closed after the test at the latest. */
export async function openIntake(options: Partial<LedgerIntakeOptions> = {}): Promise<OpenIntake> {
  const home = options.home ?? join(newDirectory(), 'home');
  const told: Told = { accepted: 0, refused: 0, duplicates: 0, commits: [] };
  const intake = new LedgerIntake({
    maxInFlightSpans: 4096,
    memoryBytes: 64 * MIB,
    meter: {
      accepted: (_, spans) => {
        told.accepted += spans;
      },
      refused: (_, spans) => {
        told.refused += spans;
      },
      duplicates: (spans) => {
        told.duplicates += spans;
      },
      committed: (spans) => void told.commits.push(spans),
    },
    onNotice: () => undefined,
    ...options,
    home,
  });
  onTestFinished(() => intake.close());
  const outage = await intake.open();
  if (outage !== undefined) throw outage;
  return { home, intake, told };
}

/** An intake with its doors. */
export interface OpenDoors extends OpenIntake {
  readonly http: Door;
  readonly grpc: Door;
  /** One of each kind: protobuf, JSON and both with gzip over HTTP, and gRPC. */
  readonly senders: readonly Sender[];
  /** Closes all of it, as a collector does that is stopped. */
  close(): Promise<void>;
}

/** Opens both doors to an intake; they are closed after the test at the latest. */
export async function openDoors(
  options: Partial<LedgerIntakeOptions> & {
    readonly maxBodyBytes?: number;
    readonly grpcLimits?: Partial<GrpcLimits>;
  } = {},
): Promise<OpenDoors> {
  const { maxBodyBytes = 20 * MIB, grpcLimits = {}, ...intakeOptions } = options;
  const opened = await openIntake(intakeOptions);
  const shared = { host: '127.0.0.1', port: 0, intake: opened.intake, maxBodyBytes, tokens: undefined, tls: undefined };
  const http = await startHttpDoor({ ...shared, allowedOrigins: [], pages: new Map() });
  const grpc = await startGrpcDoor({ ...shared, limits: grpcLimits });
  const url = `http://127.0.0.1:${http.port}`;
  const senders = [
    httpSender(url),
    httpSender(url, { coding: 'gzip' }),
    httpSender(url, { encoding: 'json' }),
    httpSender(url, { encoding: 'json', coding: 'gzip' }),
    grpcSender(`http://127.0.0.1:${grpc.port}`),
  ];
  const close = async (): Promise<void> => {
    for (const sender of senders) sender.close();
    await Promise.all([http.stop(1_000), grpc.stop(1_000)]);
    await opened.intake.close();
  };
  onTestFinished(close);
  return { ...opened, http, grpc, senders, close };
}
