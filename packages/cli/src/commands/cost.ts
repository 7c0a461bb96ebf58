/** `if-witness cost`: what it cost, by component and model. */
import type { Command } from 'commander';
import { act, type Invocation } from '../act.js';
import { paintIf, wantsColor } from '../color.js';
import type { ExitCode } from '../exit-code.js';
import { renderJson } from '../json-text.js';
import { printOut } from '../output.js';
import { addHelp } from '../program.js';
import { groupRows } from '../report/group-rows.js';
import { renderGroups } from '../report/render-groups.js';
import { reportJson } from '../report/report-json.js';
import { type Asked, reportRows } from '../report/report-rows.js';
import { addTimeFlags, askedTime, type TimeFlags } from '../report/time-range.js';
import { terminalWidth } from '../terminal-width.js';

interface CostFlags extends TimeFlags {
  readonly component?: string;
  readonly traceId?: string;
}

export function define(command: Command): void {
  command
    .option('--trace-id <id>', 'only what `trace` shows under this id: business trace id or OpenTelemetry trace id')
    .option('--component <name>', 'only calls of this component');
  addTimeFlags(command);
  addHelp(
    command,
    'Shows tokens and cost, by component and model.',
    ['if-witness cost', 'if-witness cost --trace-id session-flow-001', 'if-witness cost --last 24h --json'],
    [
      'A call without a price is counted as unpriced, never taken as free. Other groupings and forms: if-optimise report. The\n' +
        'ledger is not verified here: see verify.',
    ],
  );
  command.action(act<CostFlags>(cost));
}

function cost({ flags, common }: Invocation<CostFlags>): ExitCode {
  const asked: Asked = {
    time: askedTime(flags),
    component: flags.component,
    traceId: flags.traceId,
    single: false,
    recompute: false,
  };
  const grouped = groupRows(reportRows(common, asked), ['component', 'model'], asked.time.zone);
  if (common.json) printOut(`${renderJson(reportJson(grouped, asked))}\n`);
  else printOut(renderGroups(grouped, terminalWidth(), paintIf(wantsColor(1, common.color))));
  return 0;
}
