/** What a ledger holds in the end, read by the reader that everybody uses, and judged by the verifier with a pinned key. */
import { join } from 'node:path';
import type { VerifierKey } from '@infrafabric/format';
import { headFile, readHead } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import type { SpanRecord } from '@infrafabric/otlp';
import { expect } from 'vitest';
import { keyOf, verifyAgainstHead } from '../attacks/ledger-files.js';

/** The ledger of a witness home. */
export function ledgerOf(home: string): string {
  return join(home, 'witness.db');
}

/** A span entry. */
export interface SpanEntry {
  readonly seq: number;
  /** Trace and span id, hex, one after the other. */
  readonly ids: string;
  /** Seq of the first entry with these ids, where this one has other content. */
  readonly conflict: number | undefined;
}

/** The span entries, in order. */
export function spanEntries(path: string): SpanEntry[] {
  const reader = LedgerReader.open(path);
  try {
    const entries: SpanEntry[] = [];
    for (const { seq, entry } of reader.entriesFrom()) {
      const { trace, span, conflict } = entry.body as { trace: string; span: string; conflict?: number };
      if (entry.type === 'span') entries.push({ seq, ids: trace + span, conflict });
    }
    return entries;
  } finally {
    reader.close();
  }
}

/** How many entries each span has. */
export function countsByIds(path: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { ids } of spanEntries(path)) counts.set(ids, (counts.get(ids) ?? 0) + 1);
  return counts;
}

/** As {@link SpanEntry.ids}. */
export function idsOf({ traceId, spanId }: Pick<SpanRecord, 'traceId' | 'spanId'>): string {
  return traceId + spanId;
}

/** The key of a home's ledger. Take it before the attack: a key that is read from what is judged vouches for nothing. */
export function pinKey(home: string): VerifierKey {
  const reader = LedgerReader.open(ledgerOf(home));
  try {
    return keyOf(home, String(reader.genesis()!.entry.body.origin));
  } finally {
    reader.close();
  }
}

/** VALID by the pinned key, every entry canonical, not behind the head that is remembered. */
export function expectValid(path: string, key: VerifierKey): void {
  expect(readHead(path), `${headFile(path)} is there`).toBeDefined();
  const report = verifyAgainstHead(path, { key, deep: true });
  expect(report).toMatchObject({ verdict: 'VALID', head: 'agrees', problems: [] });
}
