/** `if-optimise report`: tokens and cost as the signed entries say them. */
import { witnessPaths } from '@infrafabric/ledger';
import type { Command } from 'commander';
import { act, type Invocation } from '../act.js';
import { usageError } from '../cli-error.js';
import { paintIf, wantsColor } from '../color.js';
import type { CommonOptions } from '../common-options.js';
import type { ExitCode } from '../exit-code.js';
import { writeFileOutput } from '../file-output.js';
import { renderJson } from '../json-text.js';
import { printOut } from '../output.js';
import { addHelp } from '../program.js';
import { GROUP_KEYS, groupRows, KEYS_OF_SINGLE_CALLS } from '../report/group-rows.js';
import { renderGroups } from '../report/render-groups.js';
import { reportJson } from '../report/report-json.js';
import { type Asked, reportRows } from '../report/report-rows.js';
import { addTimeFlags, askedTime, type TimeFlags } from '../report/time-range.js';
import { terminalWidth } from '../terminal-width.js';

interface ReportFlags extends TimeFlags {
  readonly groupBy?: string;
  readonly component?: string;
  readonly traceId?: string;
  readonly breakdown?: boolean;
  readonly format?: string;
  readonly csv?: boolean;
  readonly plain?: boolean;
  readonly html?: boolean;
  readonly output?: string;
  readonly recompute?: boolean;
}

const FORMATS = ['table', 'json', 'csv', 'plain', 'focus', 'html'] as const;
type Format = (typeof FORMATS)[number];

export function define(command: Command): void {
  const keys = Object.keys(GROUP_KEYS).join(', ');
  command
    .option('--group-by <keys>', `one or more of ${keys}, separated by commas (default: component)`)
    .option('--breakdown', 'by component and model')
    .option('--component <name>', 'only calls of this component')
    .option('--trace-id <id>', 'only what `if-witness trace` shows under this id');
  addTimeFlags(command);
  command
    .option('--format <format>', `one of ${FORMATS.join(', ')} (default: table)`)
    .option('--csv', 'the same as --format csv')
    .option('--plain', 'the same as --format plain: columns between tabs, no titles')
    .option('--html', 'the same as --format html: one page with charts, complete in itself')
    .option('--output <file>', 'write to a file, mode 0600, instead of stdout')
    .option('--recompute', 'sum all entries anew instead of continuing from earlier sums');
  addHelp(
    command,
    'Sums tokens and cost.',
    [
      'if-optimise report',
      'if-optimise report --group-by model,day --last 7d',
      'if-optimise report --component IF.witness.h323 --json',
      'if-optimise report --format focus --since 2026-11-01 --until 2026-12-01 --output november.csv',
      'if-optimise report --html --output report.html',
    ],
    [
      'Counts calls, not spans: of a call that is told more than once, by an agent around it or by two instrumentations, one\n' +
        'span counts. Unpriced calls are counted, never taken as free. The ledger is not verified here: see if-witness verify.',
    ],
  );
  command.action(act<ReportFlags>(report));
}

async function report({ flags, common, messages }: Invocation<ReportFlags>): Promise<ExitCode> {
  const format = formatOf(flags, common);
  const keys = keysOf(flags);
  const asked: Asked = {
    time: askedTime(flags),
    component: flags.component,
    traceId: flags.traceId,
    single: format === 'focus' || keys.some((key) => KEYS_OF_SINGLE_CALLS.has(key)),
    recompute: flags.recompute === true,
  };
  const text = await render(format, keys, asked, flags, common);
  if (flags.output === undefined) printOut(text);
  else {
    writeFileOutput(flags.output, witnessPaths(common).ledger, text);
    messages.note(`report in ${flags.output}`);
  }
  return 0;
}

async function render(
  format: Format,
  keys: readonly string[],
  asked: Asked,
  flags: ReportFlags,
  common: CommonOptions,
): Promise<string> {
  if (format === 'focus') {
    const { focusCsv } = await import('../report/focus.js');
    return focusCsv(common, asked);
  }
  const grouped = groupRows(reportRows(common, asked), keys, asked.time.zone);
  switch (format) {
    case 'json':
      return `${renderJson(reportJson(grouped, asked))}\n`;
    case 'csv':
      return (await import('../report/report-lines.js')).reportCsv(grouped);
    case 'plain':
      return (await import('../report/report-lines.js')).reportPlain(grouped);
    case 'html':
      return (await import('../report/report-page.js')).reportPage(grouped, asked);
    case 'table': {
      const toFile = flags.output !== undefined;
      return renderGroups(
        grouped,
        toFile ? undefined : terminalWidth(),
        paintIf(!toFile && wantsColor(1, common.color)),
      );
    }
  }
}

function formatOf(flags: ReportFlags, common: CommonOptions): Format {
  const asked = [
    ...(flags.format === undefined ? [] : [flags.format]),
    ...(flags.csv === true ? ['csv'] : []),
    ...(flags.plain === true ? ['plain'] : []),
    ...(flags.html === true ? ['html'] : []),
    ...(common.json ? ['json'] : []),
  ];
  const [format = 'table', ...others] = [...new Set(asked)];
  if (others.length > 0) throw usageError(`one form at a time: ${[format, ...others].join(', ')}`);
  if (!(FORMATS as readonly string[]).includes(format))
    throw usageError(`--format is one of ${FORMATS.join(', ')}, not ${JSON.stringify(format)}`);
  return format as Format;
}

function keysOf({ groupBy, breakdown }: ReportFlags): string[] {
  if (groupBy !== undefined && breakdown === true) throw usageError('--breakdown is a --group-by of its own');
  const keys = (groupBy ?? (breakdown === true ? 'component,model' : 'component')).split(',');
  for (const [i, key] of keys.entries()) {
    if (!Object.hasOwn(GROUP_KEYS, key)) {
      throw usageError(`--group-by knows ${Object.keys(GROUP_KEYS).join(', ')}, not ${JSON.stringify(key)}`);
    }
    if (keys.indexOf(key) !== i) throw usageError(`--group-by names ${key} twice`);
  }
  return keys;
}
