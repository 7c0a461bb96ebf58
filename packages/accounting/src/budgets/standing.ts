/** Where a budget stands at a moment, and which alerts that calls for. Pure: sums, time and state come from outside. */
import type { Budget, BudgetBook } from './budget-book.js';
import type { AlertFacts } from './budget-entry.js';
import { isReached, LEVELS, type Level, levelOf } from './levels.js';
import { type Bounds, boundsAt, forecastPico } from './period.js';
import type { Scope } from './scope.js';

/** Sums of the charges that count, in US dollars. */
export interface Spent {
  readonly pico: bigint;
  /** Part of `pico` that rests on estimates. */
  readonly estimatedPico: bigint;
  /** Calls without a price. */
  readonly unpriced: number;
  /** Calls without usage. */
  readonly unknown: number;
}

/** Gives them for a scope and a half-open stretch of time; an undefined bound is open. */
export type SpentOf = (scope: Scope, sinceUnixNano: bigint | undefined, untilUnixNano: bigint | undefined) => Spent;

/** Where a budget stands. */
export interface Standing {
  readonly budget: Budget;
  readonly bounds: Bounds;
  /** What spans say. */
  readonly spans: Spent;
  /** Committed by callers, and no span has said it yet. */
  readonly committedPico: bigint;
  /** What spans say and callers committed. */
  readonly spentPico: bigint;
  readonly reservedPico: bigint;
  readonly openReservations: number;
  /** An estimate of what the period will come to. */
  readonly forecastPico: bigint | undefined;
  /** The highest level that is reached. */
  readonly level: Level | undefined;
}

const DAY_NANO = 86_400_000_000_000n;

/** Where a budget stands in the period that `atUnixNano` is in. Undefined where what it is for was erased. */
export function standingOf(
  book: BudgetBook,
  budget: Budget,
  spentOf: SpentOf,
  nowUnixNano: bigint,
  atUnixNano: bigint = nowUnixNano,
): Standing | undefined {
  if (budget.isErased) return undefined;
  const bounds = boundsAt(budget.period, budget.zone, atUnixNano);
  const isRolling = budget.period.kind === 'rolling';
  // What began after now, by another machine's clock, is among the latest hours too.
  const spans = spentOf(budget.scope, bounds.sinceUnixNano, isRolling ? undefined : bounds.untilUnixNano);
  const { committedPico, reservedPico, openReservations } = book.holdings(budget.name, bounds, isRolling, nowUnixNano);
  const spentPico = spans.pico + committedPico;
  return {
    budget,
    bounds,
    spans,
    committedPico,
    spentPico,
    reservedPico,
    openReservations,
    forecastPico: isRolling ? undefined : forecastPico(spentPico, bounds, nowUnixNano),
    level: levelOf(spentPico, budget.limitPico, budget.levels),
  };
}

/** Whether another `estimatePico` has room beside what is spent and reserved. */
export function hasRoom({ budget, spentPico, reservedPico }: Standing, estimatePico: bigint): boolean {
  return spentPico + reservedPico + estimatePico <= budget.limitPico;
}

/** Whether nothing more may be spent. */
export function isExhausted({ budget, spentPico, reservedPico }: Standing): boolean {
  return spentPico + reservedPico >= budget.limitPico;
}

/**
 * The alerts that are due and were not given yet. One for each budget, limit, period, kind and level; of several levels
 * reached at once the highest stands for all. A period that ended within the last day is looked at once more, because spans
 * arrive late.
 */
export function dueAlerts(book: BudgetBook, spentOf: SpentOf, nowUnixNano: bigint, through: number): AlertFacts[] {
  return book.budgets.flatMap((budget) => {
    const now = standingOf(book, budget, spentOf, nowUnixNano);
    if (now === undefined) return [];
    const justEnded = endedLately(book, budget, now.bounds, spentOf, nowUnixNano);
    const due = justEnded === undefined ? [] : [spentAlert(book, justEnded, through)];
    due.push(spentAlert(book, now, through), forecastAlert(book, now, through));
    return due.filter((alert) => alert !== undefined);
  });
}

function endedLately(
  book: BudgetBook,
  budget: Budget,
  { sinceUnixNano }: Bounds,
  spentOf: SpentOf,
  nowUnixNano: bigint,
): Standing | undefined {
  if (budget.period.kind === 'rolling' || sinceUnixNano === undefined) return undefined;
  // A limit that was set after the period is none of that period's.
  if (budget.setUnixNano >= sinceUnixNano || nowUnixNano - sinceUnixNano >= DAY_NANO) return undefined;
  return standingOf(book, budget, spentOf, nowUnixNano, sinceUnixNano - 1n);
}

function spentAlert(book: BudgetBook, standing: Standing, through: number): AlertFacts | undefined {
  const { budget, spentPico, level } = standing;
  if (level === undefined || wasGiven(book, standing, 'spent', level)) return undefined;
  return { ...common(standing, through), kind: 'spent', level, percent: budget.levels[level], spentPico };
}

/** Only that the whole limit will be reached: half of it is what a period that keeps its budget comes to as well. */
function forecastAlert(book: BudgetBook, standing: Standing, through: number): AlertFacts | undefined {
  const { budget, spentPico, forecastPico: forecast, level } = standing;
  const percent = budget.levels.error;
  if (forecast === undefined || level === 'error' || !isReached(forecast, budget.limitPico, percent)) return undefined;
  if (wasGiven(book, standing, 'forecast', 'error')) return undefined;
  return {
    ...common(standing, through),
    kind: 'forecast',
    level: 'error',
    percent,
    spentPico,
    forecastPico: forecast,
  };
}

function common({ budget, bounds }: Standing, through: number) {
  return { budget: budget.name, entry: budget.entry, limitPico: budget.limitPico, ...bounds, through };
}

function wasGiven(book: BudgetBook, { budget, bounds }: Standing, kind: AlertFacts['kind'], level: Level): boolean {
  const rank = LEVELS.indexOf(level);
  return book
    .alertsFor(budget)
    .some((given) => given.kind === kind && LEVELS.indexOf(given.level) >= rank && isSamePeriod(budget, given, bounds));
}

/** The latest hours are always others: there an alert stands for its level until its own hours have passed. */
function isSamePeriod(budget: Budget, given: Bounds, now: Bounds): boolean {
  if (budget.period.kind !== 'rolling')
    return given.sinceUnixNano === now.sinceUnixNano && given.untilUnixNano === now.untilUnixNano;
  if (given.sinceUnixNano === undefined || given.untilUnixNano === undefined) return false;
  const isSameLength = given.untilUnixNano - given.sinceUnixNano === now.untilUnixNano! - now.sinceUnixNano!;
  return isSameLength && given.untilUnixNano > now.sinceUnixNano!;
}
