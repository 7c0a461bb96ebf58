/** The report about a bundle, for people and for `--json`. */
import type { BundleReport, EntryRun } from '@infrafabric/verify';
import type { Paint } from '../color.js';
import { escapeLines, escapeText } from '../escape.js';
import type { JsonOut } from '../json-text.js';
import { counted, number } from '../number-text.js';
import { isoOfUnixNano } from '../read/nano-text.js';
import { policyJson, policyText, unmetText, witnessedText } from './policy-text.js';

/** Problems and runs shown; `--json` has more. */
const SHOWN = 10;

/** The first line. */
export function bundleVerdictLine(report: BundleReport, paint: Paint): string {
  const what = contentText(report);
  switch (report.code) {
    case 'valid.witnessed':
      return paint.good(
        `VALID (witnessed: ${witnessedText(report.checkpoint!.size, report.policy!.witnessed!)}): ${what}`,
      );
    case 'valid.anchored':
      return paint.good(`VALID (anchored): ${what}`);
    case 'valid.unanchored':
      return paint.good(`VALID (unanchored): ${what}`);
    case 'incomplete.payloads':
      return paint.unsure(
        `INCOMPLETE: ${counted(report.payloads.missing, 'payload')} missing, and no redaction entry says why`,
      );
    case 'incomplete.self-asserted-key':
      return paint.unsure('INCOMPLETE: self-asserted key: no key is held that could vouch for this bundle');
    case 'incomplete.anchor-not-compared':
      return paint.unsure('INCOMPLETE: the bundle does not lead to the anchor that was given');
    case 'incomplete.anchor-required':
      return paint.unsure('INCOMPLETE: an anchor is required, and none was given');
    case 'incomplete.policy-unmet':
      return paint.unsure(`INCOMPLETE: the policy is not met: ${unmetText(report.policy!)}`);
    case 'incomplete.not-understood':
      return paint.unsure('INCOMPLETE: this version does not understand all that the bundle says is critical');
    case 'invalid':
      return paint.bad(`INVALID: ${firstProblem(report)}`);
  }
}

/** All of it. */
export function renderBundleReport(report: BundleReport, file: string, paint: Paint): string {
  const { checkpoint, key, anchors } = report;
  const rows: [string, string][] = [
    ['bundle', escapeText(file)],
    ['origin', escapeText(report.origin ?? 'unknown')],
    ['asked', askedText(report)],
    ['entries', entriesText(report)],
    ['payloads', payloadsText(report)],
    ['key', keyText(key)],
    ['anchors', anchors.length === 0 ? 'none given' : anchors.map(anchorText).join('; ')],
  ];
  rows.push(['witnesses', cosignaturesText(report)]);
  if (report.policy !== undefined) rows.push(['policy', policyText(checkpoint?.size ?? 0, report.policy)]);
  const { imported } = report;
  if (imported.entries > 0)
    rows.push([
      'imported',
      `${number(imported.entries)} entries of other ledgers${imported.unverified > 0 ? `, ${number(imported.unverified)} of them never verified` : ''}`,
    ]);
  if (checkpoint !== undefined) rows.push(['root', `${checkpoint.rootHex} of ${number(checkpoint.size)} entries`]);
  if (report.spansKnownLost > 0)
    rows.push(['lost', `${counted(report.spansKnownLost, 'span')} known to be lost, says the ledger itself`]);
  const strange = Object.entries(report.notUnderstood).map(([type, n]) => `${number(n)} ${escapeText(type)}`);
  if (strange.length > 0) rows.push(['unknown', `entries not understood: ${strange.slice(0, SHOWN).join(', ')}`]);
  const lines = [bundleVerdictLine(report, paint), ''];
  for (const [title, text] of rows) lines.push(`  ${paint.faint(title.padEnd(11))}  ${text}`);
  if (report.problemCount > 0) lines.push('', ...problemLines(report));
  lines.push('', 'Not vouched for:', ...report.notVouchedFor.map((limit) => `  - ${escapeText(limit)}`));
  return `${lines.join('\n')}\n`;
}

/** The report as an object, in snake_case. Codes are stable, sentences are not; docs/commands.md has the schema. */
export function bundleReportJson(report: BundleReport, file: string): JsonOut {
  const { selection, checkpoint, key } = report;
  return {
    verdict: report.verdict,
    code: report.code,
    exit_code: report.exitCode,
    bundle: file,
    origin: report.origin ?? null,
    asked:
      selection === undefined
        ? null
        : { trace: selection.trace ?? null, since: timeOrNull(selection.since), until: timeOrNull(selection.until) },
    entries: report.entries,
    runs: report.runs.map(({ first, last }) => [first, last]),
    run_count: report.runCount,
    whole: report.isWhole,
    checkpoint: checkpoint === undefined ? null : { size: checkpoint.size, root_hex: checkpoint.rootHex },
    signatures_checked: report.signaturesChecked,
    payloads: { ...report.payloads },
    key: {
      source: key.source,
      from: key.from,
      key_id: key.keyIdHex ?? null,
      newest_key_id: key.newestKeyIdHex ?? null,
      reached_by_rotations: key.reachedByRotations ?? null,
    },
    anchors: report.anchors.map(({ name, size, state, message }) => ({
      file: name,
      size: size ?? null,
      state,
      message,
    })),
    cosignatures: { ...report.cosignatures },
    policy: report.policy === undefined ? null : policyJson(report.policy),
    imported: { ...report.imported },
    indexes: { found: report.indexes.found, not_compared: report.indexes.notCompared },
    not_understood: { ...report.notUnderstood },
    spans_known_lost: report.spansKnownLost,
    problem_count: report.problemCount,
    problems: report.problems.map(({ code, seq, message, evidence }) => ({
      code,
      seq: seq ?? null,
      message,
      evidence: evidence === undefined ? null : [...evidence],
    })),
    not_vouched_for: [...report.notVouchedFor],
  };
}

function contentText({ isWhole, entries, checkpoint }: BundleReport): string {
  const size = checkpoint?.size ?? 0;
  if (isWhole) return `all ${number(size)} entries that the checkpoint covers`;
  return `${number(entries)} of ${number(size)} entries; a selection cannot show that nothing was left out`;
}

function firstProblem({ problems }: BundleReport): string {
  const invalid = problems.filter(({ code }) => code !== 'payload.missing');
  const first =
    invalid.find(({ code }) => code === 'bundle.malformed') ??
    invalid.find(({ code }) => code === 'entry.prev') ??
    invalid.find(({ code }) => code === 'bundle.root') ??
    invalid[0];
  return escapeText(first?.message ?? 'see the problems');
}

function askedText({ selection }: BundleReport): string {
  if (selection === undefined) return 'unknown';
  const { trace, since, until } = selection;
  const parts = [
    ...(trace === undefined ? [] : [`trace ${escapeText(trace)}`]),
    ...(since === undefined ? [] : [`received from ${timeText(since)}`]),
    ...(until === undefined ? [] : [`received before ${timeText(until)}`]),
  ];
  return `${parts.length === 0 ? 'everything' : parts.join(', ')}, says whoever exported it`;
}

function entriesText({ entries, runs, runCount, isWhole }: BundleReport): string {
  if (isWhole || entries === 0) return `${number(entries)}, without a hole`;
  const shown = runs.slice(0, SHOWN).map(runText).join(', ');
  return `${number(entries)}, seq ${shown}${runCount > SHOWN ? ` … in ${number(runCount)} runs` : ''}`;
}

function runText({ first, last }: EntryRun): string {
  return first === last ? String(first) : `${first} to ${last}`;
}

function payloadsText({ payloads: { present, erased, missing } }: BundleReport): string {
  const more = [
    ...(erased > 0 ? [`${number(erased)} erased, as redaction entries say`] : []),
    ...(missing > 0 ? [`${number(missing)} missing`] : []),
  ];
  return [`${number(present)} present`, ...more].join('; ');
}

function keyText({ source, from, keyIdHex, newestKeyIdHex, reachedByRotations = 0 }: BundleReport['key']): string {
  if (source === 'none') return escapeText(from);
  const reached =
    reachedByRotations === 0 ? '' : `; ${newestKeyIdHex} signed, reached by ${counted(reachedByRotations, 'rotation')}`;
  return `${keyIdHex}, from ${escapeText(from)}${reached}`;
}

function anchorText({ name, state, message }: BundleReport['anchors'][number]): string {
  return `${escapeText(name)} ${state === 'not-compared' ? 'not compared' : state}: ${escapeText(message)}`;
}

function cosignaturesText({ cosignatures: { found, checked, unknown }, policy }: BundleReport): string {
  if (found === 0) return 'no cosignature is here';
  const text = `${counted(found, 'cosignature')} here`;
  if (policy === undefined) return `${text}, none checked: there is no policy that names witnesses`;
  return `${text}; ${number(checked)} by witnesses of the policy checked, ${number(unknown)} by unknown keys`;
}

function problemLines({ problems, problemCount }: BundleReport): string[] {
  const lines = [`${counted(problemCount, 'problem')}:`];
  for (const { code, seq, message, evidence } of problems.slice(0, SHOWN)) {
    lines.push(`  - ${seq === undefined ? '' : `entry ${seq}: `}${escapeText(message)} [${code}]`);
    for (const note of evidence ?? []) {
      const noteLines = escapeLines(note.trimEnd()).split('\n');
      lines.push('    evidence, keep it:', ...noteLines.map((line) => `      ${line}`.trimEnd()));
    }
  }
  if (problemCount > SHOWN)
    lines.push(`  … and ${number(problemCount - SHOWN)} more; --json has ${number(problems.length)} of them`);
  return lines;
}

function timeText(nanos: string): string {
  return isoOfUnixNano(BigInt(nanos));
}

function timeOrNull(nanos: string | undefined): string | null {
  return nanos === undefined ? null : isoOfUnixNano(BigInt(nanos));
}
