/** A witness as the whole of a process: log lines on stderr, signals, exit code. */
import { startWitnessServer, type WitnessEvent } from '@infrafabric/cosigner';
import type { Invocation } from '../act.js';
import { usageError } from '../cli-error.js';
import { StopSignals } from '../collect/stop-signals.js';
import { escapeJson, escapeText } from '../escape.js';
import type { ExitCode } from '../exit-code.js';
import { printErr } from '../output.js';
import { type WitnessFlags, witnessFolder } from './witness-folder.js';

const DEFAULT_PORT = 7380;

/** Runs until a signal asks it to stop. @throws CosignerError, CliError `usage`. */
export async function runWitness({ flags, common }: Invocation<WitnessFlags>): Promise<ExitCode> {
  const { folder, logs } = witnessFolder(flags, common.home);
  const { host, port } = addressOf(flags.listen);
  const tell = teller(common.json, common.quiet);
  const signals = new StopSignals(['SIGTERM', 'SIGINT'], () => undefined);
  const server = await startWitnessServer({
    folder,
    logs,
    host,
    port,
    onEvent: (event) => tell(levelOf(event), event.type, textOf(event), fieldsOf(event)),
  });
  const shown = server.host.includes(':') ? `[${server.host}]` : server.host;
  const url = `http://${shown}:${server.port}`;
  tell('info', 'started', `${server.name} cosigns ${server.logs()} ledgers at ${url}`, {
    url,
    vkey: server.vkey,
    logs: server.logs(),
  });
  const signal = await signals.first;
  tell('info', 'stopping', `${signal}: stopping`, {});
  await server.stop();
  return 0;
}

function addressOf(text: string | undefined): { host: string; port: number } {
  if (text === undefined) return { host: '127.0.0.1', port: DEFAULT_PORT };
  const [, host, port] = /^(?:(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):)?(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || Number(port) > 65_535)
    throw usageError(`--listen ${JSON.stringify(text.slice(0, 80))} is no address`, 'write HOST:PORT, 127.0.0.1:7380');
  return { host: (host ?? '127.0.0.1').replace(/^\[|\]$/g, ''), port: Number(port) };
}

type Level = 'info' | 'warn' | 'error';
type Fields = Readonly<Record<string, string | number | undefined>>;

/** One line an event. */
function teller(json: boolean, quiet: boolean): (level: Level, event: string, text: string, fields: Fields) => void {
  return (level, event, text, fields) => {
    if (quiet && level === 'info') return;
    const time = new Date().toISOString();
    if (json) printErr(`${escapeJson(JSON.stringify({ time, level, event, message: text, ...fields }))}\n`);
    else printErr(`${time} ${level.padEnd(5)} ${escapeText(text)}\n`);
  };
}

function levelOf(event: WitnessEvent): Level {
  if (event.type === 'fork' || event.type === 'failed') return 'error';
  if (event.type === 'bad-logs') return 'warn';
  return event.type === 'answered' && event.status === 422 ? 'warn' : 'info';
}

function textOf(event: WitnessEvent): string {
  switch (event.type) {
    case 'fork': {
      const kept = event.file === undefined ? '' : `; the other one is kept in ${event.file}`;
      return `two histories: ${event.origin} signed two roots of size ${event.size}${kept}`;
    }
    case 'reloaded':
      return `the list of logs has ${event.logs} now`;
    case 'bad-logs':
    case 'failed':
      return event.message;
    case 'answered':
      if (event.status === 200) return `cosigned ${event.origin} from ${event.oldSize} to ${event.size}`;
      if (event.status === 409)
        return `asked to cosign ${event.origin} at ${event.size}; it was cosigned at ${event.cosignedSize}`;
      return `refused (${event.status})${event.origin === undefined ? '' : ` ${event.origin}`}: ${event.reason}`;
  }
}

function fieldsOf(event: WitnessEvent): Fields {
  if (event.type === 'answered') {
    if (event.status === 200) return { status: 200, origin: event.origin, old_size: event.oldSize, size: event.size };
    if (event.status === 409)
      return { status: 409, origin: event.origin, size: event.size, cosigned_size: event.cosignedSize };
    return { status: event.status, origin: event.origin, reason: event.reason };
  }
  if (event.type === 'fork') return { origin: event.origin, size: event.size, file: event.file };
  return event.type === 'reloaded' ? { logs: event.logs } : {};
}
