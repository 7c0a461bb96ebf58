/** The line that says what runs: where it listens, which ledger, which backends. No secret is in it. */
import type { WitnessPaths } from '@infrafabric/ledger';
import type { CollectorConfig } from '../config/collector-config.js';
import { maskedUrl } from '../config/describe-config.js';
import { VERSION } from '../version.js';
import type { Log } from './log.js';
import type { CollectorAddresses } from './open-doors.js';

/** Logs it. */
export function logStart(
  log: Log,
  config: CollectorConfig,
  { ledger }: WitnessPaths,
  { http, grpc }: CollectorAddresses,
): void {
  log.info('collector.started', 'collecting', {
    http,
    grpc,
    ledger,
    tokens: config.tokens.length,
    forward: config.forwards.map(({ name, url }) => `${name} ${maskedUrl(url)}`),
    version: VERSION,
    pid: process.pid,
  });
}
