/**
 * Bodies of `budget` and `alert` entries, docs/format.md §budget and §alert. A ledger is foreign text until it is verified:
 * what is not as the page says is undefined here, and then says nothing.
 */
import type { CanonicalObject } from '@infrafabric/format';
import { areLevels, DEFAULT_LEVELS, LEVELS, type Level, type Levels } from './levels.js';
import { type Period, parsePeriod, periodText } from './period.js';
import { PRIVATE_SCOPES, PUBLIC_SCOPES, type Scope, type ScopeName } from './scope.js';
import { parseZone } from './zone.js';

/** What a budget is, without its place in a ledger. */
export interface BudgetTerms {
  /** 1 to 64 of a–z, 0–9, `-`. */
  readonly name: string;
  readonly limitPico: bigint;
  readonly period: Period;
  /** IANA. */
  readonly zone: string;
  readonly levels: Levels;
  readonly scope: Scope;
}

/** Something that happened to a budget. */
export type BudgetEvent =
  | { readonly action: 'set'; readonly terms: BudgetTerms; readonly privateScopes: readonly ScopeName[] }
  | { readonly action: 'remove'; readonly budget: string }
  | {
      readonly action: 'reserve';
      readonly budget: string;
      readonly reservation: string;
      readonly amountPico: bigint;
      readonly expiresUnixNano: bigint;
    }
  | {
      readonly action: 'commit';
      readonly budget: string;
      readonly reservation: string;
      readonly amountPico: bigint;
    }
  | { readonly action: 'release'; readonly budget: string; readonly reservation: string };

/** Why an alert is given: money that was spent, or an estimate of what the period will come to. */
export type AlertKind = 'spent' | 'forecast';

/** An alert as its entry says it. */
export interface AlertFacts {
  readonly budget: string;
  /** Seq of the `set` entry that applied. */
  readonly entry: number;
  readonly kind: AlertKind;
  readonly level: Level;
  readonly percent: number;
  readonly limitPico: bigint;
  readonly spentPico: bigint;
  /** With kind `forecast`: what the period will come to, an estimate. */
  readonly forecastPico?: bigint;
  readonly sinceUnixNano: bigint | undefined;
  readonly untilUnixNano: bigint | undefined;
  /** Seq of the newest entry that was counted. */
  readonly through: number;
}

const NAME = /^[a-z0-9-]{1,64}$/;
const RESERVATION = /^[0-9a-f]{16}$/;
const DECIMAL = /^(?:0|[1-9]\d{0,19})$/;

/** Whether a text can be a budget's name. */
export function isBudgetName(text: string): boolean {
  return NAME.test(text);
}

/** Whether a text can be a reservation's id, which is that of a span. */
export function isReservationId(text: string): boolean {
  return RESERVATION.test(text) && text !== '0'.repeat(16);
}

/** Body of a `set` entry, and the private part of the scope, which is its payload. */
export function encodeSet(terms: BudgetTerms): {
  readonly body: CanonicalObject;
  readonly payload?: CanonicalObject;
} {
  const clear = pick(terms.scope, PUBLIC_SCOPES);
  const hidden = pick(terms.scope, PRIVATE_SCOPES);
  const hiddenNames = Object.keys(hidden).sort();
  const body: CanonicalObject = {
    action: 'set',
    budget: terms.name,
    currency: 'USD',
    levels: { ...terms.levels },
    limit: String(terms.limitPico),
    period: periodText(terms.period),
    ...(hiddenNames.length === 0 ? {} : { private: hiddenNames }),
    ...(Object.keys(clear).length === 0 ? {} : { scope: clear }),
    ...(terms.zone === 'UTC' ? {} : { zone: terms.zone }),
  };
  return hiddenNames.length === 0 ? { body } : { body, payload: { scope: hidden } };
}

/** The event of a `budget` entry's body. `payload` is what is left of its payload: undefined where it was erased. */
export function parseBudgetBody(body: CanonicalObject, payload?: CanonicalObject): BudgetEvent | undefined {
  const { action, budget, reservation } = body;
  if (typeof budget !== 'string' || !NAME.test(budget)) return undefined;
  if (action === 'set') return parseSet(budget, body, payload);
  if (action === 'remove') return { action, budget };
  if (typeof reservation !== 'string' || !RESERVATION.test(reservation)) return undefined;
  if (action === 'release') return { action, budget, reservation };
  const amountPico = money(body.amount);
  if (amountPico === undefined) return undefined;
  if (action === 'commit') return { action, budget, reservation, amountPico };
  const expiresUnixNano = money(body.expires);
  if (action !== 'reserve' || expiresUnixNano === undefined) return undefined;
  return { action, budget, reservation, amountPico, expiresUnixNano };
}

/** Body of an `alert` entry. */
export function encodeAlert(alert: AlertFacts): CanonicalObject {
  const { budget, entry, kind, level, percent, through } = alert;
  return {
    budget,
    currency: 'USD',
    entry,
    ...(alert.forecastPico === undefined ? {} : { forecast: String(alert.forecastPico) }),
    kind,
    level,
    limit: String(alert.limitPico),
    percent,
    ...(alert.sinceUnixNano === undefined ? {} : { since: String(alert.sinceUnixNano) }),
    spent: String(alert.spentPico),
    through,
    ...(alert.untilUnixNano === undefined ? {} : { until: String(alert.untilUnixNano) }),
  };
}

/** Inverse of {@link encodeAlert}; undefined for a body that is none. */
export function parseAlertBody(body: CanonicalObject): AlertFacts | undefined {
  const { budget, entry, kind, level, percent, through } = body;
  const [limitPico, spentPico, forecast] = [money(body.limit), money(body.spent), money(body.forecast)];
  if (typeof budget !== 'string' || !NAME.test(budget) || (kind !== 'spent' && kind !== 'forecast')) return undefined;
  if (!LEVELS.includes(level as Level) || limitPico === undefined || spentPico === undefined) return undefined;
  if (typeof entry !== 'number' || typeof percent !== 'number' || typeof through !== 'number') return undefined;
  return {
    budget,
    entry,
    kind,
    level: level as Level,
    percent,
    limitPico,
    spentPico,
    ...(forecast === undefined ? {} : { forecastPico: forecast }),
    sinceUnixNano: money(body.since),
    untilUnixNano: money(body.until),
    through,
  };
}

function parseSet(name: string, body: CanonicalObject, payload: CanonicalObject | undefined): BudgetEvent | undefined {
  const limitPico = money(body.limit);
  if (limitPico === undefined || body.currency !== 'USD' || typeof body.period !== 'string') return undefined;
  const levels = levelsOf(body.levels);
  const privateScopes = Array.isArray(body.private)
    ? PRIVATE_SCOPES.filter((scope) => (body.private as unknown[]).includes(scope))
    : [];
  const texts = { ...texted(body.scope, PUBLIC_SCOPES), ...texted(payload?.scope, privateScopes) };
  try {
    const period = parsePeriod(body.period);
    const zone = typeof body.zone === 'string' ? parseZone(body.zone) : 'UTC';
    return { action: 'set', terms: { name, limitPico, period, zone, levels, scope: texts }, privateScopes };
  } catch {
    // A zone or period that this machine does not know: better no figures than those of another day.
    return undefined;
  }
}

function levelsOf(value: unknown): Levels {
  const { notice, warning, error } = (value ?? {}) as Record<string, unknown>;
  const levels = { notice, warning, error } as Levels;
  return areLevels(levels) ? levels : DEFAULT_LEVELS;
}

function texted(value: unknown, names: readonly ScopeName[]): Scope {
  if (typeof value !== 'object' || value === null) return {};
  const texts = value as Record<string, unknown>;
  const own = names.filter((name) => Object.hasOwn(texts, name) && typeof texts[name] === 'string');
  return Object.fromEntries(own.map((name) => [name, texts[name] as string]));
}

function pick(scope: Scope, names: readonly ScopeName[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (scope[name] === undefined ? [] : [[name, scope[name]]])));
}

function money(value: unknown): bigint | undefined {
  return typeof value === 'string' && DECIMAL.test(value) ? BigInt(value) : undefined;
}
