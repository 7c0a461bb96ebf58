/** The report of `verify --json`. Codes are stable, sentences are not; docs/commands.md has the schema. */
import type { Problem, Report } from '@infrafabric/verify';
import type { JsonOut } from '../json-text.js';
import type { AnsweredWitness } from './ask-witnesses.js';
import { policyJson } from './policy-text.js';
import type { Circumstances } from './render-report.js';

/** The report as an object, in snake_case. */
export function reportJson(
  report: Report,
  { path, created, copied, asked }: Circumstances,
): { readonly [key: string]: JsonOut } {
  const { newestCheckpoint: newest } = report;
  return {
    verdict: report.verdict,
    code: report.code,
    exit_code: report.exitCode,
    ledger: path,
    origin: report.origin ?? null,
    asked: 'all',
    entries: report.entries,
    first_seq: report.entries > 0 ? 0 : null,
    last_seq: report.entries > 0 ? report.entries - 1 : null,
    newest_checkpoint: newest === undefined ? null : { size: newest.size, root_hex: newest.rootHex },
    checkpoints: { checked: report.checkpoints.checked, signatures_checked: report.checkpoints.signaturesChecked },
    payloads: { ...report.payloads },
    key: {
      source: report.key.source,
      from: report.key.from,
      key_id: report.key.keyIdHex ?? null,
      newest_key_id: report.key.newestKeyIdHex ?? null,
      epochs: report.key.epochs,
      reached_by_rotations: report.key.reachedByRotations ?? null,
    },
    head: report.head,
    anchors: [...report.anchors],
    cosignatures: { ...report.cosignatures },
    policy: report.policy === undefined ? null : policyJson(report.policy),
    asked_witnesses: asked === undefined ? null : asked.map(answerJson),
    not_understood: { ...report.notUnderstood },
    imported: { ...report.imported },
    spans_known_lost: report.spansKnownLost,
    problem_count: report.problemCount,
    problems: report.problems.map(problemJson),
    not_vouched_for: [...report.notVouchedFor],
    created,
    copied,
    timings_ms: { ...report.timingsMs },
  };
}

/** A witness's answer, as `anchor --json` and `verify --json` have it. */
export function answerJson({ witness, answer }: AnsweredWitness): JsonOut {
  return {
    witness: witness.name,
    url: witness.url,
    outcome: answer.outcome,
    time_unix_s: answer.outcome === 'cosigned' ? answer.timeUnixS : null,
    size: answer.outcome === 'ahead' || answer.outcome === 'fork' ? answer.size : null,
    reason: answer.outcome === 'failed' ? answer.reason : null,
  };
}

function problemJson({ code, seq, column, message, evidence }: Problem): JsonOut {
  return {
    code,
    seq: seq ?? null,
    column: column ?? null,
    message,
    evidence: evidence === undefined ? null : [...evidence],
  };
}
