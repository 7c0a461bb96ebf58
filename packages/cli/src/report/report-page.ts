/** A report as one HTML page that is complete in itself: nothing is loaded, nothing runs, so it can be mailed. */
import { formatUsd } from '@infrafabric/accounting';
import { isoOfUnixNano } from '../read/nano-text.js';
import { costText, figuresOf, numberText } from './figures.js';
import { type Course, type Grouped, QUARTER_NANO } from './group-rows.js';
import { remarks } from './render-groups.js';
import type { Asked } from './report-rows.js';
import { greatest } from './sparkline.js';

const CHART = { width: 960, height: 200, columns: 48 };
/** More bars than this are added up in a last one. */
const MAX_BARS = 24;

const STYLE = `:root{color-scheme:light dark;--ink:#1b1f24;--faint:#667085;--line:#d0d5dd;--bar:#2563eb;--paper:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#e6e8eb;--faint:#98a2b3;--line:#344054;--bar:#60a5fa;--paper:#101418}}
body{margin:2rem auto;max-width:960px;padding:0 1rem;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.4rem;margin:0}h2{font-size:1rem;margin:2rem 0 .5rem}p{margin:.25rem 0;color:var(--faint)}
.figures{display:flex;flex-wrap:wrap;gap:2rem;margin:1.5rem 0}.figures b{display:block;font-size:1.5rem;font-variant-numeric:tabular-nums;color:var(--ink)}
svg{width:100%;height:auto}rect{fill:var(--bar)}text{fill:var(--faint);font:12px system-ui,sans-serif}line{stroke:var(--line)}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th,td{padding:.35rem .5rem;border-bottom:1px solid var(--line);text-align:right;overflow-wrap:anywhere}
th{font-weight:600;color:var(--faint)}.key{text-align:left}tfoot td{font-weight:600}`;

/** The page. Text of spans is escaped. */
export function reportPage(grouped: Grouped, asked: Asked): string {
  const { keys, groups, total } = grouped;
  const { totals } = total;
  const figures = [
    ['cost', costText(totals)],
    ['calls', numberText(totals.calls + totals.callsUnknown)],
    ['tokens in', numberText(totals.tokensIn)],
    ['tokens out', numberText(totals.tokensOut)],
    ['unpriced', numberText(totals.unpriced)],
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Cost report</title>
<style>${STYLE}</style>
</head>
<body>
<h1>Cost report</h1>
<p>${escapeHtml(subtitle(asked))}</p>
<div class="figures">${figures.map(([name, value]) => `<div><b>${value}</b>${name}</div>`).join('')}</div>
${timeChart(total)}
<h2>By ${escapeHtml(keys.join(' and '))}</h2>
${barChart(grouped)}
<table>
<thead><tr>${keys.map((key) => `<th class="key">${escapeHtml(key)}</th>`).join('')}<th>calls</th><th>tokens in</th><th>tokens out</th><th>cost</th><th>unpriced</th></tr></thead>
<tbody>
${groups.map(({ values, course }) => `<tr>${values.map((value) => `<td class="key">${escapeHtml(value ?? '(none)')}</td>`).join('')}${numberCells(course)}</tr>`).join('\n')}
</tbody>
<tfoot><tr><td class="key" colspan="${keys.length}">total</td>${numberCells(total)}</tr></tfoot>
</table>
${remarks(grouped)
  .map((remark) => `<p>${escapeHtml(remark)}</p>`)
  .join('\n')}
<p>Sums of a witness ledger. This page proves nothing: if-witness verify does.</p>
</body>
</html>
`;
}

function subtitle({ time, component, traceId }: Asked): string {
  const { sinceUnixNano: since, untilUnixNano: until, zone } = time;
  const parts = [
    since === undefined && until === undefined ? 'everything in the ledger' : '',
    since === undefined ? '' : `from ${isoOfUnixNano(since)}`,
    until === undefined ? '' : `until ${isoOfUnixNano(until)}`,
    component === undefined ? '' : `component ${component}`,
    traceId === undefined ? '' : `under ${traceId}`,
    `time zone ${zone}`,
  ];
  return parts.filter((part) => part !== '').join(' · ');
}

/** Cost, or calls where nothing has a cost, over the whole time; empty where all lies in one quarter of an hour. */
function timeChart(total: Course): string {
  const { first, last } = total.extent;
  if (!(last > first)) return '';
  const byCost = total.totals.totalPico > 0n;
  const amounts = total.parts(first, last, CHART.columns).map(({ pico, calls }) => (byCost ? pico : calls));
  const most = greatest(amounts);
  const width = CHART.width / amounts.length;
  const bars = amounts.map((amount, i) => {
    const height = share(amount, most) * CHART.height;
    const title = byCost ? formatUsd(amount) : `${numberText(amount)} calls`;
    return `<rect x="${(i * width + 1).toFixed(1)}" y="${(CHART.height - height).toFixed(1)}" width="${(width - 2).toFixed(1)}" height="${height.toFixed(1)}"><title>${title}</title></rect>`;
  });
  const label = (quarter: number): string =>
    isoOfUnixNano(BigInt(quarter) * QUARTER_NANO)
      .slice(0, 16)
      .replace('T', ' ');
  return `<h2>${byCost ? 'Cost' : 'Calls'} over time</h2>
<svg viewBox="0 -16 ${CHART.width} ${CHART.height + 36}" role="img" aria-label="${byCost ? 'cost' : 'calls'} over time">
<text x="0" y="-4">${byCost ? formatUsd(most) : numberText(most)} at most</text>
${bars.join('\n')}
<line x1="0" y1="${CHART.height}" x2="${CHART.width}" y2="${CHART.height}"/>
<text x="0" y="${CHART.height + 16}">${label(first)} UTC</text><text x="${CHART.width}" y="${CHART.height + 16}" text-anchor="end">${label(last + 1)} UTC</text>
</svg>`;
}

function barChart({ groups, total }: Grouped): string {
  const byCost = total.totals.totalPico > 0n;
  const amountOf = ({ totals }: Course): bigint => (byCost ? totals.totalPico : totals.calls + totals.callsUnknown);
  const shown = groups.slice(0, MAX_BARS).map(({ values, course }) => ({
    name: values.map((value) => value ?? '(none)').join(' · '),
    amount: amountOf(course),
    value: byCost ? costText(course.totals) : numberText(amountOf(course)),
  }));
  const rest = groups.slice(MAX_BARS);
  if (rest.length > 0) {
    const amount = rest.reduce((sum, { course }) => sum + amountOf(course), 0n);
    shown.push({ name: `${rest.length} more`, amount, value: byCost ? formatUsd(amount) : numberText(amount) });
  }
  const most = greatest(shown.map(({ amount }) => amount));
  const row = 26;
  const bars = shown.map(({ name, amount, value }, i) => {
    const text = [...name];
    const label = text.length > 38 ? `${text.slice(0, 37).join('')}…` : name;
    const length = share(amount, most) * 560;
    return `<text x="270" y="${i * row + 17}" text-anchor="end">${escapeHtml(label)}</text><rect x="280" y="${i * row + 4}" width="${length.toFixed(1)}" height="${row - 8}"><title>${escapeHtml(name)}: ${value}</title></rect><text x="${(288 + length).toFixed(1)}" y="${i * row + 17}">${value}</text>`;
  });
  return `<svg viewBox="0 0 ${CHART.width} ${Math.max(1, shown.length) * row}" role="img" aria-label="${byCost ? 'cost' : 'calls'} by group">
${bars.join('\n')}
</svg>`;
}

function numberCells({ totals }: Course): string {
  return figuresOf(totals)
    .map((value) => `<td>${value}</td>`)
    .join('');
}

/** For drawing only: 0 to 1. */
function share(amount: bigint, most: bigint): number {
  return most === 0n ? 0 : Number((amount * 1_000_000n) / most) / 1_000_000;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for element content and attribute values; what a browser does not draw is shown as its number. */
function escapeHtml(text: string): string {
  return text
    .toWellFormed()
    .replace(/[&<>"']/g, (character) => ENTITIES[character]!)
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => `&#x5c;u{${character.codePointAt(0)!.toString(16)}}`);
}
