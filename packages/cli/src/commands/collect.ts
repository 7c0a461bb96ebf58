/** `if-witness collect`: receives OTLP, answers when it is in the ledger, forwards. */
import type { Command } from 'commander';
import { act, type Invocation } from '../act.js';
import { addCollectOptions, type CollectFlags, settingsOfFlags } from '../collect/collect-flags.js';
import { wantsColor } from '../color.js';
import type { ExitCode } from '../exit-code.js';
import { addHelp } from '../program.js';

export function define(command: Command): void {
  addCollectOptions(command);
  addHelp(
    command,
    'Receives spans over OTLP, answers when they are in the ledger, and forwards them.',
    [
      'if-witness collect',
      'if-witness collect --forward http://127.0.0.1:14318',
      'if-witness collect --host 0.0.0.0 --token-file tokens --tls-cert cert.pem --tls-key key.pem',
      'if-witness collect --config collector.yaml --check',
    ],
    [
      'Every flag is also a variable (IF_WITNESS_COLLECT_MAX_BODY) and a key of the file (max_body); flags win, then variables,\n' +
        'then the file. Sizes are written 20MiB, times 10s or 500ms.',
      'Beside POST /v1/traces it answers GET /healthz, /readyz and /metrics (Prometheus). Everything it says is a log line on\n' +
        'stderr; --json is --log-format json, with --check the result as JSON. SIGTERM or SIGINT stops it when what is under\n' +
        'way is done, a second one at once.',
    ],
  );
  command.action(act<CollectFlags>(collect));
}

async function collect({ flags, common, messages }: Invocation<CollectFlags>): Promise<ExitCode> {
  const { isatty } = await import('node:tty');
  const sources = { flags: settingsOfFlags(flags, common), env: process.env, isTerminal: isatty(2) };
  if (flags.check === true) {
    const { checkConfig } = await import('../collect/check-config.js');
    return checkConfig(sources, common, messages);
  }
  const { runCollector } = await import('../collect/run-collector.js');
  return runCollector(sources, wantsColor(2, common.color));
}
