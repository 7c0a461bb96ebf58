/** An alert for people and programs. Values of private scopes are never in it: it leaves the machine. */
import { decimalUsd, formatUsd } from '@infrafabric/accounting';
import {
  type AlertFacts,
  type Budget,
  percentText,
  periodText,
  roundedEstimate,
  type Scope,
  type ScopeName,
} from '@infrafabric/accounting/budgets';

/** An alert that is in the ledger. */
export interface BudgetAlert extends AlertFacts {
  /** The same for this alert in every delivery, and for no other. */
  readonly id: string;
  /** Of its entry. */
  readonly seq: number;
  readonly atUnixNano: bigint;
  readonly period: string;
  readonly zone: string;
  /** Dimensions that are signed in clear. */
  readonly scope: Scope;
  /** Dimensions that are not, by name. */
  readonly privateScopes: readonly ScopeName[];
}

/** What crosses from a thread or goes to a program, as JSON. */
export type AlertMessage = Readonly<Record<string, unknown>>;

/** An alert as its entry and its budget say it. */
export function budgetAlert(
  facts: AlertFacts,
  place: { readonly seq: number; readonly hashHex: string; readonly atUnixNano: bigint },
  budget: Pick<Budget, 'period' | 'zone' | 'scope' | 'privateScopes'> | undefined,
): BudgetAlert {
  const clear = Object.entries(budget?.scope ?? {}).filter(
    ([name]) => budget?.privateScopes.includes(name as ScopeName) !== true,
  );
  return {
    ...facts,
    id: `alert_${place.hashHex.slice(0, 32)}`,
    seq: place.seq,
    atUnixNano: place.atUnixNano,
    period: budget === undefined ? 'unknown' : periodText(budget.period),
    zone: budget?.zone ?? 'UTC',
    scope: Object.fromEntries(clear),
    privateScopes: budget?.privateScopes ?? [],
  };
}

/** One line for people, safe for a terminal: what a scope holds is escaped. */
export function alertText(alert: BudgetAlert): string {
  const { budget, kind, level, percent, limitPico, spentPico, forecastPico } = alert;
  const who = `budget ${budget}${scopeText(alert)}`;
  const limit = formatUsd(limitPico);
  if (kind === 'forecast') {
    const estimate = formatUsd(roundedEstimate(forecastPico ?? 0n));
    return `forecast: ${who}: at this rate ${estimate} of ${limit} by the end of the ${alert.period} (an estimate); spent so far ${formatUsd(spentPico)}`;
  }
  const used = percentText(spentPico, limitPico);
  return `${level}: ${who}: spent ${formatUsd(spentPico)} of ${limit}${used === undefined ? '' : ` (${used} %)`}, ${percent} % reached`;
}

/** The message that programs and webhooks get. Money is exact decimal text, times are RFC 3339. */
export function alertMessage(alert: BudgetAlert): AlertMessage {
  const { id, seq, budget, kind, level, percent, period, zone, scope, privateScopes, through } = alert;
  return {
    type: 'witness.budget.alert',
    timestamp: timeText(alert.atUnixNano),
    data: {
      id,
      seq,
      budget,
      kind,
      level,
      percent,
      limit_usd: decimalUsd(alert.limitPico),
      spent_usd: decimalUsd(alert.spentPico),
      ...(alert.forecastPico === undefined
        ? {}
        : { forecast_usd: decimalUsd(alert.forecastPico), forecast_is_estimate: true }),
      period,
      zone,
      ...(alert.sinceUnixNano === undefined ? {} : { since: timeText(alert.sinceUnixNano) }),
      ...(alert.untilUnixNano === undefined ? {} : { until: timeText(alert.untilUnixNano) }),
      scope,
      private: privateScopes,
      through,
      text: alertText(alert),
    },
  };
}

/** Fields of an OpenTelemetry log event, for `Logger.emit` of `@opentelemetry/api-logs`. */
export function alertLogRecord(alert: BudgetAlert): {
  readonly eventName: string;
  readonly severityNumber: number;
  readonly severityText: string;
  readonly timestamp: number;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string | number>>;
} {
  const { id, seq, budget, kind, level, percent, period } = alert;
  const [severityNumber, severityText] = severityOf(alert);
  return {
    eventName: 'witness.budget.alert',
    severityNumber,
    severityText,
    timestamp: Number(alert.atUnixNano / 1_000_000n),
    body: alertText(alert),
    attributes: {
      'witness.alert.id': id,
      'witness.alert.seq': seq,
      'witness.alert.kind': kind,
      'witness.alert.level': level,
      'witness.alert.percent': percent,
      'witness.budget.name': budget,
      'witness.budget.period': period,
      'witness.budget.limit_usd': decimalUsd(alert.limitPico),
      'witness.budget.spent_usd': decimalUsd(alert.spentPico),
      ...(alert.forecastPico === undefined ? {} : { 'witness.budget.forecast_usd': decimalUsd(alert.forecastPico) }),
    },
  };
}

/** OpenTelemetry's severities: INFO2 for a notice. An estimate is never more than a warning. */
function severityOf({ kind, level }: BudgetAlert): [number: number, text: string] {
  if (level === 'notice') return [10, 'INFO2'];
  return level === 'error' && kind === 'spent' ? [17, 'ERROR'] : [13, 'WARN'];
}

function scopeText({ scope, privateScopes }: BudgetAlert): string {
  const parts = [
    ...Object.entries(scope).map(([name, text]) => `${name} ${visible(text)}`),
    ...privateScopes.map((name) => `one ${name}`),
  ];
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}

/** Controls, and characters that a terminal does not show, as `\\u{1b}`. */
function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`);
}

function timeText(unixNano: bigint): string {
  const ms = unixNano / 1_000_000n;
  const seconds = new Date(Number(ms)).toISOString().slice(0, 19);
  return `${seconds}.${String(unixNano % 1_000_000_000n).padStart(9, '0')}Z`;
}
