/** `if-optimise rates reprice`: prices entries again, by the cards of today. Nothing is edited: each gets an adjustment entry. */
import { formatUsd } from '@infrafabric/accounting';
import {
  type CanonicalObject,
  type Charge,
  leafHashHex,
  parseEntry,
  type SpanBody,
  spanOfEntry,
} from '@infrafabric/format';
import { type ControlDraft, Ledger, witnessPaths } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import type { Invocation } from '../act.js';
import { CliError, usageError } from '../cli-error.js';
import { escapeText } from '../escape.js';
import type { ExitCode } from '../exit-code.js';
import { renderJson } from '../json-text.js';
import { printOut } from '../output.js';
import { renderTable } from '../table.js';
import { terminalWidth } from '../terminal-width.js';
import { computedNow } from './computed-now.js';
import { homeCards, parseInstantMs } from './home-cards.js';

export interface RepriceFlags {
  readonly since?: string;
  readonly seq?: string;
  readonly reason?: string;
  readonly yes?: true;
}

/** Adjustments of one commit. */
const COMMIT = 512;
/** Entries that are shown one by one. */
const SHOWN = 20;
const MAX_REASON_CHARS = 1000;

interface Change {
  readonly seq: number;
  readonly leaf: string;
  readonly event: string;
  readonly before: Charge | undefined;
  readonly after: Charge;
}

export async function reprice({ flags, common, messages }: Invocation<RepriceFlags>): Promise<ExitCode> {
  const seq = flags.seq === undefined ? undefined : parseSeq(flags.seq);
  const sinceMs = flags.since === undefined ? undefined : parseInstantMs(flags.since, '--since');
  if (seq !== undefined && sinceMs !== undefined) throw usageError('--seq and --since exclude each other');
  const reason = flags.reason?.trim() ?? '';
  if (flags.yes === true && reason === '') throw usageError('--yes needs --reason, for whoever reads the ledger later');
  if (reason.length > MAX_REASON_CHARS) throw usageError(`--reason has more than ${MAX_REASON_CHARS} characters`);
  const paths = witnessPaths(common);
  const { pricing } = homeCards(paths.home, messages);
  const reader = LedgerReader.open(paths.ledger);
  let changes: Change[];
  try {
    changes = [...changesOf(reader, pricing, seq, sinceMs)];
  } finally {
    reader.close();
  }
  if (flags.yes === true && changes.length > 0) await append(paths, changes, reason);
  const { before, after } = sums(changes);
  if (common.json) {
    printOut(
      `${renderJson({
        appended: flags.yes === true ? changes.length : 0,
        changes: changes.map(({ seq, before, after }) => ({
          seq,
          before: before?.cost ?? null,
          before_source: before?.source ?? null,
          after: after.cost!,
          card: after.rated!.card,
          model: after.rated!.model,
        })),
        before_pico_usd: String(before),
        after_pico_usd: String(after),
      })}\n`,
    );
    return 0;
  }
  printOut(render(changes, before, after, flags.yes === true));
  return 0;
}

/** Entries whose price is another today. What was reported stays: it is what was paid. */
function* changesOf(
  reader: LedgerReader,
  pricing: ReturnType<typeof homeCards>['pricing'],
  only: number | undefined,
  sinceMs: number | undefined,
): Generator<Change> {
  const adjusted = new Map<number, Charge>();
  for (const { entry } of reader.entriesOfType('adjustment')) {
    const { target, charge } = (entry?.body ?? {}) as { readonly target?: number; readonly charge?: Charge };
    if (target !== undefined && charge !== undefined) adjusted.set(target, charge);
  }
  const texts: Iterable<readonly [number, string | undefined]> =
    only === undefined ? allTexts(reader) : [[only, reader.entryText(only)]];
  for (const [seq, text] of texts) {
    if (text === undefined) throw new CliError('not-found', `there is no entry ${seq}`, { exitCode: 1 });
    const span = spanOfEntry(parseEntry(text), (at) => reader.entryText(at));
    if (span === undefined) continue;
    const body = span.body as unknown as SpanBody;
    if (sinceMs !== undefined && Number(BigInt(body.start) / 1_000_000n) < sinceMs) continue;
    const before = adjusted.get(seq) ?? body.charge;
    if (body.charge === undefined || body.charge.key !== undefined) continue;
    const price = computedNow(pricing, body);
    if (price === undefined) continue;
    const { rated, currency } = price;
    if (before?.cost === rated.cost && before.currency === currency) continue;
    const source = body.usage?.marks?.includes('estimated') === true ? 'estimated' : 'computed';
    const after: Charge = { cost: rated.cost, currency, rated, source };
    yield { seq, leaf: leafHashHex(text), event: String(body.event), before, after };
  }
}

function* allTexts(reader: LedgerReader): Generator<readonly [number, string | undefined]> {
  for (const rows of reader.entries(0, Number.POSITIVE_INFINITY)) {
    for (const [seq, text] of rows) {
      if (typeof text !== 'string')
        throw new CliError('ledger', `entry ${seq} cannot be read`, { hint: 'run if-witness verify' });
      yield [seq, text];
    }
  }
}

async function append(
  paths: ReturnType<typeof witnessPaths>,
  changes: readonly Change[],
  reason: string,
): Promise<void> {
  const ledger = await Ledger.open({ ...paths, longLived: true });
  try {
    for (let i = 0; i < changes.length; i += COMMIT) {
      const drafts = changes.slice(i, i + COMMIT).map(({ seq, leaf, after }): ControlDraft => {
        const charge = after as unknown as CanonicalObject;
        return { type: 'adjustment', body: { charge, leaf, reason, target: seq } };
      });
      await ledger.append(drafts);
    }
  } finally {
    await ledger.close();
  }
}

/** In dollars; other currencies are not added to them. */
function sums(changes: readonly Change[]): { readonly before: bigint; readonly after: bigint } {
  const usd = (charge: Charge | undefined): bigint =>
    charge?.cost !== undefined && charge.currency === 'USD' ? BigInt(charge.cost) : 0n;
  let before = 0n;
  let after = 0n;
  for (const change of changes) {
    before += usd(change.before);
    after += usd(change.after);
  }
  return { before, after };
}

function render(changes: readonly Change[], before: bigint, after: bigint, isDone: boolean): string {
  if (changes.length === 0) return 'nothing to reprice: every computed price is that of the cards of today\n';
  const lines = renderTable(
    [
      { title: 'SEQ', align: 'right' },
      { title: 'EVENT', shrinkTo: 10 },
      { title: 'MODEL', shrinkTo: 10 },
      { title: 'CARD' },
      { title: 'BEFORE', align: 'right' },
      { title: 'AFTER', align: 'right' },
    ],
    changes
      .slice(0, SHOWN)
      .map((change) => [
        String(change.seq),
        escapeText(change.event),
        escapeText(change.after.rated!.model),
        change.after.rated!.card,
        change.before?.cost === undefined ? 'unpriced' : formatUsd(BigInt(change.before.cost)),
        formatUsd(BigInt(change.after.cost!)),
      ]),
    { width: terminalWidth() },
  );
  const number = (n: number): string => n.toLocaleString('en');
  if (changes.length > SHOWN) lines.push(`… and ${number(changes.length - SHOWN)} more`);
  const entries = `${number(changes.length)} ${changes.length === 1 ? 'entry' : 'entries'}`;
  lines.push(
    '',
    `${entries}: ${formatUsd(before)} before, ${formatUsd(after)} after, ${formatUsd(after - before)} difference`,
  );
  lines.push(
    isDone ? `${entries} adjusted` : 'nothing is written yet: --yes --reason TEXT appends an adjustment for each',
  );
  return `${lines.join('\n')}\n`;
}

function parseSeq(text: string): number {
  if (!/^\d{1,15}$/.test(text))
    throw usageError(`--seq takes the seq of an entry, not ${JSON.stringify(text.slice(0, 60))}`);
  return Number(text);
}
