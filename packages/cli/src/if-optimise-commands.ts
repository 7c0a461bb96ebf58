/** The commands of `if-optimise`. */
import type { ProgramSpec } from './program.js';

/** Their names, what they are for, and where they are. */
export const IF_OPTIMISE: ProgramSpec = {
  name: 'if-optimise',
  summary: 'Says what it cost, from the signed entries of a witness ledger.',
  examples: ['if-optimise report', 'if-optimise report --group-by model --json'],
  commands: [
    { name: 'report', summary: 'Sum tokens and cost.', load: () => import('./commands/report.js') },
    { name: 'budget', summary: 'Set budgets, or show where they stand.', load: () => import('./commands/budget.js') },
    {
      name: 'statusline',
      summary: 'Print one line for a prompt or a status bar.',
      load: () => import('./commands/statusline.js'),
    },
    {
      name: 'rates',
      summary: 'Show what models cost, by which rate card; set prices of your own.',
      load: () => import('./commands/rates.js'),
    },
    {
      name: 'completion',
      summary: 'Print a completion script for a shell.',
      load: () => import('./commands/completion.js'),
    },
  ],
};
