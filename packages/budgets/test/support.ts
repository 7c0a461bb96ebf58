/** Homes, ledgers and spans for these tests: real files, real processes. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Budgets, SpentByScan } from '@infrafabric/budgets';
import { draftSpan, Ledger } from '@infrafabric/ledger';
import { LedgerReader, type StoredEntry } from '@infrafabric/ledger/reader';
import { parseTraceRequestJson } from '@infrafabric/otlp';
import { onTestFinished } from 'vitest';

export const USD = 10n ** 12n;

/** A witness home that is gone after the test. */
export function tempHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'budgets-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }));
  return home;
}

/** A call as a span says it. */
export interface Call {
  readonly usd?: string;
  readonly startUnixNano?: bigint;
  readonly spanId?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly resource?: Readonly<Record<string, string>>;
}

/** Appends a span for each call. */
export async function spend(ledger: Ledger, ...calls: readonly Call[]): Promise<number[]> {
  const pairs = (values: Readonly<Record<string, string>>) =>
    Object.entries(values).map(([key, stringValue]) => ({ key, value: { stringValue } }));
  const resourceSpans = calls.map((call) => {
    const start = call.startUnixNano ?? BigInt(Date.now()) * 1_000_000n;
    const attributes = { ...(call.usd === undefined ? {} : { 'witness.cost.usd': call.usd }), ...call.attributes };
    const span = {
      traceId: randomBytes(16).toString('hex'),
      spanId: call.spanId ?? randomBytes(8).toString('hex'),
      name: 'call',
      startTimeUnixNano: String(start),
      endTimeUnixNano: String(start + 1n),
      attributes: pairs(attributes),
    };
    return { resource: { attributes: pairs(call.resource ?? {}) }, scopeSpans: [{ spans: [span] }] };
  });
  const { spans } = parseTraceRequestJson(JSON.stringify({ resourceSpans }));
  return (await ledger.append(spans.map(draftSpan))).map(({ seq }) => seq);
}

/** An open ledger with its budgets; closed after the test. `clock.now` can be set. */
export async function openBudgets(
  home: string,
  clock?: { now: bigint },
): Promise<{ ledger: Ledger; budgets: Budgets }> {
  const ledger = await Ledger.open({ home, timeoutMs: 60_000 });
  onTestFinished(() => ledger.close());
  const spent = new SpentByScan(await ledger.view());
  return { ledger, budgets: await Budgets.over(ledger, spent, clock && (() => clock.now)) };
}

/** The entries of a type, as anybody can read them. */
export function entriesOf(home: string, type: 'alert' | 'budget'): StoredEntry[] {
  const reader = LedgerReader.open(join(home, 'witness.db'));
  try {
    return [...reader.entriesOfType(type)];
  } finally {
    reader.close();
  }
}

/** Waits until it is so. */
export async function until(isSo: () => boolean, timeoutMs = 15_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error(`not so within ${timeoutMs} ms: ${isSo}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
