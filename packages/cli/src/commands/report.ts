/** `if-optimise report`: tokens and cost as the signed span entries say them. */
import { witnessPaths } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import type { Command } from 'commander';
import { act, type Invocation } from '../act.js';
import { CliError, usageError } from '../cli-error.js';
import { paintIf, wantsColor } from '../color.js';
import type { ExitCode } from '../exit-code.js';
import { type JsonOut, renderJson } from '../json-text.js';
import { printOut } from '../output.js';
import { addHelp } from '../program.js';
import { containersOf } from '../read/containers.js';
import { allEntries, selectTrace } from '../read/select-trace.js';
import type { SpanEntry } from '../read/span-entry.js';
import { storedEntries } from '../read/stored-entries.js';
import { GROUP_KEYS, groupSpans } from '../report/group-spans.js';
import { type GroupsView, renderGroups } from '../report/render-groups.js';
import { terminalWidth } from '../terminal-width.js';

interface ReportFlags {
  readonly groupBy?: string;
  readonly component?: string;
  readonly traceId?: string;
}

interface Asked {
  readonly component: string | undefined;
  readonly traceId: string | undefined;
}

export function define(command: Command): void {
  const keys = Object.keys(GROUP_KEYS).join(', ');
  command
    .option('--group-by <keys>', `one or more of ${keys}, separated by commas (default: component)`)
    .option('--component <name>', 'only entries of this component')
    .option('--trace-id <id>', 'only what `if-witness trace` shows under this id');
  addHelp(
    command,
    'Sums tokens and cost of the span entries.',
    [
      'if-optimise report',
      'if-optimise report --group-by model',
      'if-optimise report --component IF.witness.h323 --json',
    ],
    [
      'Adds up the usage and charge that were signed. A span with usage above another span with usage is a container and is\n' +
        'not counted. Unpriced entries are counted, never taken as free. The ledger is not verified here.',
    ],
  );
  command.action(act<ReportFlags>(report));
}

function report({ flags, common }: Invocation<ReportFlags>): ExitCode {
  const keys = keysOf(flags.groupBy ?? 'component');
  const asked: Asked = { component: flags.component, traceId: flags.traceId };
  const reader = LedgerReader.open(witnessPaths(common).ledger);
  let view: GroupsView;
  try {
    const containers = containersOf(() => spansOf(reader, { ...asked, component: undefined }));
    view = { keys, ...groupSpans(spansOf(reader, asked), keys, containers) };
  } finally {
    reader.close();
  }
  if (common.json) printOut(`${renderJson(viewJson(view, asked))}\n`);
  else printOut(renderGroups(view, terminalWidth(), paintIf(wantsColor(1, common.color))));
  return 0;
}

function keysOf(text: string): string[] {
  const keys = text.split(',');
  for (const [i, key] of keys.entries()) {
    if (!Object.hasOwn(GROUP_KEYS, key)) {
      throw usageError(`--group-by knows ${Object.keys(GROUP_KEYS).join(', ')}, not ${JSON.stringify(key)}`);
    }
    if (keys.indexOf(key) !== i) throw usageError(`--group-by names ${key} twice`);
  }
  return keys;
}

function* spansOf(reader: LedgerReader, { component, traceId }: Asked): Generator<SpanEntry> {
  const entries = traceId === undefined ? allSpans(reader) : allEntries(selectTrace(reader, traceId).root);
  for (const entry of entries) if (component === undefined || entry.component === component) yield entry;
}

/** A sum must not pass over what it cannot read. */
function* allSpans(reader: LedgerReader): Generator<SpanEntry> {
  for (const found of storedEntries(reader)) {
    if (found.kind === 'malformed')
      throw new CliError('ledger', `entry ${found.seq} cannot be read`, { hint: 'run if-witness verify' });
    if (found.kind === 'span') yield found.entry;
  }
}

function viewJson({ keys, groups, totals }: GroupsView, asked: Asked): { readonly [key: string]: JsonOut } {
  return {
    totals: { ...totals.toJson(), entries: totals.entries },
    component: asked.component ?? null,
    trace_id: asked.traceId ?? null,
    group_by: [...keys],
    groups: groups.map((group) => ({
      ...Object.fromEntries(keys.map((key, i) => [key, group.values[i] ?? null])),
      totals: { ...group.totals.toJson(), entries: group.totals.entries },
    })),
  };
}
