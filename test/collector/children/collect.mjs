/**
 * `node collect.mjs CONFIG`: a collector in a process of its own, on free ports. CONFIG is JSON over the default
 * configuration. Prints its addresses as JSON on a line of its own once it listens, logs to stderr, stops on SIGTERM.
 */
import { writeSync } from 'node:fs';
import { defaultCollectorConfig, Log, startCollector } from '@infrafabric/collector';

const config = {
  ...defaultCollectorConfig,
  port: 0,
  grpc: { host: '127.0.0.1', port: 0 },
  ...JSON.parse(String(process.argv[2])),
};
const log = new Log({ level: 'debug', format: 'json', write: (line) => void process.stderr.write(line) });
try {
  const collector = await startCollector(config, { log });
  writeSync(1, `${JSON.stringify(collector.addresses)}\n`);
  process.on('SIGTERM', () => void collector.stop().then(() => process.exit(0)));
} catch (error) {
  const { code, message } = /** @type {Error & { code?: string }} */ (error);
  writeSync(1, `${JSON.stringify({ failed: { code, message } })}\n`);
  process.exitCode = 1;
}
