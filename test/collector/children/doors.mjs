/**
 * `node doors.mjs OPTIONS`: an intake and both doors in a process of its own, with limits that a collector does not let
 * anybody set. OPTIONS is JSON: home, maxBodyBytes, memoryBytes, maxInFlightSpans, httpLimits, grpcLimits. Prints what
 * collect.mjs prints.
 */
import { writeSync } from 'node:fs';
import { startGrpcDoor } from '../../../packages/collector/dist/door/grpc-door.js';
import { startHttpDoor } from '../../../packages/collector/dist/door/http-door.js';
import { LedgerIntake } from '../../../packages/collector/dist/intake/ledger-intake.js';

const { home, maxBodyBytes, memoryBytes, maxInFlightSpans, httpLimits, grpcLimits } = JSON.parse(
  String(process.argv[2]),
);
const ignore = () => undefined;
const meter = { accepted: ignore, refused: ignore, duplicates: ignore, committed: ignore };
const intake = new LedgerIntake({ home, memoryBytes, maxInFlightSpans, meter, onNotice: ignore });
await intake.open();
const shared = { host: '127.0.0.1', port: 0, intake, maxBodyBytes, tokens: undefined, tls: undefined };
const held = async () => ({ status: 200, contentType: 'text/plain', body: String(intake.memory.held) });
/** Longer than what a kernel takes in for a peer that does not read. */
const long = async () => ({ status: 200, contentType: 'text/plain', body: 'x'.repeat(16_000_000) });
const pages = new Map([
  ['/healthz', held],
  ['/metrics', long],
]);
const http = await startHttpDoor({ ...shared, allowedOrigins: [], pages, limits: httpLimits });
const grpc = await startGrpcDoor({ ...shared, limits: grpcLimits });
const addresses = { http: `http://127.0.0.1:${http.port}`, grpc: `http://127.0.0.1:${grpc.port}` };
writeSync(1, `${JSON.stringify(addresses)}\n`);
process.on('SIGTERM', async () => {
  await Promise.all([http.stop(1_000), grpc.stop(1_000)]);
  await intake.close();
  process.exit(0);
});
