/** Flags that say what a budget is for, or what a call is. */
import { SCOPES, type Scope, type ScopeName } from '@infrafabric/accounting/budgets';
import type { BudgetSelection } from '@infrafabric/budgets';
import type { Command } from 'commander';
import { usageError } from '../cli-error.js';

/** As commander gives them. */
export interface ScopeFlags {
  readonly name?: string;
  readonly component?: string;
  readonly model?: string;
  readonly provider?: string;
  readonly service?: string;
  readonly traceId?: string;
  readonly session?: string;
  readonly user?: string;
  readonly tenant?: string;
}

const FLAG_OF: Readonly<Record<ScopeName, Exclude<keyof ScopeFlags, 'name'>>> = {
  business: 'traceId',
  component: 'component',
  model: 'model',
  provider: 'provider',
  service: 'service',
  session: 'session',
  tenant: 'tenant',
  user: 'user',
};

/** Adds the flags. */
export function addScopeOptions(command: Command, whose: string): void {
  command
    .option('--component <name>', `${whose} this component`)
    .option('--model <name>', `${whose} this model`)
    .option('--provider <name>', `${whose} this provider`)
    .option('--service <name>', `${whose} this service`)
    .option('--trace-id <id>', `${whose} this business trace id and the flows under it`)
    .option('--session <id>', `${whose} this session (kept erasable)`)
    .option('--user <id>', `${whose} this user (kept erasable)`)
    .option('--tenant <id>', `${whose} this tenant (kept erasable)`);
}

/** The scope that they say; empty when they say none. @throws CliError `usage` for an empty text. */
export function scopeOfFlags(flags: ScopeFlags): Scope {
  const given = SCOPES.filter((name) => flags[FLAG_OF[name]] !== undefined);
  for (const name of given) {
    if (flags[FLAG_OF[name]] === '') throw usageError(`--${name === 'business' ? 'trace-id' : name} is empty`);
  }
  return Object.fromEntries(given.map((name) => [name, flags[FLAG_OF[name]]!]));
}

/** The budgets that a call of these flags falls under; undefined when they say nothing. */
export function selectionOfFlags(flags: ScopeFlags): BudgetSelection | undefined {
  const scope = scopeOfFlags(flags);
  const saysScope = Object.keys(scope).length > 0;
  if (flags.name !== undefined && saysScope) throw usageError('--name says which budget: leave the other flags out');
  if (flags.name !== undefined) return { name: flags.name };
  return saysScope ? { scope } : undefined;
}
