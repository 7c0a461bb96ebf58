/** `if-witness ingest`: OTLP files into the ledger, each span a new entry. */
import { witnessPaths } from '@infrafabric/ledger';
import type { SpanRecord } from '@infrafabric/otlp';
import type { Command } from 'commander';
import { act, type Invocation } from '../act.js';
import { CliError } from '../cli-error.js';
import type { ExitCode } from '../exit-code.js';
import { filesIn, requestsOf } from '../ingest/otlp-files.js';
import { renderJson } from '../json-text.js';
import { SpanRecorder } from '../log/span-recorder.js';
import { printOut } from '../output.js';
import { addHelp } from '../program.js';
import { Progress } from '../progress.js';

interface IngestFlags {
  readonly keepGoing?: true;
}

const COMMIT_SPANS = 512;
const TIMEOUT_MS = 5_000;
/** From so many spans on, a report would notice that their sums are not kept yet. */
const SUM_UP_FROM = 5_000;

export function define(command: Command): void {
  command
    .argument('<files...>', 'OTLP files, or directories of them: JSON, JSON lines, protobuf')
    .option('--keep-going', 'skip what cannot be read instead of stopping at it; then the exit code is 1');
  addHelp(
    command,
    'Writes the spans of OTLP files into the ledger.',
    [
      'if-witness ingest traces.json',
      'if-witness ingest /var/lib/otelcol/traces.jsonl /var/lib/otelcol/archive',
      'if-witness ingest --keep-going --json spans.pb',
    ],
    [
      'It reads what OpenTelemetry exporters and the file exporter of the Collector write: ExportTraceServiceRequest as one JSON\n' +
        'object, as one a line, as one protobuf message, or as many behind 4 octets of length. Spans are entries of now, 512 a\n' +
        'commit. A span that the ledger has already is recognised, so a file may be given again.',
      'Metrics and logs are passed over. Entries of another ledger are restored by import, not by this.',
    ],
  );
  command.action(act<IngestFlags>(ingest));
}

/** What became of the files. */
interface Ingested {
  files: number;
  requests: number;
  spans: number;
  appended: number;
  duplicates: number;
  /** Spans that can never be taken. */
  rejected: number;
  /** Files, lines and messages that cannot be read. */
  skipped: number;
  /** Requests of other signals. */
  others: number;
  firstSeq: number | undefined;
  lastSeq: number | undefined;
}

async function ingest({ flags, args, common, messages }: Invocation<IngestFlags>): Promise<ExitCode> {
  const files = filesIn(args);
  const recorder = new SpanRecorder({
    paths: witnessPaths(common),
    timeoutMs: TIMEOUT_MS,
    useSpool: false,
    longLived: true,
  });
  const progress = new Progress(common.quiet);
  const done: Ingested = {
    files: files.length,
    requests: 0,
    spans: 0,
    appended: 0,
    duplicates: 0,
    rejected: 0,
    skipped: 0,
    others: 0,
    firstSeq: undefined,
    lastSeq: undefined,
  };
  let stoppedBy: CliError | undefined;
  try {
    for (const file of files) {
      for (const read of requestsOf(file)) {
        if ('fault' in read) {
          if (flags.keepGoing !== true) {
            stoppedBy = new CliError('input', `${read.place}: ${read.fault}`, {
              hint: 'what stands before it is in the ledger; --keep-going skips what cannot be read',
            });
            break;
          }
          done.skipped++;
          progress.clear();
          messages.warn(`${read.place} is skipped: ${read.fault}`);
        } else if ('other' in read) done.others++;
        else {
          done.requests++;
          for (const { count, message } of read.request.rejected) {
            done.rejected += count;
            progress.clear();
            messages.warn(`${read.place}: ${count} ${count === 1 ? 'span is' : 'spans are'} refused: ${message}`);
          }
          await record(recorder, read.request.spans, done);
        }
        progress.show(() => `${done.spans.toLocaleString('en')} spans`);
      }
      if (stoppedBy !== undefined) break;
    }
    progress.clear();
    printOut(common.json ? `${renderJson(resultJson(done))}\n` : render(done));
    if (stoppedBy !== undefined) throw stoppedBy;
    await recorder.judge(messages);
    if (done.appended >= SUM_UP_FROM) await recorder.sumUp();
    return done.skipped > 0 || done.rejected > 0 ? 1 : 0;
  } finally {
    progress.clear();
    await recorder.close();
  }
}

async function record(recorder: SpanRecorder, spans: readonly SpanRecord[], done: Ingested): Promise<void> {
  for (let from = 0; from < spans.length; from += COMMIT_SPANS) {
    const recorded = await recorder.record(spans.slice(from, from + COMMIT_SPANS));
    if (recorded.outcome === 'spooled') throw recorded.why;
    for (const { outcome, seq } of recorded.entries) {
      done.spans++;
      if (outcome === 'duplicate') done.duplicates++;
      else {
        done.appended++;
        done.firstSeq ??= seq;
        done.lastSeq = seq;
      }
    }
  }
}

function render({ files, appended, duplicates, rejected, skipped, others, firstSeq, lastSeq }: Ingested): string {
  const parts = [`${appended.toLocaleString('en')} spans appended`];
  if (firstSeq !== undefined) parts[0] += `, seq ${firstSeq} to ${lastSeq}`;
  if (duplicates > 0) parts.push(`${duplicates.toLocaleString('en')} were there already`);
  if (rejected > 0) parts.push(`${rejected.toLocaleString('en')} refused`);
  if (skipped > 0) parts.push(`${skipped.toLocaleString('en')} skipped`);
  if (others > 0) parts.push(`${others.toLocaleString('en')} requests of metrics or logs passed over`);
  return `${parts.join('; ')}; ${files.toLocaleString('en')} ${files === 1 ? 'file' : 'files'}\n`;
}

function resultJson(done: Ingested): Parameters<typeof renderJson>[0] {
  const { firstSeq, lastSeq, others, ...counts } = done;
  return { ...counts, other_signals: others, first_seq: firstSeq ?? null, last_seq: lastSeq ?? null };
}
