/** `if-optimise rates`: which rate cards there are, what they say of a model, how a charge came about; and prices of one's own. */
import type { Command } from 'commander';
import { act, type Invocation } from '../act.js';
import type { ExitCode } from '../exit-code.js';
import { addHelp } from '../program.js';
import type { ListFlags } from '../rates/list-rates.js';
import type { RepriceFlags } from '../rates/reprice.js';
import type { SetFlags } from '../rates/set-rates.js';
import type { ShowFlags } from '../rates/show-rates.js';

export function define(command: Command): void {
  command.option('--all', 'every model of every card');
  addHelp(
    command,
    'Shows what models and units cost, by which rate card.',
    ['if-optimise rates', 'if-optimise rates show gpt-5', 'if-optimise rates explain 42', 'if-optimise rates --json'],
    [
      'Lists the models of the guide and of your own cards, with the market beside them. Spans of services are priced by your\n' +
        'own cards, then by the market; what is logged by hand by your own, then by the guide. Nothing is fetched.',
    ],
  );
  // Whatever stands there is no command: the action says which is near.
  command.allowExcessArguments();
  command.action(lazily<ListFlags>(async () => (await import('../rates/list-rates.js')).listRates));
  defineShow(command.command('show').summary('Show what each card says of a model.'));
  defineExplain(command.command('explain').summary("Show how an entry's charge came about, and work it out again."));
  defineDiff(command.command('diff').summary('Show where two cards differ.'));
  defineSet(command.command('set').summary('Set a price of your own, or a whole card.'));
  defineUse(command.command('use').summary('Say which cards price spans of services, in which order.'));
  defineReprice(command.command('reprice').summary('Price entries again, by adjustments beside them.'));
}

function defineShow(command: Command): void {
  command.argument('<model>', 'as spans name it');
  command
    .option('--provider <name>', 'who serves it (default: told from the name)')
    .option('--at <time>', 'a day, or RFC 3339 (default: now)');
  addHelp(command, 'Shows what each card says of a model, how it is found there, and which card answers.', [
    'if-optimise rates show claude-sonnet-4.5',
    'if-optimise rates show gpt-4o --provider azure --at 2025-11-11',
  ]);
  command.action(lazily<ShowFlags>(async () => (await import('../rates/show-rates.js')).showRates));
}

function defineExplain(command: Command): void {
  command.argument('<seq>', 'seq of a span entry');
  addHelp(
    command,
    "Shows how an entry's charge came about: keys, classes, card, rate, tier, each line; and works it out again.",
    ['if-optimise rates explain 42', 'if-optimise rates explain 42 --json'],
    ['Exit code 1 when a line, the sum, or a rate of a card that is here is not what it should be.'],
  );
  command.action(lazily<object>(async () => (await import('../rates/explain-charge.js')).explainCharge));
}

function defineDiff(command: Command): void {
  command.argument('[cards...]', 'names of two cards, or files of cards (default: guide market)');
  addHelp(command, 'Shows which models two cards price differently today.', [
    'if-optimise rates diff',
    'if-optimise rates diff own market',
    'if-optimise rates diff ./new-card.json own',
  ]);
  command.action(lazily<object>(async () => (await import('../rates/diff-cards.js')).diffCards));
}

function defineSet(command: Command): void {
  command
    .option('--model <name>', 'as spans name it')
    .option('--provider <name>', 'who serves it (default: whoever does)')
    .option('--input <usd>', 'per 1,000,000 input tokens that are not cached')
    .option('--output <usd>', 'per 1,000,000 output tokens, reasoning included')
    .option('--cache-read <usd>', 'per 1,000,000 tokens read from cache')
    .option('--cache-write <usd>', 'per 1,000,000 tokens written to cache')
    .option('--cache-write-5m <usd>', 'likewise, kept for five minutes (default: as --cache-write)')
    .option('--cache-write-1h <usd>', 'likewise, kept for an hour (default: as --cache-write)')
    .option('--unit <name=usd>', 'per unit: frame, call, minute, megabit_minute …; may be repeated', collect)
    .option('--from <time>', 'first day or instant of the price (default: now)')
    .option('--file <card.json>', 'a whole card instead');
  addHelp(
    command,
    'Sets a price of your own, or a whole card. Earlier spans keep their price.',
    [
      'if-optimise rates set --model my-model --input 0.5 --output 2 --cache-read 0.05',
      'if-optimise rates set --model my-model --provider openrouter --input 0.4 --output 1.6 --from 2026-01-01',
      'if-optimise rates set --unit frame=0.00001',
      'if-optimise rates set --file card.json',
    ],
    [
      'Single prices go to the card `own`. Each call stores a new version in the witness home and changes none that is there.\n' +
        'docs/costs.md says what a card file holds.',
    ],
  );
  command.action(lazily<SetFlags>(async () => (await import('../rates/set-rates.js')).setRates));
}

function defineUse(command: Command): void {
  command.argument('[cards...]', 'guide, market, or a card of your own, in the order to ask');
  addHelp(
    command,
    'Says which cards price spans of services, in which order; without a name, shows it.',
    ['if-optimise rates use', 'if-optimise rates use guide', 'if-optimise rates use own market guide'],
    ['Cards of your own that are not named are asked first. The default is `rates use market`.'],
  );
  command.action(lazily<object>(async () => (await import('../rates/use-cards.js')).useCards));
}

function defineReprice(command: Command): void {
  command
    .option('--since <time>', 'spans that started then or later: a day, or RFC 3339')
    .option('--seq <n>', 'this entry alone')
    .option('--reason <text>', 'why, for whoever reads the ledger later')
    .option('--yes', 'append the adjustments; without it the difference is only shown');
  addHelp(
    command,
    'Prices entries again by the cards of today. No entry is edited: an adjustment is appended for each that changes.',
    [
      'if-optimise rates reprice --since 2026-01-01',
      "if-optimise rates reprice --seq 42 --reason 'our contract price' --yes",
    ],
    ['Each span is priced as of its start. A reported cost stays what it is.'],
  );
  command.action(lazily<RepriceFlags>(async () => (await import('../rates/reprice.js')).reprice));
}

/** An action whose module is loaded when it runs. */
function lazily<Flags>(
  load: () => Promise<(invocation: Invocation<Flags>) => ExitCode | Promise<ExitCode>>,
): ReturnType<typeof act> {
  return act<Flags>(async (invocation) => (await load())(invocation));
}

function collect(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value];
}
