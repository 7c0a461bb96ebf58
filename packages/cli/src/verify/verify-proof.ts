/** `if-witness verify --proof FILE`: judges a proof of one entry. Needs a key and the entry, no ledger. */
import { existsSync } from 'node:fs';
import { type Entry, MAX_ENTRY_OCTETS, MAX_PROOF_OCTETS, parseTlogProof, utf8Of } from '@infrafabric/format';
import { witnessPaths } from '@infrafabric/ledger/home';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { judgeProof, type ProofReport, readNote } from '@infrafabric/verify/proof';
import { CliError, usageError } from '../cli-error.js';
import { type Paint, paintIf, wantsColor } from '../color.js';
import type { CommonOptions } from '../common-options.js';
import { escapeText } from '../escape.js';
import type { ExitCode } from '../exit-code.js';
import { type JsonOut, renderJson } from '../json-text.js';
import { printOut } from '../output.js';
import { isoOfUnixNano } from '../read/nano-text.js';
import { type ChosenKey, keyOfFlag } from './choose-key.js';
import { localKeyOfNote } from './local-key-of-note.js';
import { readInput } from './read-input.js';

/** What is asked. */
export interface ProofAsked {
  readonly proof: string;
  /** A file with the entry's octets, `-` for stdin. */
  readonly entry: string | undefined;
  readonly key: string | undefined;
}

/** The entry, and where it came from. */
interface GivenEntry {
  readonly octets: Uint8Array;
  readonly from: string;
}

/** Judges, and says so. */
export function verifyProof(asked: ProofAsked, common: CommonOptions): ExitCode {
  if (asked.proof === '-' && asked.entry === '-') throw usageError('--proof and --entry cannot both be stdin');
  const paths = witnessPaths(common);
  const file = readInput(asked.proof, MAX_PROOF_OCTETS, 'the proof');
  const told = toldBy(file);
  const entry = entryOf(asked, common, paths.ledger, told);
  const chosen = asked.key === undefined ? heldKey(paths.home, told) : keyOfFlag(asked.key);
  const report = judgeProof(file, entry.octets, chosen?.key);
  process.exitCode = report.exitCode;
  const paint = paintIf(wantsColor(1, common.color));
  if (common.json) printOut(`${renderJson(reportJson(report, asked.proof, entry, chosen))}\n`);
  else if (common.quiet) printOut(`${verdictLine(report, paint)}\n`);
  else printOut(renderReport(report, asked.proof, entry, chosen, paint));
  return report.exitCode;
}

/** What a proof says of itself, to find entry and key by; nothing of it is trusted. */
interface Told {
  readonly origin: string | undefined;
  readonly index: number | undefined;
  readonly extra: Uint8Array | undefined;
  readonly checkpoint: Uint8Array;
}

function toldBy(file: Uint8Array): Told {
  try {
    const { index, extra, checkpoint } = parseTlogProof(file);
    const read = readNote(checkpoint);
    return { origin: read.ok ? read.checkpoint.origin : undefined, index, extra, checkpoint };
  } catch {
    // That it is none, the judge says.
    return { origin: undefined, index: undefined, extra: undefined, checkpoint: new Uint8Array() };
  }
}

function heldKey(home: string, { origin, checkpoint }: Told): ChosenKey | undefined {
  return origin === undefined ? undefined : localKeyOfNote(home, origin, checkpoint);
}

function entryOf(asked: ProofAsked, common: CommonOptions, ledger: string, { index, extra }: Told): GivenEntry {
  if (asked.entry !== undefined)
    return { octets: readInput(asked.entry, MAX_ENTRY_OCTETS, 'the entry'), from: asked.entry };
  if (extra !== undefined && common.ledger === undefined) return { octets: extra, from: 'the `extra` of the proof' };
  // What is no proof is judged without an entry.
  if (index === undefined) return { octets: new Uint8Array(), from: 'nowhere' };
  const missing = (why: string): CliError =>
    new CliError('usage', `the entry is missing that the proof is about: ${why}`, {
      hint: 'give its octets with --entry, or the ledger that has it with --ledger',
    });
  if (!existsSync(ledger)) throw missing(`the proof does not hold it, and there is no ledger at ${ledger}`);
  const reader = LedgerReader.open(ledger);
  try {
    const text = reader.entryText(index);
    if (text === undefined) throw missing(`there is no entry ${index} in ${ledger}`);
    return { octets: utf8Of(text), from: ledger };
  } finally {
    reader.close();
  }
}

function verdictLine(report: ProofReport, paint: Paint): string {
  const place = `entry ${report.index} is among the ${report.checkpoint?.size.toLocaleString('en')} that were signed`;
  switch (report.code) {
    case 'valid.included':
      return paint.good(`VALID: ${place}`);
    case 'incomplete.self-asserted-key':
      return paint.unsure('INCOMPLETE: no key is held that could vouch for the checkpoint');
    case 'invalid':
      return paint.bad(`INVALID: ${escapeText(report.problems[0]!.message)}`);
  }
}

function renderReport(
  report: ProofReport,
  file: string,
  entry: GivenEntry,
  chosen: ChosenKey | undefined,
  paint: Paint,
): string {
  const { checkpoint, leafHex, index, problems } = report;
  const key = chosen === undefined ? 'none is held' : `${chosen.key.keyIdHex}, from ${escapeText(chosen.from)}`;
  const rows: [string, string][] = [['proof', escapeText(file)]];
  if (index !== undefined)
    rows.push(['entry', `${index}, from ${escapeText(entry.from)}`], ['hash', leafHex ?? 'none']);
  if (report.entry !== undefined) rows.push(['says', saysText(report.entry)]);
  if (checkpoint !== undefined) {
    rows.push(['origin', escapeText(checkpoint.origin)], ['size', checkpoint.size.toLocaleString('en')]);
    rows.push(['root', checkpoint.rootHex]);
  }
  rows.push(['key', key]);
  const lines = [verdictLine(report, paint), ''];
  for (const [title, text] of rows) lines.push(`  ${paint.faint(title.padEnd(11))}  ${text}`);
  if (problems.length > 0) lines.push('', `${problems.length} problem${problems.length === 1 ? '' : 's'}:`);
  for (const { code, message } of problems) lines.push(`  - ${escapeText(message)} [${code}]`);
  lines.push('', 'Not vouched for:', ...report.notVouchedFor.map((limit) => `  - ${limit}`));
  return `${lines.join('\n')}\n`;
}

/** What it is, in its own words. */
function saysText({ type, at, body }: Entry): string {
  const { event, component } = body;
  const words = [event, component].filter((word) => typeof word === 'string').map((word) => escapeText(word));
  return [escapeText(type), ...words, `received ${isoOfUnixNano(BigInt(at))}`].join(', ');
}

function reportJson(report: ProofReport, file: string, entry: GivenEntry, chosen: ChosenKey | undefined): JsonOut {
  const { checkpoint } = report;
  return {
    verdict: report.verdict,
    code: report.code,
    exit_code: report.exitCode,
    proof: file,
    seq: report.index ?? null,
    entry_from: entry.from,
    leaf_hash: report.leafHex ?? null,
    type: report.entry?.type ?? null,
    checkpoint:
      checkpoint === undefined
        ? null
        : { origin: checkpoint.origin, size: checkpoint.size, root_hex: checkpoint.rootHex },
    extra_octets: report.extraOctets,
    key: { source: chosen?.source ?? 'none', from: chosen?.from ?? null, key_id: chosen?.key.keyIdHex ?? null },
    problems: report.problems.map(({ code, message }) => ({ code, message })),
    not_vouched_for: [...report.notVouchedFor],
  };
}
