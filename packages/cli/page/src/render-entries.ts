/** The entries as a table; a row opens to what its entry says and to its payload. */
import { decodeSpanPayload, type Entry } from '@infrafabric/format';
import { type AnyValue, decodeSpan, OtlpDecodeError, type ResourceRecord, type ScopeRecord } from '@infrafabric/otlp';
import type { BundleReport, JudgedEntry } from '@infrafabric/verify';
import { element } from './elements.js';
import { SHOWN_ENTRIES } from './judge-file.js';
import { timeText } from './time-text.js';
import { number } from './verdict.js';

const COLUMNS = ['Seq', 'Received (UTC)', 'What', 'Component', 'Model', 'Cost', 'Payload'];
/** Rows that are made at a time: thousands at once would stop the page. */
const STEP = 200;

/** The table, with a button for more. */
export function renderEntries(entries: readonly JudgedEntry[], report: BundleReport): HTMLElement {
  const body = element('tbody', '');
  const more = element('button', 'more', '');
  more.type = 'button';
  let made = 0;
  const add = (): void => {
    for (const entry of entries.slice(made, made + STEP)) body.append(...rowsOf(entry));
    made = Math.min(entries.length, made + STEP);
    more.hidden = made >= entries.length;
    more.textContent = `Show more: ${number(entries.length - made)} left`;
  };
  more.addEventListener('click', add);
  add();
  const head = element('thead', '', element('tr', '', ...COLUMNS.map((title) => element('th', '', title))));
  const rest = report.entries - entries.length;
  const note = noteOf(report);
  return element(
    'section',
    'entries',
    element('h3', '', 'Entries'),
    element('p', 'note', note),
    element('div', 'scroll', element('table', '', head, body)),
    more,
    rest > 0
      ? element('p', 'note', `The first ${number(SHOWN_ENTRIES)} are shown; ${number(rest)} more were judged.`)
      : undefined,
  );
}

function noteOf({ verdict, key }: BundleReport): string {
  if (verdict === 'INVALID')
    return 'As the file has them. At least one thing in it is not what was signed, so believe none of it.';
  if (key.source === 'none') return 'They fit together. Whether somebody you trust signed them, only a key can tell.';
  return 'Each was checked. Select a row to see all that it says.';
}

function rowsOf(judged: JudgedEntry): HTMLElement[] {
  const { seq, entry, payload } = judged;
  const body = entry?.body ?? {};
  const usage = memberObject(body.usage);
  const cells = [
    String(seq),
    entry === undefined ? '' : timeText(entry.at),
    entry === undefined ? 'cannot be read' : whatOf(entry),
    textOf(body.component),
    textOf(usage.model),
    costOf(body.charge),
    PAYLOADS[payload],
  ];
  const button = element('button', 'open', cells[2]);
  button.type = 'button';
  button.setAttribute('aria-expanded', 'false');
  const row = element(
    'tr',
    entry?.type === 'span' ? '' : 'control',
    ...cells.map((text, i) => element('td', '', i === 2 ? button : text)),
  );
  const cell = element('td', '');
  cell.colSpan = COLUMNS.length;
  const details = element('tr', 'details', cell);
  details.hidden = true;
  row.addEventListener('click', () => {
    if (cell.childNodes.length === 0) cell.append(...detailsOf(judged));
    details.hidden = !details.hidden;
    button.setAttribute('aria-expanded', String(!details.hidden));
  });
  return [row, details];
}

const PAYLOADS = { present: 'here', damaged: 'not the signed one', absent: 'not here', none: '' } as const;

function whatOf({ type, body }: Entry): string {
  return type === 'span' ? textOf(body.event) : `(${type})`;
}

function detailsOf({ hashHex, entry, payloadOctets }: JudgedEntry): Node[] {
  const parts: Node[] = [element('p', '', 'Hash ', element('code', 'hash', hashHex))];
  if (entry !== undefined) parts.push(jsonOf('What is signed in clear', entry));
  const attributes = payloadOctets === undefined ? undefined : attributesOf(payloadOctets);
  if (attributes !== undefined) parts.push(jsonOf('Attributes, from its payload', attributes));
  return parts;
}

function jsonOf(title: string, value: unknown): HTMLElement {
  const text = JSON.stringify(value, undefined, 2);
  const shown = text.split('\n').flatMap((line, i) => (i === 0 ? [line] : [document.createElement('br'), line]));
  return element('figure', '', element('figcaption', '', title), element('pre', '', ...shown));
}

const NO_RESOURCE: ResourceRecord = { attributes: [], droppedAttributesCount: 0, entityRefs: [], schemaUrl: '' };
const NO_SCOPE: ScopeRecord = { name: '', version: '', attributes: [], droppedAttributesCount: 0, schemaUrl: '' };

/** Undefined for a payload that is no span's. */
function attributesOf(payload: Uint8Array): Record<string, unknown> | undefined {
  const parts = decodeSpanPayload(payload);
  if (parts === undefined) return undefined;
  try {
    const { attributes, events } = decodeSpan(parts.span, NO_RESOURCE, NO_SCOPE);
    const shown = Object.fromEntries(attributes.map(([key, value]) => [key, plain(value)]));
    return events.length === 0 ? shown : { ...shown, '(events)': events.map(({ name }) => name) };
  } catch (error) {
    if (error instanceof OtlpDecodeError) return undefined;
    throw error;
  }
}

/** An attribute's value as JSON can hold it. */
function plain(value: AnyValue): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (value instanceof Uint8Array) return `${value.length} octets`;
  if (Array.isArray(value)) return value.map((item: AnyValue) => plain(item));
  if (typeof value === 'object' && value !== null && 'kvlist' in value)
    return Object.fromEntries(value.kvlist.map(([key, item]) => [key, plain(item)]));
  return value;
}

function costOf(charge: unknown): string {
  const { cost, currency, source } = memberObject(charge);
  if (typeof cost !== 'string' || !/^\d{1,64}$/.test(cost)) return typeof source === 'string' ? source : '';
  const digits = cost.padStart(13, '0');
  const fraction = digits.slice(-12).replace(/0+$/, '').padEnd(2, '0');
  return `${digits.slice(0, -12)}.${fraction} ${textOf(currency)}`;
}

function memberObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
