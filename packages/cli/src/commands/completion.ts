/** `completion bash|zsh|fish`: a script for the shell that runs it. Both programs have it. */
import type { Command } from 'commander';
import { act } from '../act.js';
import { usageError } from '../cli-error.js';
import { SHELLS } from '../completion-scripts.js';
import { printOut } from '../output.js';
import { addHelp, buildProgram, specOf } from '../program.js';

export function define(command: Command): void {
  const program = command.parent!.name();
  command.argument('<shell>', `one of ${Object.keys(SHELLS).join(', ')}`);
  addHelp(command, 'Prints a completion script for a shell.', [
    `source <(${program} completion bash)    # in ~/.bashrc`,
    `source <(${program} completion zsh)     # in ~/.zshrc, after compinit`,
    `${program} completion fish | source     # in ~/.config/fish/config.fish`,
  ]);
  command.action(
    act<object>(async ({ args }) => {
      const shell = args[0]!;
      const render = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined;
      if (render === undefined)
        throw usageError(`there are scripts for ${Object.keys(SHELLS).join(', ')}, not for ${JSON.stringify(shell)}`);
      printOut(render(await buildProgram(specOf(command.parent!), () => true)));
      return 0;
    }),
  );
}
