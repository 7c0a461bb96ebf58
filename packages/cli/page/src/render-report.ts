/** The report as elements: verdict, facts, problems, and what is not vouched for. */
import type { BundleReport } from '@infrafabric/verify';
import { element } from './elements.js';
import { timeText } from './time-text.js';
import { count, number, wordsOf } from './verdict.js';

const SHOWN_PROBLEMS = 20;
const SHOWN_RUNS = 12;

/** Everything but the entries. */
export function renderReport(report: BundleReport, name: string, tookMs: number): HTMLElement {
  const { headline, meaning } = wordsOf(report);
  const tone = report.verdict.toLowerCase();
  return element(
    'section',
    `report ${tone}`,
    element(
      'header',
      'verdict',
      element('p', 'word', report.verdict),
      element('h2', '', headline),
      element('p', 'meaning', meaning),
    ),
    ...problemsOf(report),
    factsOf(report, name, tookMs),
    element(
      'section',
      'limits',
      element('h3', '', 'What this does not vouch for'),
      element('ul', '', ...report.notVouchedFor.map((limit) => element('li', '', limit))),
    ),
  );
}

function problemsOf({ problems, problemCount }: BundleReport): HTMLElement[] {
  if (problemCount === 0) return [];
  const items = problems.slice(0, SHOWN_PROBLEMS).map(({ code, seq, message, evidence }) => {
    const place = seq === undefined ? undefined : element('span', 'place', `entry ${seq}`);
    const notes = (evidence ?? []).map((note) => element('pre', '', ...lines(note)));
    return element('li', '', place, element('span', '', message), element('code', 'code', code), ...notes);
  });
  const more = problemCount - items.length;
  return [
    element(
      'section',
      'problems',
      element('h3', '', count(problemCount, 'problem', 'problems')),
      element('ul', '', ...items, more > 0 ? element('li', 'more', `and ${number(more)} more`) : undefined),
    ),
  ];
}

/** Line breaks are ours, everything else is shown as it is. */
function lines(text: string): (Node | string)[] {
  return text.split('\n').flatMap((line, i) => (i === 0 ? [line] : [document.createElement('br'), line]));
}

function factsOf(report: BundleReport, name: string, tookMs: number): HTMLElement {
  const { checkpoint, key, payloads } = report;
  const facts: [string, string | HTMLElement][] = [
    ['File', name],
    ['Ledger', report.origin ?? 'unknown'],
    ['Asked for', askedText(report)],
    ['Entries', entriesText(report)],
    ['Payloads', payloadsText(payloads)],
    ['Key', keyText(key)],
    ['Anchors', anchorsText(report)],
    ['Witnesses', witnessesText(report)],
  ];
  if (checkpoint !== undefined) facts.push(['Signed root', hashed(checkpoint.rootHex)]);
  if (report.spansKnownLost > 0)
    facts.push(['Known to be lost', `${count(report.spansKnownLost, 'span', 'spans')}, says the ledger itself`]);
  if (report.imported.entries > 0)
    facts.push(['Imported', `${count(report.imported.entries, 'entry', 'entries')} of other ledgers`]);
  const strange = Object.entries(report.notUnderstood).map(([type, n]) => `${number(n)} ${type}`);
  if (strange.length > 0) facts.push(['Not understood', strange.slice(0, SHOWN_RUNS).join(', ')]);
  facts.push(['Took', `${(tookMs / 1000).toFixed(2)} s, in this page`]);
  return element(
    'dl',
    'facts',
    ...facts.map(([title, fact]) => element('div', '', element('dt', '', title), element('dd', '', fact))),
  );
}

function hashed(hex: string): HTMLElement {
  return element('code', 'hash', hex);
}

function askedText({ selection }: BundleReport): string {
  if (selection === undefined) return 'unknown';
  const { trace, since, until } = selection;
  const parts = [
    ...(trace === undefined ? [] : [`trace ${trace}`]),
    ...(since === undefined ? [] : [`received from ${timeText(since)}`]),
    ...(until === undefined ? [] : [`received before ${timeText(until)}`]),
  ];
  return `${parts.length === 0 ? 'everything' : parts.join(', ')} (says whoever exported it)`;
}

function entriesText({ entries, runs, runCount, isWhole, checkpoint }: BundleReport): string {
  if (isWhole) return `${number(entries)}: all there are up to the checkpoint`;
  const shown = runs.slice(0, SHOWN_RUNS).map(({ first, last }) => (first === last ? `${first}` : `${first}–${last}`));
  const more = runCount > SHOWN_RUNS ? ` … in ${number(runCount)} runs` : '';
  return `${number(entries)} of ${number(checkpoint?.size ?? 0)}: ${shown.join(', ')}${more}`;
}

function payloadsText({ present, erased, missing }: BundleReport['payloads']): string {
  const parts = [`${number(present)} here`];
  if (erased > 0) parts.push(`${number(erased)} erased, as entries say`);
  if (missing > 0) parts.push(`${number(missing)} missing`);
  return parts.join(', ');
}

function keyText({ source, keyIdHex, newestKeyIdHex, reachedByRotations = 0 }: BundleReport['key']): string {
  if (source === 'none') return 'none given';
  if (reachedByRotations === 0) return `${keyIdHex}, as given`;
  return `${keyIdHex}, as given; ${newestKeyIdHex} signed, reached by ${count(reachedByRotations, 'rotation', 'rotations')}`;
}

function anchorsText({ anchors }: BundleReport): string {
  if (anchors.length === 0) return 'none given';
  return anchors.map(({ name, state, message }) => `${name} ${STATES[state]}: ${message}`).join('; ');
}

function witnessesText({ policy, cosignatures }: BundleReport): string {
  const here = count(cosignatures.found, 'cosignature', 'cosignatures');
  if (policy === undefined) return `${here} here, none checked: no policy was given`;
  const { witnessed } = policy;
  if (witnessed === undefined) return `${here} here; ${policy.from} asks for ${policy.quorum}`;
  const first = `the first ${count(witnessed.size, 'entry', 'entries')}`;
  return `${first} by ${witnessed.by.join(', ')}; ${policy.from} asks for ${policy.quorum}`;
}

const STATES = {
  agrees: 'agrees',
  disagrees: 'disagrees',
  'not-compared': 'cannot be compared',
  foreign: 'is not an anchor of this ledger',
} as const;
