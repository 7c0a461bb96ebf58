/** `if-witness replay ID --to URL`: sends a trace from the ledger to an OTLP backend, however long ago it was. */
import { witnessPaths } from '@infrafabric/ledger';
import { LedgerReader, SpanFeed } from '@infrafabric/ledger/reader';
import type { Command } from 'commander';
import { act, type Invocation } from '../act.js';
import { usageError } from '../cli-error.js';
import { escapeText } from '../escape.js';
import type { ExitCode } from '../exit-code.js';
import { renderJson } from '../json-text.js';
import type { Messages } from '../messages.js';
import { counted } from '../number-text.js';
import { printOut } from '../output.js';
import { addHelp } from '../program.js';
import { Progress } from '../progress.js';
import { allEntries, selectTrace } from '../read/select-trace.js';
import { replayTarget, shownUrl, type TargetFlags } from '../replay/replay-target.js';
import { type Replayed, sendSpans } from '../replay/send-spans.js';

interface ReplayFlags extends TargetFlags {
  readonly timeout?: string;
  readonly dryRun?: boolean;
}

const DEFAULT_TIMEOUT_S = '30';
const MAX_TIMEOUT_S = 3600;

export function define(command: Command): void {
  command
    .argument('<id>', 'business trace id, or OpenTelemetry trace id or its beginning (4 hex digits or more)')
    .option('--to <url>', 'OTLP/HTTP backend; /v1/traces is added to a URL without a path')
    .option('--header <name=value>', 'send a header with each request; may be repeated', collect)
    .option('--token-file <file>', 'send what the file holds as Authorization: Bearer …')
    .option('--format <format>', 'one of protobuf, json (default: protobuf)')
    .option('--gzip', 'compress the requests')
    .option('--timeout <seconds>', `how long to try each request (default: ${DEFAULT_TIMEOUT_S})`)
    .option('--dry-run', 'say what would be sent, and send nothing');
  addHelp(
    command,
    'Sends all spans under a trace id from the ledger to an OTLP backend.',
    [
      'if-witness replay session-flow-001 --to http://127.0.0.1:4318',
      'if-witness replay 4bf92f35 --to https://otlp.example.com/v1/traces --token-file token.txt',
      'if-witness replay session-flow-001 --to http://127.0.0.1:4318 --dry-run',
    ],
    [
      'What it sends is what `trace` shows, as it was received, in order of seq. Backends know a span by its ids, so sending\n' +
        'one again does no harm. Without --to it goes where OTEL_EXPORTER_OTLP_TRACES_ENDPOINT or OTEL_EXPORTER_OTLP_ENDPOINT\n' +
        'says, with the headers and protocol of those variables; with --to they are left alone. Other users of this machine\n' +
        'can see command lines: put a token into a file.',
      'Exits with 1 when nothing is under the id, no payload is left to send, or the backend did not take some of the spans.',
    ],
  );
  command.action(act<ReplayFlags>(replay));
}

async function replay({ flags, args, common, messages }: Invocation<ReplayFlags>): Promise<ExitCode> {
  const patienceMs = patienceOf(flags.timeout ?? DEFAULT_TIMEOUT_S);
  const target = replayTarget(flags, process.env);
  const { ledger } = witnessPaths(common);
  const id = args[0]!;
  const seqs = seqsUnder(id, ledger);
  const isDryRun = flags.dryRun === true;
  const progress = new Progress(common.quiet);
  // Not one transaction: sending may take long, and one that is open keeps the ledger's log from being cut.
  const reader = LedgerReader.open(ledger, { sees: 'latest' });
  let replayed: Replayed;
  let gone: Gone;
  try {
    replayed = await sendSpans(seqs, new SpanFeed(reader), {
      target,
      patienceMs,
      isDryRun,
      warn: (message) => messages.warn(message),
      onProgress: (done) =>
        progress.show(() => `${done.toLocaleString('en')} of ${seqs.length.toLocaleString('en')} spans`),
    });
    gone = goneOf(replayed, reader);
  } finally {
    progress.clear();
    reader.close();
  }
  const { spans, requests, rejected, missing } = replayed;
  warnOfGone(gone, messages);
  if (rejected > 0) messages.warn(`the backend did not take ${counted(rejected, 'span')}`);
  const url = shownUrl(target.endpoint);
  if (common.json) {
    printOut(
      `${renderJson({ spans, requests, rejected, missing, erased_by: gone.erasedBy, url, ...(isDryRun ? { dry_run: true } : {}) })}\n`,
    );
  } else {
    const what = `${counted(spans, 'span')} in ${counted(requests, 'request')} to ${escapeText(url)}`;
    printOut(isDryRun ? `would send ${what}\n` : `${what}\n`);
  }
  return rejected > 0 || spans === 0 ? 1 : 0;
}

/** In order of seq. @throws CliError `not-found`, `ambiguous` */
function seqsUnder(id: string, ledger: string): number[] {
  const reader = LedgerReader.open(ledger);
  try {
    return allEntries(selectTrace(reader, id).root)
      .map(({ seq }) => seq)
      .sort((a, b) => a - b);
  } finally {
    reader.close();
  }
}

/** Why spans could not be sent. */
interface Gone {
  readonly erased: number;
  /** Seqs of the entries that erased them, in order, each once. */
  readonly erasedBy: readonly number[];
  readonly others: number;
}

function goneOf({ missing, goneSeqs }: Replayed, reader: LedgerReader): Gone {
  const by = goneSeqs.flatMap((seq) => reader.redactionOf(seq) ?? []);
  const erasedBy = [...new Set(by)].sort((a, b) => a - b);
  return { erased: by.length, erasedBy, others: missing - by.length };
}

/** Redaction entries that a warning names. */
const MOST_NAMED = 5;

function warnOfGone({ erased, erasedBy, others }: Gone, messages: Messages): void {
  if (erased > 0) {
    const named = erasedBy.slice(0, MOST_NAMED).join(', ');
    const more = erasedBy.length > MOST_NAMED ? ` and ${(erasedBy.length - MOST_NAMED).toLocaleString('en')} more` : '';
    const by = erasedBy.length === 1 ? `entry ${named}` : `entries ${named}${more}`;
    messages.warn(`${counted(erased, 'span')} cannot be sent: the payload was erased by ${by}`);
  }
  if (others > 0) {
    const why = 'the payload is damaged, or gone and no redaction entry says why; run if-witness verify';
    messages.warn(`${counted(others, 'span')} cannot be sent: ${why}`);
  }
}

function patienceOf(text: string): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (seconds > 0 && seconds <= MAX_TIMEOUT_S) return seconds * 1_000;
  throw usageError(`--timeout must be above 0 and at most ${MAX_TIMEOUT_S} seconds, not ${JSON.stringify(text)}`);
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}
