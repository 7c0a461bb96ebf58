/** A collector as the whole of a process: log on stderr, signals, exit code. */
import {
  type Collector,
  type ConfigSources,
  Log,
  problemText,
  resolveConfig,
  StartError,
  startCollector,
  stopSelfTracing,
} from '@infrafabric/collector';
import type { ExitCode } from '../exit-code.js';
import { StopSignals } from './stop-signals.js';

/** Runs until a signal asks it to stop, then ends the process. @throws ConfigError; StartError where the log is text. */
export async function runCollector(sources: ConfigSources, color: boolean): Promise<ExitCode> {
  const { config, warnings } = resolveConfig(sources);
  // A log that nobody can read is no reason to stop.
  process.stderr.on('error', () => undefined);
  const write = (line: string): void => void process.stderr.write(line);
  const log = new Log({ level: config.logLevel, format: config.logFormat, color, write });
  const signals = new StopSignals(stopSignals(sources.isTerminal === true), () => {
    log.warn('collector.killed', 'told twice to stop: ended at once; what was acknowledged is in the ledger');
    log.flush();
  });
  if (sources.isTerminal !== true)
    process.on('SIGHUP', () =>
      log.info('collector.hangup', 'SIGHUP changes no setting: restart to change the configuration'),
    );
  dieLoudly(log);
  for (const warning of warnings) log.warn('config.warning', problemText(warning), { code: warning.source });
  if (stopSelfTracing()) {
    const message = 'an OpenTelemetry SDK was loaded into this process (NODE_OPTIONS?); its tracing was shut down';
    log.warn('self_tracing.off', `${message}, or the collector would trace itself`);
  }
  const collector = await start(config, log);
  if (collector === undefined) return 2;
  const signal = await signals.first;
  log.info('collector.signal', `${signal}: stopping; a second signal ends it at once`);
  await collector.stop();
  // Whatever else is in this process (a preloaded module, a thread that did not end in time) has had its time.
  process.exit(0);
}

/** A terminal that closes ends what runs in it. To a service SIGHUP means "read your configuration again", and must not end it. */
function stopSignals(isTerminal: boolean): NodeJS.Signals[] {
  return isTerminal ? ['SIGTERM', 'SIGINT', 'SIGHUP'] : ['SIGTERM', 'SIGINT'];
}

/** Where the log is JSON its readers expect nothing else, so a failure is a line of it. */
async function start(config: Parameters<typeof startCollector>[0], log: Log): Promise<Collector | undefined> {
  try {
    return await startCollector(config, { log });
  } catch (error) {
    if (!(error instanceof StartError) || config.logFormat === 'text') throw error;
    const { code, message, hint } = error;
    log.tell('error', 'collector.failed', message, { error: { code, message, hint } });
    log.flush();
    return undefined;
  }
}

/** What nobody foresaw ends the process; its supervisor starts another. Nothing acknowledged is lost by it. */
function dieLoudly(log: Log): void {
  process.on('uncaughtException', (error) => {
    log.tell('error', 'collector.crashed', `${error.name}: ${error.message}`, { stack: error.stack });
    log.flush();
    process.exit(2);
  });
}
