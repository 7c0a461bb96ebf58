/** The calls that a report sums: from the accounts of the ledger, or from one trace. */
import { witnessPaths } from '@infrafabric/ledger';
import { Accounts, type GroupOf, type Sums } from '@infrafabric/ledger/accounts';
import { LedgerReader } from '@infrafabric/ledger/reader';
import type { CommonOptions } from '../common-options.js';
import { bar, Progress } from '../progress.js';
import { countedCalls } from '../read/counted-calls.js';
import { allEntries, selectTrace } from '../read/select-trace.js';
import type { ComparedCharge } from '../read/span-entry.js';
import { SpanPayloads } from '../read/span-payloads.js';
import type { AskedTime } from './time-range.js';

/** One call, or the sum of calls that began in one quarter of an hour. */
export interface ReportRow extends GroupOf {
  readonly startUnixNano: bigint;
  readonly currency: string;
  readonly sums: Sums;
  /** Outermost business trace id, else the OpenTelemetry trace id; undefined in a sum. */
  readonly trace: string | undefined;
  readonly session: string | undefined;
  readonly user: string | undefined;
  /** Of a reported cost: what its rate card gives. Undefined in a sum. */
  readonly compared?: ComparedCharge | undefined;
}

/** What a report is about. */
export interface Asked {
  readonly time: AskedTime;
  readonly component: string | undefined;
  /** As `trace` takes it. */
  readonly traceId: string | undefined;
  /** Whether rows must be single calls; sums are faster. */
  readonly single: boolean;
  /** Makes the accounts anew from the entries and believes no file. */
  readonly recompute: boolean;
}

/** @throws CliError, LedgerError. */
export function* reportRows(common: CommonOptions, asked: Asked): Generator<ReportRow> {
  const reader = LedgerReader.open(witnessPaths(common).ledger);
  try {
    if (asked.traceId !== undefined) yield* rowsOfTrace(reader, asked, asked.traceId);
    else yield* rowsOfLedger(reader, common, asked);
  } finally {
    reader.close();
  }
}

function* rowsOfLedger(
  reader: LedgerReader,
  common: CommonOptions,
  { time, component, single, recompute }: Asked,
): Generator<ReportRow> {
  const accounts = openAccounts(reader, common, recompute);
  try {
    const scope = component === undefined ? {} : { component };
    if (single) {
      for (const call of accounts.calls(time, scope)) yield { ...call, trace: call.rootBusiness ?? call.traceHex };
      return;
    }
    for (const { bucketUnixNano, ...row } of accounts.rollups(time, scope))
      yield { ...row, startUnixNano: bucketUnixNano, trace: undefined, session: undefined, user: undefined };
  } finally {
    accounts.close();
  }
}

/** The accounts of a ledger; says on a terminal how far they are where that takes long. */
export function openAccounts(reader: LedgerReader, { home, quiet }: CommonOptions, recompute: boolean): Accounts {
  const progress = new Progress(quiet);
  const all = reader.entryCount();
  try {
    const onProgress = (entries: number): void => progress.show(() => `${bar(entries, all)}  summing up`);
    return Accounts.open(reader, { home, scratch: recompute, onProgress });
  } finally {
    progress.clear();
  }
}

function* rowsOfTrace(reader: LedgerReader, { time, component, single }: Asked, traceId: string): Generator<ReportRow> {
  const payloads = single ? new SpanPayloads(reader) : undefined;
  for (const { entry, currency, sums } of countedCalls(allEntries(selectTrace(reader, traceId).root))) {
    if (component !== undefined && entry.component !== component) continue;
    if (time.sinceUnixNano !== undefined && entry.startUnixNano < time.sinceUnixNano) continue;
    if (time.untilUnixNano !== undefined && entry.startUnixNano >= time.untilUnixNano) continue;
    const { session, user } = payloads?.labelsOf(entry.seq) ?? {};
    yield {
      component: entry.component,
      model: entry.model,
      provider: entry.provider,
      service: entry.service,
      card: entry.charge?.card,
      match: entry.charge?.match,
      startUnixNano: entry.startUnixNano,
      currency,
      sums,
      trace: entry.businessId ?? entry.traceId,
      session,
      user,
      compared: currency === 'USD' ? entry.charge?.compared : undefined,
    };
  }
}
