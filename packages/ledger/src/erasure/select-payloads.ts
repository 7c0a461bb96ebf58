/** Which payloads a retention rule is about: how long ago they were received, and what is signed of their entries. */
import { type Entry, parseEntry } from '@infrafabric/format';
import type { LedgerView } from '../reader.js';
import type { Where } from './where.js';

/** A rule. */
export interface RetentionRule {
  /** Entries that were received before; undefined for all. */
  readonly beforeUnixNano?: bigint | undefined;
  readonly where?: Where | undefined;
}

/** A payload that is there and that a rule is about. */
export interface SelectedPayload {
  readonly seq: number;
  readonly entry: Entry;
  /** Of payload and salt. */
  readonly octets: number;
}

/**
 * The payloads that a rule is about, in order of seq. Those of budgets say what a budget is for, and are meant only where
 * the rule asks for a type. @throws FormatError for an entry that cannot be read
 */
export function* selectPayloads(
  view: Pick<LedgerView, 'storedPayloads'>,
  { beforeUnixNano, where }: RetentionRule,
  onProgress: (seq: number) => void = () => undefined,
): Generator<SelectedPayload> {
  const types = where?.fields.has('type') === true ? undefined : new Set<string>(['span', 'import']);
  for (const rows of view.storedPayloads(0)) {
    for (const [seq, text, octets] of rows) {
      if (beforeUnixNano !== undefined && receivedOf(text) >= beforeUnixNano) continue;
      const entry = parseEntry(text);
      if (types?.has(entry.type) === false || where?.matches(entry) === false) continue;
      yield { seq, entry, octets };
    }
    onProgress(rows.at(-1)?.[0] ?? 0);
  }
}

/** Receive time, which is the first member of an entry. */
function receivedOf(text: string): bigint {
  const end = text.indexOf('"', 7);
  return text.startsWith('{"at":"') && /^\d{1,20}$/.test(text.slice(7, end))
    ? BigInt(text.slice(7, end))
    : BigInt(parseEntry(text).at);
}

/** Nanoseconds of `180d`, `26w`, `12h`. @throws RangeError */
export function parseAge(text: string): bigint {
  const [, digits, unit] = /^(\d{1,5})([hdw])$/.exec(text) ?? [];
  const hours = { h: 1n, d: 24n, w: 168n }[unit ?? ''];
  if (hours === undefined) throw new RangeError(`${JSON.stringify(text)} is not an age: write 180d, 26w or 12h`);
  return BigInt(digits!) * hours * 3_600_000_000_000n;
}
