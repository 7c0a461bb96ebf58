/**
 * FinOps FOCUS 1.2 (https://focus.finops.org/focus-specification/v1-2/): its 21 mandatory columns and our own as `x_…`.
 * One row a token class or unit where the cost was computed line by line, one row a call where somebody stated it.
 */
import { decimalUsd } from '@infrafabric/accounting';
import type { Rated, SpanBody } from '@infrafabric/format';
import { witnessPaths } from '@infrafabric/ledger';
import { type Accounts, type CountedCall, totalPico } from '@infrafabric/ledger/accounts';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { readNote } from '@infrafabric/verify';
import { usageError } from '../cli-error.js';
import type { CommonOptions } from '../common-options.js';
import { type Cell, csvLine } from '../read/csv.js';
import { type Asked, openAccounts } from './report-rows.js';

/** One row: a share of a call's cost. */
interface Charged {
  readonly call: CountedCall;
  readonly endUnixNano: bigint;
  readonly pico: bigint;
  readonly quantity: string;
  readonly unit: string;
  readonly tokenClass: string | undefined;
  readonly source: string;
}

interface Ledger {
  readonly origin: string;
  /** Size and root of the newest checkpoint, so that the file says what it was made from. */
  readonly head: string;
}

const COLUMNS: Readonly<Record<string, (row: Charged, ledger: Ledger) => Cell>> = {
  BilledCost: ({ pico }) => decimalUsd(pico),
  BillingAccountId: (_, { origin }) => origin,
  BillingAccountName: () => 'witness ledger',
  BillingCurrency: ({ call }) => ({ foreign: call.currency }),
  BillingPeriodEnd: ({ call }) => monthOf(call.startUnixNano, 1),
  BillingPeriodStart: ({ call }) => monthOf(call.startUnixNano, 0),
  ChargeCategory: () => 'Usage',
  // Null: nothing here corrects an earlier billing period.
  ChargeClass: () => undefined,
  ChargeDescription: ({ call, unit, tokenClass }) => ({
    foreign: `${call.model ?? call.component ?? 'call'}: ${tokenClass ?? unit.toLowerCase()}`,
  }),
  ChargePeriodEnd: ({ call, endUnixNano }) => secondsOf(later(endUnixNano, call.startUnixNano) + 999_999_999n),
  ChargePeriodStart: ({ call }) => secondsOf(call.startUnixNano),
  ContractedCost: ({ pico }) => decimalUsd(pico),
  EffectiveCost: ({ pico }) => decimalUsd(pico),
  InvoiceIssuerName: ({ call }) => ({ foreign: issuerOf(call) }),
  ListCost: ({ pico }) => decimalUsd(pico),
  PricingQuantity: ({ quantity }) => quantity,
  PricingUnit: ({ unit }) => unit,
  ProviderName: ({ call }) => ({ foreign: issuerOf(call) }),
  PublisherName: ({ call }) => ({ foreign: issuerOf(call) }),
  ServiceCategory: ({ call }) => (call.model === undefined ? 'Other' : 'AI and Machine Learning'),
  ServiceName: ({ call }) => ({ foreign: call.model ?? call.component ?? 'unknown' }),
  x_BusinessTraceId: ({ call }) => ({ foreign: call.business }),
  x_Component: ({ call }) => ({ foreign: call.component }),
  x_CostSource: ({ source }) => source,
  x_LedgerHead: (_, { head }) => head,
  x_LedgerSeq: ({ call }) => call.seq,
  x_RateCard: ({ call }) => ({ foreign: call.card }),
  x_TokenClass: ({ tokenClass }) => ({ foreign: tokenClass }),
  x_TraceId: ({ call }) => call.traceHex,
};

/** Names of the columns, in order. */
export const FOCUS_COLUMNS: readonly string[] = Object.keys(COLUMNS);

/** The calls that count as a FOCUS file. An unpriced call is in it with a cost of 0, and its `x_CostSource` says so. */
export function focusCsv(common: CommonOptions, asked: Asked): string {
  if (asked.traceId !== undefined) throw usageError('--format focus is of the whole ledger: leave out --trace-id');
  const reader = LedgerReader.open(witnessPaths(common).ledger);
  try {
    const accounts = openAccounts(reader, common, asked.recompute);
    try {
      const ledger = headOf(reader);
      const lines = [csvLine(FOCUS_COLUMNS)];
      const scope = asked.component === undefined ? {} : { component: asked.component };
      for (const call of accounts.calls(asked.time, scope))
        for (const row of rowsOf(call, accounts, reader))
          lines.push(csvLine(FOCUS_COLUMNS.map((column) => COLUMNS[column]!(row, ledger))));
      return lines.join('');
    } finally {
      accounts.close();
    }
  } finally {
    reader.close();
  }
}

function* rowsOf(call: CountedCall, accounts: Accounts, reader: LedgerReader): Generator<Charged> {
  if (call.sums.calls + call.sums.callsUnknown === 0n) return;
  const charged = bodyOf(reader, accounts.verdictOf(call.seq)?.costFrom ?? call.seq);
  const endUnixNano = BigInt(bodyOf(reader, call.seq).end);
  const pico = totalPico(call.sums);
  const source = call.sums.unpriced > 0n ? 'unpriced' : (charged.charge?.source ?? 'unpriced');
  const rated = charged.charge?.source === 'reported' ? undefined : charged.charge?.rated;
  if (rated === undefined || linesPico(rated) !== pico) {
    yield { call, endUnixNano, pico, quantity: '1', unit: 'Calls', tokenClass: undefined, source };
    return;
  }
  for (const line of rated.lines) {
    const ofTokens = line.per !== '1';
    yield {
      call,
      endUnixNano,
      pico: BigInt(line.cost),
      quantity: line.quantity,
      unit: ofTokens ? 'Tokens' : unitName(line.class),
      tokenClass: ofTokens ? line.class : undefined,
      source,
    };
  }
}

function linesPico({ lines }: Rated): bigint {
  return lines.reduce((sum, { cost }) => sum + BigInt(cost), 0n);
}

function bodyOf(reader: LedgerReader, seq: number): SpanBody {
  return reader.entry(seq)!.entry.body as unknown as SpanBody;
}

/** `megabit_minute` as FOCUS writes units: `Megabit Minutes`. */
function unitName(unit: string): string {
  const words = unit.split('_').map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return `${words.join(' ')}s`;
}

function issuerOf({ provider, service, component }: CountedCall): string {
  return provider ?? service ?? component ?? 'unknown';
}

function headOf(reader: LedgerReader): Ledger {
  const origin = String(reader.genesis()?.entry.body.origin ?? '');
  const note = reader.newestNote();
  const read = note === undefined ? undefined : readNote(note);
  const head = read?.ok === true ? `${read.checkpoint.size}:${read.checkpoint.rootHex}` : '';
  return { origin, head };
}

function later(a: bigint, b: bigint): bigint {
  return a > b ? a : b + 1n;
}

/** FOCUS dates have whole seconds, in UTC. */
function secondsOf(unixNano: bigint): string {
  return new Date(Number(unixNano / 1_000_000_000n) * 1000).toISOString().replace('.000Z', 'Z');
}

/** First moment of the calendar month of a time, or of a later one. */
function monthOf(unixNano: bigint, later: number): string {
  const date = new Date(Number(unixNano / 1_000_000n));
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + later)).toISOString().replace('.000Z', 'Z');
}
