/** `if-optimise budget`: limits, where they stand, and reservations against them. */
import { decimalUsd, formatUsd } from '@infrafabric/accounting';
import { isBudgetName, periodText, type Standing } from '@infrafabric/accounting/budgets';
import type { Command } from 'commander';
import { act, type Invocation } from '../act.js';
import { addAlertsCommand } from '../budget/alerts.js';
import { addBudgetLogCommand } from '../budget/budget-log.js';
import { amountOf, durationMsOf, levelsOf, periodOf, zoneOf } from '../budget/flag-values.js';
import { changeBudgets, readBudgets, selectStandings, withoutRoom } from '../budget/open-budgets.js';
import { budgetJson, renderStandings, standingJson } from '../budget/render-standings.js';
import { addScopeOptions, type ScopeFlags, scopeOfFlags, selectionOfFlags } from '../budget/scope-flags.js';
import { usageError } from '../cli-error.js';
import { paintIf, wantsColor } from '../color.js';
import { escapeText } from '../escape.js';
import type { ExitCode } from '../exit-code.js';
import { renderJson } from '../json-text.js';
import { printOut } from '../output.js';
import { addHelp } from '../program.js';
import { isoOfUnixNano } from '../read/nano-text.js';
import { terminalWidth } from '../terminal-width.js';

interface BudgetFlags extends ScopeFlags {
  readonly set?: string;
  readonly period?: string;
  readonly tz?: string;
  readonly levels?: string;
}

interface CheckFlags extends ScopeFlags {
  readonly estimate?: string;
}

interface ReserveFlags extends ScopeFlags {
  readonly expires?: string;
  readonly spanId?: string;
}

const CANNOT_STOP =
  'A budget watches: spans are finished when they arrive, and what they cost is spent. To stop before spending, ask\n' +
  '`budget check` or take a `budget reserve` first.';

export function define(command: Command): void {
  // `budget check --component X` is about check.
  command.enablePositionalOptions();
  command
    .option('--set <usd>', 'set the limit, in US dollars')
    .option('--period <period>', 'day, week, month, total or rolling:24h (default of a new one: month)')
    .option('--tz <zone>', 'IANA time zone of the period (default of a new one: UTC)')
    .option('--levels <percents>', 'percent of notice, warning and error (default of a new one: 50,80,100)')
    .option('--name <name>', 'which budget; a new one is called after its period and scope')
    .optionsGroup('What the budget is for (default: everything):');
  addScopeOptions(command, 'what is spent by');
  addHelp(
    command,
    'Sets budgets, or shows where they stand.',
    [
      'if-optimise budget --set 500.0 --period month',
      'if-optimise budget',
      'if-optimise budget --set 20 --period day --tz Europe/Berlin --component IF.witness.sip',
      'if-optimise budget --set 600.0',
      'if-optimise budget check --estimate 0.05 && ./call-the-model.sh',
    ],
    [
      'Without --set it shows the budgets (of the --period, --name or scope given) and exits with 0. Bare --set changes the\n' +
        'only budget there is. Setting one is itself a signed entry; a new limit does not reset what was spent.',
      CANNOT_STOP,
    ],
  );
  command.action(
    act<BudgetFlags>((invocation) => (invocation.flags.set === undefined ? show(invocation) : set(invocation))),
  );
  addCheck(command);
  addReserve(command);
  addEnds(command);
  addRemove(command);
  addBudgetLogCommand(command);
  addAlertsCommand(command);
}

function addCheck(command: Command): void {
  const check = command
    .command('check')
    .summary('Exit with 1 when a budget is used up, or would be.')
    .option('--estimate <usd>', 'what the next call may cost')
    .option('--name <name>', 'only this budget');
  addScopeOptions(check, 'only budgets that hold for');
  addHelp(
    check,
    'Exits with 1 when a budget is used up, or would be by an estimate; else with 0.',
    ['if-optimise budget check', 'if-optimise budget check --estimate 0.05 --component IF.witness.sip || exit'],
    ['Two that ask at once may both be told yes: `budget reserve` does not let that happen.'],
  );
  check.action(act<CheckFlags>(checkBudgets));
}

function addReserve(command: Command): void {
  const reserve = command
    .command('reserve')
    .argument('<usd>', 'the most that the call may cost')
    .summary('Set money aside before a call, or be refused.')
    .option('--expires <time>', 'when it frees itself if nobody ends it: 90s, 10m, 1h (default: 10m)')
    .option('--span-id <id>', 'id of the span that will say the cost; it becomes the id of the reservation')
    .option('--name <name>', 'only in this budget');
  addScopeOptions(reserve, 'in all budgets that hold for');
  addHelp(
    reserve,
    'Sets money aside before a call in every budget that holds for it, or in none; prints its id.',
    [
      'ID=$(if-optimise budget reserve 0.10) && ./call-the-model.sh && if-optimise budget commit "$ID" 0.08',
      'if-optimise budget reserve 0.10 --component IF.witness.sip --expires 2m',
    ],
    [
      'Exits with 1 where there is no room. However many ask at once, only as many get it as there is room for. Without flags\n' +
        'it is made in the only budget there is, or in those that are for everything.',
    ],
  );
  reserve.action(act<ReserveFlags>(reserveMoney));
}

function addEnds(command: Command): void {
  const commit = command
    .command('commit')
    .argument('<id>', 'what `budget reserve` printed')
    .argument('<usd>', 'what the call cost')
    .summary('Say what a reserved call cost.');
  addHelp(
    commit,
    'Says what a reserved call cost.',
    ['if-optimise budget commit 0af7651916cd43dd 0.08'],
    [
      'The amount counts as spent until a span whose id is the id of the reservation says what it cost; then the span counts.\n' +
        'Where the span has another id, end the reservation with `budget release` once the span is in the ledger.',
    ],
  );
  commit.action(
    act<object>(({ args, common, messages }) =>
      changeBudgets(common, messages, async (budgets) => {
        const amountPico = amountOf('the amount', args[1]!);
        await budgets.commit(args[0]!, amountPico);
        if (common.json) printOut(`${renderJson({ reservation: args[0]!, committed_usd: decimalUsd(amountPico) })}\n`);
        else messages.note(`committed: ${formatUsd(amountPico)}`);
        return 0 as const;
      }),
    ),
  );
  const release = command
    .command('release')
    .argument('<id>', 'what `budget reserve` printed')
    .summary('Give back what was reserved.');
  addHelp(release, 'Gives back what was reserved: nothing was spent, or a span has said it.', [
    'if-optimise budget release 0af7651916cd43dd',
  ]);
  release.action(
    act<object>(({ args, common, messages }) =>
      changeBudgets(common, messages, async (budgets) => {
        await budgets.release(args[0]!);
        if (common.json) printOut(`${renderJson({ reservation: args[0]!, released: true })}\n`);
        else messages.note('released');
        return 0 as const;
      }),
    ),
  );
}

function addRemove(command: Command): void {
  const remove = command.command('remove').argument('<name>', 'which budget').summary('Remove a budget.');
  addHelp(remove, 'Removes a budget. What was spent and alerted stays in the ledger.', [
    'if-optimise budget remove month-if-witness-sip',
  ]);
  remove.action(
    act<object>(({ args, common, messages }) =>
      changeBudgets(common, messages, async (budgets) => {
        await budgets.remove(args[0]!);
        if (common.json) printOut(`${renderJson({ removed: args[0]! })}\n`);
        else messages.note(`removed: ${args[0]!}`);
        return 0 as const;
      }),
    ),
  );
}

async function set({ flags, common, messages }: Invocation<BudgetFlags>): Promise<ExitCode> {
  // Before a ledger is created for it.
  if (flags.name !== undefined && !isBudgetName(flags.name)) {
    throw usageError(`${JSON.stringify(flags.name)} is not a name: write 1 to 64 of a-z, 0-9 and -`);
  }
  const change = {
    limitPico: amountOf('--set', flags.set!),
    name: flags.name,
    period: flags.period === undefined ? undefined : periodOf(flags.period),
    zone: flags.tz === undefined ? undefined : zoneOf(flags.tz),
    levels: flags.levels === undefined ? undefined : levelsOf(flags.levels),
    scope: scopeOfFlags(flags),
  };
  return changeBudgets<ExitCode>(common, messages, async (budgets) => {
    const { budget, before } = await budgets.set(change);
    const [standing] = budgets.standings({ name: budget.name });
    const nowUnixNano = BigInt(Date.now()) * 1_000_000n;
    if (common.json) {
      const previous = before === undefined ? null : decimalUsd(before.limitPico);
      printOut(`${renderJson({ budget: standingJson(standing!, nowUnixNano), previous_limit_usd: previous })}\n`);
    } else {
      const was =
        before === undefined || before.limitPico === budget.limitPico ? '' : ` (was ${formatUsd(before.limitPico)})`;
      const spent = formatUsd(standing!.spentPico);
      const whole = budget.period.kind === 'total' ? 'in all' : `a ${periodText(budget.period)}`;
      printOut(`budget ${budget.name}: ${formatUsd(budget.limitPico)} ${whole}${was}; spent so far ${spent}\n`);
    }
    return 0;
  });
}

function show({ flags, common }: Invocation<BudgetFlags>): ExitCode {
  for (const flag of ['tz', 'levels'] as const)
    if (flags[flag] !== undefined) throw usageError(`--${flag} goes with --set`);
  const period = flags.period === undefined ? undefined : periodText(periodOf(flags.period));
  const selection = selectionOfFlags(flags);
  const view = readBudgets(common);
  const isMeant = (standing: Standing): boolean =>
    period === undefined || periodText(standing.budget.period) === period;
  const chosen = view.budgets.length === 0 ? [] : selectedOrNone(view, selection).filter(isMeant);
  const erased = selection === undefined ? view.budgets.filter(({ isErased }) => isErased) : [];
  if (common.json) {
    const budgets = [...chosen.map((standing) => standingJson(standing, view.nowUnixNano)), ...erased.map(budgetJson)];
    printOut(`${renderJson({ at: isoOfUnixNano(view.nowUnixNano), budgets })}\n`);
  } else if (chosen.length + erased.length === 0) {
    const what = view.budgets.length === 0 ? 'no budget is set' : 'no budget holds for that';
    printOut(`${what}; set one with: if-optimise budget --set 500 --period ${period ?? 'month'}\n`);
  } else {
    const budgets = [...chosen.map(({ budget }) => budget), ...erased];
    const paint = paintIf(wantsColor(1, common.color));
    printOut(renderStandings(budgets, chosen, view.nowUnixNano, terminalWidth(), paint));
  }
  return 0;
}

/** Showing answers with nothing where `check` says that there is nothing. */
function selectedOrNone(...asked: Parameters<typeof selectStandings>): readonly Standing[] {
  try {
    return selectStandings(...asked);
  } catch {
    return [];
  }
}

function checkBudgets({ flags, common, messages }: Invocation<CheckFlags>): ExitCode {
  const estimatePico = flags.estimate === undefined ? undefined : amountOf('--estimate', flags.estimate);
  const view = readBudgets(common);
  const standings = selectStandings(view, selectionOfFlags(flags));
  const full = withoutRoom(standings, estimatePico);
  if (common.json) {
    const answer = {
      ok: full.length === 0,
      estimate_usd: estimatePico === undefined ? null : decimalUsd(estimatePico),
      over: full.map(({ budget }) => budget.name),
      budgets: standings.map((standing) => standingJson(standing, view.nowUnixNano)),
    };
    printOut(`${renderJson(answer)}\n`);
  } else for (const standing of full) messages.note(noRoomText(standing, estimatePico));
  return full.length === 0 ? 0 : 1;
}

async function reserveMoney({ flags, args, common, messages }: Invocation<ReserveFlags>): Promise<ExitCode> {
  const amountPico = amountOf('the amount', args[0]!);
  if (amountPico === 0n) throw usageError('the amount: a reservation must be of more than 0 USD');
  const expiresAfterMs = flags.expires === undefined ? undefined : durationMsOf('--expires', flags.expires);
  const selection = selectionOfFlags(flags);
  return changeBudgets<ExitCode>(common, messages, async (budgets) => {
    const request = { amountPico, expiresAfterMs, budgets: selection, spanId: flags.spanId };
    const answer = await budgets.reserve(request);
    if (answer.granted) {
      const { id, expiresUnixNano, budgets: names } = answer;
      const expires = isoOfUnixNano(expiresUnixNano);
      const json = { granted: true, reservation: id, amount_usd: decimalUsd(amountPico), expires, budgets: [...names] };
      printOut(common.json ? `${renderJson(json)}\n` : `${id}\n`);
      return 0;
    }
    if (common.json)
      printOut(`${renderJson({ granted: false, refused_by: answer.refusedBy.map(({ budget }) => budget.name) })}\n`);
    else for (const standing of answer.refusedBy) messages.note(noRoomText(standing, amountPico));
    return 1;
  });
}

function noRoomText({ budget, spentPico, reservedPico }: Standing, estimatePico: bigint | undefined): string {
  const reserved = reservedPico === 0n ? '' : ` and ${formatUsd(reservedPico)} reserved`;
  const asked = estimatePico === undefined ? '' : `; no room for ${formatUsd(estimatePico)}`;
  return `budget ${escapeText(budget.name)}: ${formatUsd(spentPico)} spent${reserved} of ${formatUsd(budget.limitPico)}${asked}`;
}
