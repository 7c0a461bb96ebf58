/** Options that every command has. They may stand before the command's name or after it. */
import type { Command } from 'commander';

/** Their values. */
export interface CommonOptions {
  /** Witness home; undefined for `IF_WITNESS_HOME` or the default. */
  readonly home: string | undefined;
  /** Ledger file; undefined for the one in the home. */
  readonly ledger: string | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
  /** False when `--no-color` was given. */
  readonly color: boolean;
}

/** Common options that take a value. */
export const COMMON_WITH_VALUE: readonly string[] = ['--home', '--ledger'];

/** Adds them to a program or command. */
export function addCommonOptions(command: Command): void {
  command
    .optionsGroup('Common options:')
    .option('--home <dir>', 'witness home (default: $IF_WITNESS_HOME, else ~/.if-witness)')
    .option('--ledger <file>', 'ledger file (default: witness.db in the home)')
    .option('--json', 'print the result as JSON, and errors as JSON on stderr')
    .option('-q, --quiet', 'no messages but errors')
    .option('--no-color', 'no colours (also: NO_COLOR, TERM=dumb; FORCE_COLOR for the contrary)')
    .helpOption('-h, --help', 'show this help');
}

/** Their values for a command, wherever on the command line they stood. */
export function commonOptions(command: Command): CommonOptions {
  const levels: Partial<CommonOptions>[] = [];
  for (let level: Command | null = command; level !== null; level = level.parent) levels.push(level.opts());
  return {
    home: levels.find(({ home }) => home !== undefined)?.home,
    ledger: levels.find(({ ledger }) => ledger !== undefined)?.ledger,
    json: levels.some(({ json }) => json === true),
    quiet: levels.some(({ quiet }) => quiet === true),
    color: levels.every(({ color }) => color !== false),
  };
}
