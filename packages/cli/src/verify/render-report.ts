/** The report of `verify` for people: the verdict on the first line, what was looked at, what was found, what it does not say. */
import type { Problem, ProblemCode, Report } from '@infrafabric/verify';
import type { Paint } from '../color.js';
import { escapeLines, escapeText } from '../escape.js';
import { counted, number } from '../number-text.js';
import { isoOfUnixS } from '../read/nano-text.js';
import type { AnsweredWitness } from './ask-witnesses.js';
import { policyText, unmetText, witnessedText } from './policy-text.js';

/** What the report itself does not know. */
export interface Circumstances {
  /** The ledger file. */
  readonly path: string;
  /** There was none, and this command created it. */
  readonly created: boolean;
  /** A private copy of it was read, because SQLite cannot write beside it. */
  readonly copied: boolean;
  /** What witnesses answered; undefined when none were asked. */
  readonly asked?: readonly AnsweredWitness[] | undefined;
}

/** Problems shown; `--json` has more. */
const SHOWN = 10;

/** The first line. */
export function renderVerdict(report: Report, { created }: Circumstances, paint: Paint): string {
  switch (report.code) {
    case 'valid.unanchored':
      if (created) return paint.good('VALID: empty ledger, created now');
      return paint.good('VALID (unanchored: nothing outside this ledger vouches for its end)');
    case 'valid.witnessed':
      return paint.good(`VALID (witnessed: ${witnessedText(report.entries, report.policy!.witnessed!)})`);
    case 'valid.anchored':
      return paint.good('VALID (anchored)');
    case 'incomplete.payloads':
      return paint.unsure(
        `INCOMPLETE: ${counted(report.payloads.missing, 'payload')} missing, and no redaction entry says why`,
      );
    case 'incomplete.self-asserted-key':
      return paint.unsure('INCOMPLETE: self-asserted key: no key is held that could vouch for this ledger');
    case 'incomplete.anchor-required':
      return paint.unsure('INCOMPLETE: an anchor is required, and none was given');
    case 'incomplete.policy-unmet':
      return paint.unsure(`INCOMPLETE: the policy is not met: ${unmetText(report.policy!)}`);
    case 'incomplete.witnesses-silent':
      return paint.unsure('INCOMPLETE: too few of the witnesses that the policy needs answered');
    case 'incomplete.not-understood':
      return paint.unsure('INCOMPLETE: this version does not understand all that the ledger says is critical');
    case 'invalid':
      return paint.bad(`INVALID: ${firstProblem(report.problems)}`);
  }
}

/** All of it. */
export function renderReport(report: Report, circumstances: Circumstances, paint: Paint): string {
  const rows: [string, string][] = [
    [
      'ledger',
      escapeText(circumstances.path) +
        (circumstances.copied ? ' (a private copy of it, because SQLite cannot read it where it lies)' : ''),
    ],
    ['origin', escapeText(report.origin ?? 'unknown')],
    ['entries', entriesText(report)],
    ['checkpoints', `${number(report.checkpoints.checked)}; ${signaturesText(report)}`],
    ['payloads', payloadsText(report)],
    ['key', keyText(report)],
    ['head', headText(report)],
    ['anchors', anchorsText(report)],
    ['witnesses', cosignaturesText(report)],
  ];
  if (report.policy !== undefined) rows.push(['policy', policyText(report.entries, report.policy)]);
  for (const { witness, answer } of circumstances.asked ?? [])
    rows.push(['asked', `${escapeText(`${witness.name} at ${witness.url}`)}: ${answerText(answer)}`]);
  if (report.newestCheckpoint !== undefined) rows.push(['root', report.newestCheckpoint.rootHex]);
  if (report.spansKnownLost > 0)
    rows.push(['lost', `${counted(report.spansKnownLost, 'span')} known to be lost, says the ledger itself`]);
  const { imported } = report;
  if (imported.entries > 0) {
    const unverified = imported.unverified > 0 ? `; ${number(imported.unverified)} of them unverified` : '';
    rows.push(['imported', `${number(imported.entries)} entries of other ledgers${unverified}`]);
  }
  const strange = Object.entries(report.notUnderstood).map(([type, n]) => `${number(n)} ${escapeText(type)}`);
  if (strange.length > 0) rows.push(['unknown', `entries not understood: ${strange.join(', ')}`]);
  rows.push(['time', timeText(report.timingsMs)]);
  const lines = [renderVerdict(report, circumstances, paint), ''];
  for (const [title, text] of rows) lines.push(`  ${paint.faint(title.padEnd(11))}  ${text}`);
  if (report.problemCount > 0) lines.push('', ...problemLines(report));
  lines.push('', 'Not vouched for:', ...report.notVouchedFor.map((limit) => `  - ${escapeText(limit)}`));
  return `${lines.join('\n')}\n`;
}

/** Problems that break the chain of hashes itself. */
const CHAIN: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  'genesis.missing',
  'genesis.malformed',
  'entry.unreadable',
  'entry.octets',
  'entry.malformed',
  'entry.missing',
  'entry.seq',
  'entry.prev',
  'entry.uncovered',
  'checkpoint.malformed',
  'checkpoint.origin',
  'checkpoint.size',
  'checkpoint.root',
  'checkpoint.altered',
  'checkpoint.missing',
  'checkpoint.extra',
]);

/** The problem that says most: a broken chain at its first place, else an older copy, else the first one with a place. */
function firstProblem(problems: readonly Problem[]): string {
  const invalid = problems.filter(({ code }) => code !== 'payload.missing');
  const broken = invalid.find(({ code }) => code === 'entry.prev') ?? invalid.find(({ code }) => CHAIN.has(code));
  if (broken !== undefined) {
    const place = `Hash chain broken at entry ${broken.seq}`;
    return broken.message.startsWith(place) ? escapeText(broken.message) : `${place}: ${escapeText(broken.message)}`;
  }
  const outside = invalid.find(({ code }) => code === 'rollback' || code === 'fork');
  const first = outside ?? invalid.find(({ seq }) => seq !== undefined) ?? invalid[0];
  return escapeText(first?.message ?? 'see the problems');
}

function entriesText({ entries }: Report): string {
  if (entries === 0) return '0; all were asked for';
  return `${number(entries)}, seq 0 to ${number(entries - 1)}; all were asked for`;
}

function signaturesText({ checkpoints: { checked, signaturesChecked }, key }: Report): string {
  const text = `${number(signaturesChecked)} of ${counted(checked, 'signature')}`;
  if (key.source === 'none') return `${text} checked, against the key that the ledger names itself`;
  if (signaturesChecked >= checked) return `${text} checked`;
  return `${text}; the newest covers every entry; --all-signatures checks each`;
}

function payloadsText({ payloads: { present, erased, missing }, timingsMs }: Report): string {
  const time = timingsMs.payloads === undefined ? '' : `, checked in ${seconds(timingsMs.payloads)}`;
  const gone = erased > 0 ? `; ${number(erased)} erased by redaction entries` : '';
  return `${number(present)} present${time}${gone}${missing > 0 ? `; ${number(missing)} missing` : ''}`;
}

function keyText({ key }: Report): string {
  const { source, from, keyIdHex, newestKeyIdHex, epochs, reachedByRotations: reached } = key;
  if (source === 'none') return escapeText(from);
  const held = `${keyIdHex}, from ${escapeText(from)}`;
  if (reached === undefined || epochs < 2) return held;
  if (reached === 0)
    return `${held}; the newest of ${number(epochs)}, earlier ones by ${counted(epochs - 1, 'rotation')}`;
  return `${held}; ${newestKeyIdHex} signs now, reached by ${counted(reached, 'rotation')}`;
}

function headText({ head }: Report): string {
  switch (head) {
    case 'agrees':
      return 'agrees with the remembered head';
    case 'disagrees':
      return 'disagrees with the remembered head';
    case 'missing':
      return 'none is remembered here';
    case 'not-asked':
      return 'not asked for (--no-head)';
  }
}

function anchorsText({ anchors, problems }: Report): string {
  if (anchors.length === 0) return 'none given';
  const against = problems.some(
    ({ code, message }) => (code === 'rollback' || code === 'fork') && message.includes('the anchor'),
  );
  const sizes = anchors.map(number).join(', ');
  return against ? `not all agree; of sizes ${sizes}` : `${counted(anchors.length, 'anchor')} met, of size ${sizes}`;
}

function cosignaturesText({ cosignatures: { stored, checked, unknown }, policy }: Report): string {
  if (stored === 0) return 'no cosignature is stored';
  const text = `${counted(stored, 'cosignature')} stored`;
  if (policy === undefined) return `${text}, none checked: there is no policy that names witnesses`;
  return `${text}; ${number(checked)} by witnesses of the policy checked, ${number(unknown)} by unknown keys`;
}

function answerText(answer: AnsweredWitness['answer']): string {
  switch (answer.outcome) {
    case 'cosigned':
      return `has seen nothing else, says so at ${isoOfUnixS(answer.timeUnixS)}`;
    case 'ahead':
      return `has seen ${counted(answer.size, 'entry', 'entries')}`;
    case 'fork':
      return `has seen other entries up to ${number(answer.size)}`;
    case 'failed':
      return escapeText(answer.reason);
  }
}

function timeText(timingsMs: Readonly<Record<string, number>>): string {
  const parts = Object.entries(timingsMs).map(([part, ms]) => `${escapeText(part)} ${seconds(ms)}`);
  return parts.length === 0 ? 'none' : parts.join(', ');
}

function problemLines({ problems, problemCount }: Report): string[] {
  const lines = [`${counted(problemCount, 'problem')}:`];
  for (const { code, seq, message, evidence } of problems.slice(0, SHOWN)) {
    const place = seq === undefined ? '' : `entry ${seq}: `;
    lines.push(`  - ${place}${escapeText(message)} [${code}]`);
    for (const note of evidence ?? []) {
      lines.push(
        '    evidence, keep it:',
        ...escapeLines(note.trimEnd())
          .split('\n')
          .map((line) => `      ${line}`.trimEnd()),
      );
    }
  }
  if (problemCount > SHOWN)
    lines.push(`  … and ${number(problemCount - SHOWN)} more; --json has ${number(problems.length)} of them`);
  return lines;
}

function seconds(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
}
