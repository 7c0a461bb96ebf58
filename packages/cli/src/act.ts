/** From commander's way of calling an action to ours. */
import type { Command } from 'commander';
import { type CommonOptions, commonOptions } from './common-options.js';
import type { ExitCode } from './exit-code.js';
import { Messages } from './messages.js';

/** What a command is called with. */
export interface Invocation<Flags> {
  readonly flags: Flags;
  /** Operands. */
  readonly args: readonly string[];
  readonly common: CommonOptions;
  readonly messages: Messages;
}

/** An action that runs the command and sets the exit code. */
export function act<Flags>(
  run: (invocation: Invocation<Flags>) => Promise<ExitCode | number> | ExitCode,
): (...given: unknown[]) => Promise<void> {
  return async (...given) => {
    const command = given.at(-1) as Command;
    const common = commonOptions(command);
    const messages = new Messages(common.quiet);
    process.exitCode = await run({ flags: command.opts() as Flags, args: command.args, common, messages });
  };
}
