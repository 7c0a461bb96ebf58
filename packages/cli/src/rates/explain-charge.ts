/** `if-optimise rates explain SEQ`: how the charge of an entry came about, and whether it is the same when done again. */
import { decimalUsd, formatUsd } from '@infrafabric/accounting';
import { chargeProblems } from '@infrafabric/accounting/charge-problems';
import { isByHand } from '@infrafabric/accounting/rate-cards';
import { type Charge, parseEntry, type Rated, type SpanBody, spanOfEntry } from '@infrafabric/format';
import { type WitnessPaths, witnessPaths } from '@infrafabric/ledger';
import { Accounts, type Verdict } from '@infrafabric/ledger/accounts';
import { LedgerReader } from '@infrafabric/ledger/reader';
import type { Invocation } from '../act.js';
import { CliError, usageError } from '../cli-error.js';
import { escapeText } from '../escape.js';
import type { ExitCode } from '../exit-code.js';
import { type JsonOut, RawJson, renderJson } from '../json-text.js';
import { printOut } from '../output.js';
import { isoOfUnixNano } from '../read/nano-text.js';
import { computedNow } from './computed-now.js';
import { cardOfHash, homeCards } from './home-cards.js';
import { matchText } from './show-rates.js';

/** What is known of an entry's charge. */
interface Explained {
  readonly seq: number;
  readonly body: SpanBody;
  /** Seq of the newest adjustment of it, and the charge that this one says. */
  readonly adjustment: { readonly seq: number; readonly charge: Charge; readonly reason: string } | undefined;
  /** The charge that counts. */
  readonly charge: Charge | undefined;
  readonly problems: readonly string[];
  /** Whether the card that the charge names is here; undefined when it names none. */
  readonly hasCard: boolean | undefined;
  /** By the cards of today, as of the span's start. */
  readonly now: Rated | undefined;
  /** Whether it counts in totals; undefined for a span that bears on none. */
  readonly counting: Verdict | undefined;
}

export function explainCharge({ args, common, messages }: Invocation<object>): ExitCode {
  const seq = /^\d{1,15}$/.test(args[0]!) ? Number(args[0]) : Number.NaN;
  if (Number.isNaN(seq)) throw usageError(`an entry is named by its seq, not ${JSON.stringify(args[0]!.slice(0, 60))}`);
  const paths = witnessPaths(common);
  const cards = homeCards(paths.home, messages);
  const { body, adjustment, counting } = readSpan(paths, seq);
  const charge = adjustment?.charge ?? body.charge;
  const { usage } = body;
  const card = charge?.rated && cardOfHash(cards, charge.rated.sha256);
  const explained: Explained = {
    seq,
    body,
    adjustment,
    charge,
    problems: chargeProblems(usage, charge, (sha256) => cardOfHash(cards, sha256)?.card, body.start),
    hasCard: charge?.rated === undefined ? undefined : card !== undefined,
    now: computedNow(cards.pricing, body)?.rated,
    counting,
  };
  if (common.json) printOut(`${renderJson(explainedJson(explained))}\n`);
  else printOut(render(explained));
  return explained.problems.length === 0 ? 0 : 1;
}

function readSpan({ home, ledger }: WitnessPaths, seq: number): Pick<Explained, 'adjustment' | 'body' | 'counting'> {
  const reader = LedgerReader.open(ledger);
  try {
    const text = reader.entryText(seq);
    if (text === undefined) throw new CliError('not-found', `there is no entry ${seq}`, { exitCode: 1 });
    const entry = parseEntry(text);
    const span = spanOfEntry(entry, (at) => reader.entryText(at));
    if (span === undefined) {
      throw new CliError('not-found', `entry ${seq} is of type ${entry.type}, and only spans cost something`, {
        exitCode: 1,
      });
    }
    let adjustment: Explained['adjustment'];
    for (const found of reader.entriesOfType('adjustment', seq)) {
      const { target, charge, reason } = (found.entry?.body ?? {}) as {
        target?: unknown;
        charge?: unknown;
        reason?: unknown;
      };
      if (target === seq && typeof charge === 'object' && charge !== null) {
        adjustment = { seq: found.seq, charge: charge as Charge, reason: String(reason) };
      }
    }
    const accounts = Accounts.open(reader, { home });
    const counting = accounts.verdictOf(seq);
    accounts.close();
    return { body: span.body as unknown as SpanBody, adjustment, counting };
  } finally {
    reader.close();
  }
}

function render({ seq, body, adjustment, charge, problems, hasCard, now, counting }: Explained): string {
  const lines = [`entry ${seq}  ${escapeText(String(body.event))}  ${isoOfUnixNano(BigInt(body.start))}`];
  const say = (what: string, text: string): void => {
    lines.push(`${what.padEnd(9)} ${escapeText(text)}`);
  };
  const { usage } = body;
  if (usage === undefined) return `${lines[0]}\nit says nothing of a model, of units or of a cost\n`;
  const { keys = {} } = usage;
  const from = (field: string): string => (keys[field] === undefined ? '' : ` (${keys[field]})`);
  if (usage.model !== undefined) say('model', `${usage.model}${from('model')}`);
  if (usage.provider !== undefined) {
    const told = keys.provider !== undefined && keys.provider === keys.model;
    say('provider', `${usage.provider}${told ? ' (told from the name of the model)' : from('provider')}`);
  }
  say('scope', `${usage.scope || '(none)'}${isByHand(usage.scope ?? '') ? ', which is logged by hand' : ''}`);
  for (const [name, count] of Object.entries(usage.raw ?? {})) say('read', `${name} ${count}${from(name)}`);
  const counted = Object.entries({ ...usage.tokens, ...usage.units });
  say('counted', counted.map(([name, count]) => `${name} ${count}`).join(', ') || 'nothing');
  say('total', countingText(counting));
  if (usage.marks !== undefined) say('marks', usage.marks.join(', '));
  say('table', String(usage.table));
  lines.push('');
  if (adjustment !== undefined) {
    say('signed', chargeText(body.charge));
    say('adjusted', `by entry ${adjustment.seq}: ${adjustment.reason}`);
  }
  say('charge', chargeText(charge));
  if (charge?.rated !== undefined) lines.push(...priceLines(charge.rated, hasCard === true));
  lines.push('');
  for (const problem of problems) say('wrong', problem);
  if (problems.length === 0 && charge?.rated !== undefined) {
    say('checked', `every line and the sum${hasCard === true ? ', and rates and tier against the card' : ''}`);
  }
  say('now', nowText(charge?.rated, now));
  return `${lines.join('\n')}\n`;
}

function priceLines({ card, model, match, tier, sha256, lines, cost }: Rated, hasCard: boolean): string[] {
  const out = [
    `price     card ${escapeText(card)}${hasCard ? '' : ', which is not here'}, sha256 ${escapeText(sha256.slice(0, 16))}…`,
    `          ${escapeText(model)}, ${matchText(match)}${tier === undefined ? '' : `, tier ${escapeText(tier)}`}`,
  ];
  if (match !== 'exact')
    out.push('          warning: check that this is the model, or set its own price with rates set');
  const width = Math.max(...lines.map((line) => line.class.length), 'sum'.length);
  for (const { class: name, quantity, rate, per, cost } of lines) {
    const divided = per === '1' ? '' : ` / ${BigInt(per).toLocaleString('en')}`;
    out.push(
      escapeText(`          ${name.padEnd(width)}  ${quantity} × ${rate}${divided} = ${formatUsd(BigInt(cost))}`),
    );
  }
  out.push(`          ${'sum'.padEnd(width)}  ${formatUsd(BigInt(cost))}`);
  return out;
}

function chargeText(charge: Charge | undefined): string {
  if (charge === undefined) return 'none: it failed before anything was used';
  if (charge.cost === undefined) return 'unpriced: no cost was stated, and no card has all of it';
  const amount =
    charge.currency === 'USD'
      ? formatUsd(BigInt(charge.cost))
      : `${decimalUsd(BigInt(charge.cost))} ${charge.currency}`;
  return `${amount} ${charge.source}${charge.key === undefined ? ' from the card' : ` (${charge.key})`}`;
}

function countingText(counting: Verdict | undefined): string {
  if (counting === undefined) return 'nothing in it bears on a total';
  const { counts, why, by, costFrom } = counting;
  if (counts)
    return costFrom === undefined ? 'counts' : `counts, at the cost that entry ${costFrom} says of the same call`;
  return `does not count: ${WHY[why!] ?? why}, and entry ${by} counts`;
}

const WHY: Readonly<Record<string, string>> = {
  container: 'it is around spans that say the same',
  'same-call': 'another span tells of the same call',
  'known-call': 'a span above or below it knows the usage',
};

function nowText(then: Rated | undefined, now: Rated | undefined): string {
  if (now === undefined) return then === undefined ? 'no card has a price for it' : 'no card here has a price for it';
  const price = `${formatUsd(BigInt(now.cost))} by card ${now.card}, ${now.model}`;
  if (then === undefined) return `${price}; reprice would add it`;
  if (then.cost === now.cost)
    return `the same, ${price}${then.sha256 === now.sha256 ? '' : ', another version of the card'}`;
  return `not the same: ${price}`;
}

function explainedJson({ seq, body, adjustment, charge, problems, hasCard, now, counting }: Explained): JsonOut {
  const raw = (value: unknown): JsonOut => (value === undefined ? null : new RawJson(JSON.stringify(value)));
  const then = charge?.rated;
  return {
    seq,
    event: String(body.event),
    start: isoOfUnixNano(BigInt(body.start)),
    by_hand: isByHand(body.usage?.scope ?? ''),
    usage: raw(body.usage),
    signed_charge: raw(body.charge),
    adjustment: adjustment === undefined ? null : { seq: adjustment.seq, reason: adjustment.reason },
    charge: raw(charge),
    card_is_here: hasCard ?? null,
    problems: [...problems],
    counts: counting?.counts ?? null,
    counts_not_because: counting?.why ?? null,
    counted_instead: counting?.by ?? null,
    cost_from: counting?.costFrom ?? null,
    now: raw(now),
    same: then === undefined && now === undefined ? null : then?.cost === now?.cost,
  };
}
