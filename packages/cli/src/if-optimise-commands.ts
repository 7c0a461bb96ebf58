/** The commands of `if-optimise`. */
import type { ProgramSpec } from './program.js';

/** Their names, what they are for, and where they are. */
export const IF_OPTIMISE: ProgramSpec = {
  name: 'if-optimise',
  summary: 'Says what it cost, from the signed entries of a witness ledger.',
  examples: ['if-optimise report', 'if-optimise report --group-by model --json'],
  commands: [
    { name: 'report', summary: 'Sum tokens and cost.', load: () => import('./commands/report.js') },
    {
      name: 'completion',
      summary: 'Print a completion script for a shell.',
      load: () => import('./commands/completion.js'),
    },
  ],
};
