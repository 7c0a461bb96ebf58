/** `collect --check`: what would hold, or everything that is wrong. */
import {
  ConfigError,
  type ConfigSources,
  type DescribedSetting,
  type DescribedValue,
  describeConfig,
  problemText,
  resolveConfig,
} from '@infrafabric/collector';
import type { CommonOptions } from '../common-options.js';
import { escapeText } from '../escape.js';
import type { ExitCode } from '../exit-code.js';
import { type JsonOut, renderJson } from '../json-text.js';
import type { Messages } from '../messages.js';
import { printOut } from '../output.js';

/** Prints it. @throws ConfigError, but for `--json`, where the problems are the result. */
export function checkConfig(sources: ConfigSources, common: CommonOptions, messages: Messages): ExitCode {
  if (common.json) return checkAsJson(sources);
  try {
    const resolved = resolveConfig(sources);
    for (const warning of resolved.warnings) messages.warn(problemText(warning));
    const rows = describeConfig(resolved).flatMap((setting) => rowsOf(setting));
    if (!common.quiet) printOut(`${rows.join('\n')}\n`);
    messages.note('the configuration can be used');
    return 0;
  } catch (error) {
    if (error instanceof ConfigError) for (const warning of error.warnings) messages.warn(problemText(warning));
    throw error;
  }
}

function checkAsJson(sources: ConfigSources): ExitCode {
  try {
    const resolved = resolveConfig(sources);
    const settings = describeConfig(resolved);
    const config = settings.map(({ name, value }) => [name, value] as const);
    const given = settings.map(({ name, source }) => [name, source ?? 'default'] as const);
    const answer = {
      ok: true,
      problems: [],
      warnings: resolved.warnings.map((warning) => ({ ...warning })),
      config: Object.fromEntries(config),
      sources: Object.fromEntries(given),
    };
    printOut(`${renderJson(answer as JsonOut)}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const answer = {
      ok: false,
      problems: [...error.problems],
      warnings: [...error.warnings],
      config: null,
      sources: null,
    };
    printOut(`${renderJson(answer as unknown as JsonOut)}\n`);
    return 2;
  }
}

const NAME_WIDTH = 18;

/** `name  value  (source)`; a backend has a line for each of its keys. */
function rowsOf({ name, value, source }: DescribedSetting): string[] {
  const from = source === undefined ? '' : `  (${escapeText(source)})`;
  const items = Array.isArray(value) ? (value as readonly DescribedValue[]) : [value];
  if (items.length === 0) return [`${name.padEnd(NAME_WIDTH)}none${from}`];
  return items.flatMap((item) => {
    if (typeof item !== 'object' || item === null) return [`${name.padEnd(NAME_WIDTH)}${textOf(item)}${from}`];
    const keys = Object.entries(item).map(([key, inner]) => `${`  ${key}`.padEnd(NAME_WIDTH)}${textOf(inner)}`);
    return [`${name}${from}`, ...keys];
  });
}

function textOf(value: DescribedValue): string {
  if (value === null) return 'none';
  if (typeof value !== 'object') return escapeText(String(value));
  const entries = Object.entries(value).map(([key, inner]) => `${key}: ${String(inner)}`);
  return entries.length === 0 ? 'none' : escapeText(entries.join(', '));
}
