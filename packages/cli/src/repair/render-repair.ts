/** What a repair found and took, for people and for `--json`. */
import type { ImportedLedger, LostPayloads } from '@infrafabric/ledger/import';
import type { SeqRange } from '@infrafabric/verify';
import { escapeText } from '../escape.js';
import type { JsonOut } from '../json-text.js';
import { counted, number } from '../number-text.js';
import type { Salvage } from './salvage.js';

/** A repair that was carried out. */
export interface Repair {
  /** The damaged ledger, which is as it was. */
  readonly ledger: string;
  readonly salvage: Salvage;
  readonly imported: ImportedLedger;
  /** Entries that can be read but not proven were taken too. */
  readonly tookUnproven: boolean;
}

const SHOWN = 12;

/** The report. */
export function renderRepair({ ledger, salvage, imported, tookUnproven }: Repair): string {
  const { provable, key, origin, complaints } = salvage;
  const { newest, signedSize, proven, missing, damaged, unproven } = provable;
  const left = tookUnproven ? 'taken, as entries that nobody verified' : 'left out; --unverified takes them';
  const rows: [string, string][] = [
    ['from', `${escapeText(ledger)}, which is as it was`],
    ['into', `${escapeText(imported.paths.ledger)}, origin ${imported.origin}`],
    [
      'proven by',
      newest === undefined ? 'nothing' : `the checkpoint of size ${number(newest.size)}, key ${key.keyIdHex}`,
    ],
    ['taken', `${entries(imported.entries)}, ${number(imported.spans)} spans, ${number(imported.payloads)} payloads`],
    ['lost', countOf(missing) + countOf(damaged) === 0 ? 'no entry' : entries(countOf(missing) + countOf(damaged))],
  ];
  if (missing.length > 0) rows.push(['', `${rangesText(missing)}: nothing can be read of them`]);
  if (damaged.length > 0) rows.push(['', `${rangesText(damaged)}: what can be read is not what was signed`]);
  if (unproven.length > 0) rows.push(['unproven', `${entries(countOf(unproven))}: ${rangesText(unproven)}: ${left}`]);
  rows.push(['payloads', payloadsText(imported)]);
  if (imported.adjustments > 0) rows.push(['prices', `${number(imported.adjustments)} adjustments written anew`]);
  for (const complaint of complaints) rows.push(['SQLite says', escapeText(complaint)]);
  const files = imported.paths.ledger;
  return [
    `${number(proven)} of ${entries(signedSize)} of ${escapeText(origin)} are provably what was signed`,
    '',
    ...rows.map(([title, text]) => `  ${title.padEnd(11)}  ${text}`),
    '',
    'Stop every writer. To go on with the new ledger under the old name, and keep the damaged one as evidence:',
    '',
    ...['', '-wal', '.head'].map(
      (end) => `  [ ! -e ${quoted(ledger + end)} ] || mv ${quoted(ledger + end)} ${quoted(`${ledger}.damaged${end}`)}`,
    ),
    `  rm -f ${quoted(`${ledger}-shm`)}`,
    ...['', '.head'].map((end) => `  mv ${quoted(files + end)} ${quoted(ledger + end)}`),
    '',
  ].join('\n');
}

/** The same as an object, in snake_case. docs/commands.md has the schema. */
export function repairJson({ ledger, salvage, imported, tookUnproven }: Repair): {
  readonly [member: string]: JsonOut;
} {
  const { provable, key, origin, complaints } = salvage;
  const { newest, signedSize, proven, missing, damaged, unproven } = provable;
  return {
    repaired: true,
    ledger,
    output: imported.paths.ledger,
    origin: imported.origin,
    from: { origin, size: signedSize, key_id: key.keyIdHex },
    checkpoint: newest === undefined ? null : { size: newest.size },
    proven,
    entries: imported.entries,
    spans: imported.spans,
    lost: {
      count: countOf(missing) + countOf(damaged),
      missing: missing.map(rangeJson),
      damaged: damaged.map(rangeJson),
    },
    unproven: { count: countOf(unproven), taken: tookUnproven, ranges: unproven.map(rangeJson) },
    payloads: {
      taken: imported.payloads,
      erased_before: imported.payloadsErased,
      missing: lostJson(imported.payloadsMissing),
      damaged: lostJson(imported.payloadsRefused),
    },
    adjustments: imported.adjustments,
    complaints: [...complaints],
  };
}

function payloadsText({ payloadsErased, payloadsMissing, payloadsRefused }: ImportedLedger): string {
  const parts: string[] = [];
  if (payloadsMissing.count > 0) parts.push(`${number(payloadsMissing.count)} lost, of ${seqsText(payloadsMissing)}`);
  if (payloadsRefused.count > 0)
    parts.push(`${number(payloadsRefused.count)} damaged, or their resource or scope, of ${seqsText(payloadsRefused)}`);
  if (payloadsErased > 0) parts.push(`${number(payloadsErased)} had been erased on purpose`);
  return parts.length === 0 ? 'none lost of the entries that were taken' : parts.join('; ');
}

function seqsText({ count, first }: LostPayloads): string {
  return `${count === 1 ? 'entry' : 'entries'} ${first.slice(0, SHOWN).join(', ')}${count > SHOWN ? ', …' : ''}`;
}

function rangesText(ranges: readonly SeqRange[]): string {
  const shown = ranges.slice(0, SHOWN).map(({ first, last }) => (first === last ? `${first}` : `${first} to ${last}`));
  const more = ranges.length > SHOWN ? `, and ${number(ranges.length - SHOWN)} ranges more (--json has all)` : '';
  return `${countOf(ranges) === 1 ? 'entry' : 'entries'} ${shown.join(', ')}${more}`;
}

function countOf(ranges: readonly SeqRange[]): number {
  return ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}

function rangeJson({ first, last }: SeqRange): JsonOut {
  return { first, last };
}

function lostJson({ count, first }: LostPayloads): JsonOut {
  return { count, first_seqs: [...first] };
}

function entries(n: number): string {
  return counted(n, 'entry', 'entries');
}

/** A path for a POSIX shell. */
function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
