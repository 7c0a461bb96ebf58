/** Which budget a change is about, and what it is afterwards. */
import {
  type Budget,
  type BudgetTerms,
  DEFAULT_LEVELS,
  isBudgetName,
  type Levels,
  type Period,
  periodText,
  SCOPES,
  type Scope,
  scopeKey,
} from '@infrafabric/accounting/budgets';
import { encodeString } from '@infrafabric/format';
import { BudgetError } from './budget-error.js';

/** What somebody asks for. What is left out stays as it is, or is what a new budget has. */
export interface BudgetChange {
  readonly limitPico: bigint;
  readonly name?: string | undefined;
  readonly period?: Period | undefined;
  readonly zone?: string | undefined;
  readonly levels?: Levels | undefined;
  /** Without dimensions: not asked for. */
  readonly scope?: Scope | undefined;
}

const MAX_TEXT_OCTETS = 1024;

/**
 * The terms after a change. A name means that budget. Without one the scope does, or the period; with neither, the only
 * budget there is. @throws BudgetError `budget.ambiguous` where several are meant.
 */
export function changedTerms(change: BudgetChange, budgets: readonly Budget[]): BudgetTerms {
  const scope = change.scope !== undefined && Object.keys(change.scope).length > 0 ? change.scope : undefined;
  requireTexts(scope ?? {});
  const before = targetOf({ ...change, scope }, budgets);
  const period = change.period ?? before?.period ?? { kind: 'month' };
  const zone = change.zone ?? before?.zone ?? 'UTC';
  const levels = change.levels ?? before?.levels ?? DEFAULT_LEVELS;
  const terms = { limitPico: change.limitPico, period, zone, levels, scope: scope ?? before?.scope ?? {} };
  if (before !== undefined) {
    if (before.isErased && scope === undefined) {
      throw new BudgetError('budget.erased', `what the budget ${before.name} is for was erased`, {
        hint: 'say it again with the change, or remove the budget',
      });
    }
    return { ...terms, name: before.name };
  }
  return { ...terms, name: change.name ?? freeName(period, terms.scope, budgets) };
}

function targetOf({ name, scope, period }: BudgetChange, budgets: readonly Budget[]): Budget | undefined {
  if (name !== undefined) {
    if (!isBudgetName(name)) {
      throw new BudgetError('budget.invalid', `${JSON.stringify(name)} is not a name: write 1 to 64 of a-z, 0-9 and -`);
    }
    return budgets.find((budget) => budget.name === name);
  }
  // A period alone is that of a budget for everything: one for a component is named by its component.
  const key = scope === undefined ? (period === undefined ? undefined : scopeKey({})) : scopeKey(scope);
  const meant = budgets.filter(
    (budget) =>
      (key === undefined || scopeKey(budget.scope) === key) &&
      (period === undefined || periodText(budget.period) === periodText(period)),
  );
  if (meant.length > 1) {
    throw new BudgetError(
      'budget.ambiguous',
      `there are ${meant.length} budgets: ${meant.map((budget) => budget.name).join(', ')}`,
      { hint: 'say which with --name' },
    );
  }
  return meant[0];
}

/** `month`, `month-if-witness-sip`, `month-2`. Of a private dimension only its name: the budget's is signed in clear. */
function freeName(period: Period, scope: Scope, budgets: readonly Budget[]): string {
  const words = SCOPES.flatMap((name) => {
    if (scope[name] === undefined) return [];
    return ['session', 'tenant', 'user'].includes(name) ? [name] : [scope[name]];
  });
  const slug = [periodText(period), ...words]
    .join('-')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 60)
    .replace(/-$/, '');
  for (let n = 1; ; n++) {
    const name = n === 1 ? slug : `${slug}-${n}`;
    if (budgets.every((budget) => budget.name !== name)) return name;
  }
}

function requireTexts(scope: Scope): void {
  for (const [name, text] of Object.entries(scope)) {
    const isText = typeof text === 'string' && text !== '' && text.isWellFormed();
    if (!isText || Buffer.byteLength(encodeString(text)) - 2 > MAX_TEXT_OCTETS) {
      throw new BudgetError('budget.invalid', `the ${name} of a budget must be text of 1 to ${MAX_TEXT_OCTETS} octets`);
    }
  }
}
