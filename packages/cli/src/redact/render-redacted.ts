/** What `redact` says: what would be erased, and what was. */
import type { Redacted } from '@infrafabric/ledger/erasure';
import { escapeText } from '../escape.js';
import type { JsonOut } from '../json-text.js';
import { number } from '../number-text.js';
import { renderTable } from '../table.js';
import type { Chosen, Target } from './choose-targets.js';

/** Counts of a choice, as `--dry-run --json` prints them. */
export function chosenJson({ targets, already }: Chosen): { readonly [key: string]: JsonOut } {
  return {
    dry_run: true,
    payloads: targets.length,
    octets: octetsOf(targets),
    first_seq: targets[0]?.seq ?? null,
    last_seq: targets.at(-1)?.seq ?? null,
    already_erased: already.length,
    by_component: byComponent(targets).map(([component, count, octets]) => ({ component, payloads: count, octets })),
  };
}

/** The same for people. */
export function renderChosen(chosen: Chosen, width: number | undefined): string {
  const { targets } = chosen;
  const lines = [`would erase ${whatOf(chosen)}`];
  if (targets.length > 0) {
    const columns = [
      { title: 'COMPONENT', shrinkTo: 12 },
      { title: 'PAYLOADS', align: 'right' as const },
      { title: 'OCTETS', align: 'right' as const },
    ];
    const rows = byComponent(targets).map(([component, count, octets]) => [
      escapeText(component),
      number(count),
      number(octets),
    ]);
    lines.push('', ...renderTable(columns, rows, { width }));
  }
  return `${lines.join('\n')}\n`;
}

/** `12 payloads of entries 3 to 99, 4,096 octets`. */
export function whatOf({ targets }: Pick<Chosen, 'targets'>): string {
  if (targets.length === 0) return 'nothing';
  const [first, last] = [targets[0]!.seq, targets.at(-1)!.seq];
  const which =
    targets.length === 1
      ? `the payload of entry ${first}`
      : `${number(targets.length)} payloads of entries ${first} to ${last}`;
  return `${which}, ${number(octetsOf(targets))} octets`;
}

/** What was done, as `--json` prints it. */
export function redactedJson(redacted: Redacted): { readonly [key: string]: JsonOut } {
  const erased = redacted.targets.filter((target) => target.outcome === 'erased');
  return {
    erased: erased.length,
    already_erased: redacted.targets.filter(({ outcome }) => outcome === 'already').length,
    octets: redacted.octets,
    contexts: redacted.contexts,
    first_redaction: erased[0]?.redaction ?? null,
    last_redaction: erased.at(-1)?.redaction ?? null,
    overwritten: redacted.overwritten,
    targets: redacted.targets.slice(0, LISTED).map((target) => ({
      seq: target.seq,
      outcome: target.outcome,
      redaction: 'redaction' in target ? target.redaction : null,
    })),
  };
}

/** Targets that are listed one by one. */
const LISTED = 1_000;
/** Lines for people, beyond which a sum says as much. */
const SHOWN = 20;

/** The same for people. */
export function renderRedacted({ targets, octets, contexts }: Redacted): string {
  const erased = targets.filter((target) => target.outcome === 'erased');
  const already = targets.filter((target) => target.outcome === 'already');
  const lines: string[] = [];
  if (erased.length + already.length <= SHOWN) {
    for (const target of targets) {
      if (target.outcome === 'erased') lines.push(`payload of entry ${target.seq} erased by entry ${target.redaction}`);
      if (target.outcome === 'already')
        lines.push(`payload of entry ${target.seq} was erased before, by entry ${target.redaction}`);
    }
  } else {
    if (erased.length > 0)
      lines.push(
        `${number(erased.length)} payloads erased by entries ${erased[0]!.redaction} to ${erased.at(-1)!.redaction}`,
      );
    if (already.length > 0) lines.push(`${number(already.length)} were erased before`);
  }
  if (erased.length > 0) {
    const names =
      contexts === 0
        ? ''
        : ` and ${number(contexts)} ${contexts === 1 ? 'resource or scope' : 'resources and scopes'} that only they named`;
    lines.push(`${number(octets)} octets${names}`);
  }
  return lines.length === 0 ? 'nothing to erase\n' : `${lines.join('\n')}\n`;
}

function octetsOf(targets: readonly Target[]): number {
  return targets.reduce((sum, { octets }) => sum + octets, 0);
}

function byComponent(targets: readonly Target[]): [component: string, payloads: number, octets: number][] {
  const sums = new Map<string, [number, number]>();
  for (const { component, octets } of targets) {
    const [count, sum] = sums.get(component) ?? [0, 0];
    sums.set(component, [count + 1, sum + octets]);
  }
  return [...sums]
    .map(([component, [count, sum]]) => [component, count, sum] as [string, number, number])
    .sort((a, b) => b[2] - a[2]);
}
