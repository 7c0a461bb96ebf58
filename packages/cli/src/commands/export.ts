/** `if-witness export`: entries out of the ledger, for other programs. */
import { textOfUtf8 } from '@infrafabric/format';
import { witnessPaths } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { readNote } from '@infrafabric/verify';
import type { Command } from 'commander';
import { act, type Invocation } from '../act.js';
import { BufferedOut } from '../buffered-out.js';
import { usageError } from '../cli-error.js';
import { escapeLines } from '../escape.js';
import type { ExitCode } from '../exit-code.js';
import { type FileOutput, openFileOutput } from '../file-output.js';
import { renderJson } from '../json-text.js';
import { printOut } from '../output.js';
import { addHelp } from '../program.js';
import { Progress } from '../progress.js';
import type { ExportWriter } from '../read/export-writer.js';
import { EXPORT_FORMATS, type LedgerHeader } from '../read/export-writers.js';
import { allEntries, selectTrace } from '../read/select-trace.js';
import { SpanPayloads } from '../read/span-payloads.js';
import { type FoundEntry, storedEntries } from '../read/stored-entries.js';
import { StoredOctets } from '../read/stored-octets.js';
import { type AskedTime, addTimeFlags, askedTime, type TimeFlags } from '../report/time-range.js';

/** Written by modules of their own, which other forms do not need. */
const BUNDLE = 'bundle';
const TILES = 'tiles';

interface ExportFlags extends TimeFlags {
  readonly traceId?: string;
  readonly key?: string;
  readonly anchor?: readonly string[];
  /** False when `--no-payloads` was given. */
  readonly payloads?: boolean;
  readonly format?: string;
  readonly output?: string;
}

export function define(command: Command): void {
  const formats = formatNames();
  command
    .option('--trace-id <id>', 'only what `trace` shows under this id')
    .option('--format <format>', `one of ${formats} (default: json)`)
    .option('--output <file>', 'write to a file, mode 0600, instead of stdout; of tiles the directory');
  addTimeFlags(command);
  command
    .option('--key <vkey>', 'with bundle: the key that must have signed the checkpoint (default: as in `anchor`)')
    .option(
      '--anchor <file>',
      'with bundle: an anchor that the bundle shall be comparable with; may be repeated',
      (file, files: string[] = []) => [...files, file],
    )
    .option('--no-payloads', 'with bundle: entries without what was sent, for who may not read that');
  addHelp(
    command,
    'Writes entries out as JSON, CSV or OTLP, calls as call detail records, the whole log as tiles.',
    [
      'if-witness export --trace-id session-flow-001 --format json --output call.json',
      'if-witness export --format csv > ledger.csv',
      'if-witness export --format otlp-json --output upload.json    # Jaeger: Upload',
      'if-witness export --format cdr > calls.csv',
      'if-witness export --format tiles --output /srv/www/log',
      'if-witness export --trace-id session-flow-001 --format bundle --output call.bundle',
    ],
    [
      'json has every entry and can be imported again, csv one line for each, otlp-json the spans with all that was received.\n' +
        'In CSV, text that a spreadsheet would take for a formula gets an apostrophe. What is exported is not verified: see\n' +
        'verify. An entry that cannot be read is exported as malformed.',
      'cdr has one CSV line for each call (SIP, H.323, WebRTC): from, to, start, setup time, duration, who hung up, last code,\n' +
        'estimated MOS, and where its entries are; cdr-json the same as JSON.',
      'bundle is evidence: entries, payloads and the hashes that tie them to the newest checkpoint, in one file that\n' +
        '`verify --bundle` or the page of `verify --page` judges without this ledger. The same selection of the same ledger\n' +
        'gives the same octets. --since, --until and --last select by receive time, which every entry has.',
      'tiles writes a C2SP tlog-tiles directory, which any web server can serve and tools of others can check: every entry,\n' +
        'the tree over them, the newest checkpoint; no payload. In a directory that it wrote before, it adds what is new.',
    ],
  );
  command.action(act<ExportFlags>(exportEntries));
}

async function exportEntries({ flags, common, messages }: Invocation<ExportFlags>): Promise<ExitCode> {
  const format = flags.format ?? 'json';
  const time = timeOf(flags);
  if (format === BUNDLE) {
    if (flags.output === '') throw usageError('--output is empty');
    const { exportBundle } = await import('../read/export-bundle.js');
    const { traceId, output, key, anchor = [], payloads = true } = flags;
    exportBundle({ traceId, time, output, key, anchors: anchor, payloads }, common, messages);
    return 0;
  }
  if (flags.key !== undefined || flags.anchor !== undefined || flags.payloads === false)
    throw usageError('--key, --anchor and --no-payloads go with --format bundle');
  if (format === TILES) {
    if (flags.traceId !== undefined || time !== undefined)
      throw usageError('--format tiles is of the whole ledger, not of a --trace-id or a time');
    const { exportTiles } = await import('../tiles/export-tiles.js');
    exportTiles(flags.output, common, messages);
    return 0;
  }
  const writerOf = Object.hasOwn(EXPORT_FORMATS, format) ? EXPORT_FORMATS[format] : undefined;
  if (writerOf === undefined) {
    throw usageError(`--format is one of ${formatNames()}, not ${JSON.stringify(format)}`);
  }
  if (flags.output === '') throw usageError('--output is empty');
  const { ledger } = witnessPaths(common);
  const reader = LedgerReader.open(ledger);
  const progress = new Progress(common.quiet || flags.output === undefined);
  let output: FileOutput | undefined;
  try {
    const stored = flags.traceId === undefined ? storedEntries(reader) : selected(reader, flags.traceId);
    const found = time === undefined ? stored : receivedIn(stored, time);
    output = flags.output === undefined ? undefined : openFileOutput(flags.output, ledger);
    const isCsv = format === 'csv' || format === 'cdr';
    const stdout = new BufferedOut(isCsv ? (text) => escapeLines(text.replaceAll('\r\n', '\n')) : undefined);
    const writer = writerOf(
      output?.write ?? stdout.write,
      new SpanPayloads(reader),
      headerOf(reader),
      new StoredOctets(reader),
    );
    const { entries, malformed, calls } = writeAll(found, writer, progress);
    stdout.flush();
    output?.commit();
    if (malformed > 0) messages.warn(`${malformed} entries cannot be read; run if-witness verify`);
    if (flags.output !== undefined) {
      if (common.json) printOut(`${renderJson({ output: flags.output, format, entries, malformed, calls })}\n`);
      else
        messages.note(
          `${(calls ?? entries).toLocaleString('en')} ${calls === undefined ? 'entries' : 'calls'} in ${flags.output}`,
        );
    }
  } finally {
    progress.clear();
    output?.abandon();
    reader.close();
  }
  return 0;
}

function timeOf(flags: ExportFlags): AskedTime | undefined {
  const asked = askedTime(flags);
  return asked.sinceUnixNano === undefined && asked.untilUnixNano === undefined ? undefined : asked;
}

/** What cannot be read was received at no time. */
function* receivedIn(found: Iterable<FoundEntry>, time: AskedTime): Generator<FoundEntry> {
  const { sinceUnixNano = 0n, untilUnixNano } = time;
  for (const each of found) {
    if (each.kind === 'malformed') continue;
    const at = each.kind === 'span' ? each.entry.receivedUnixNano : BigInt(each.entry.at);
    if (at >= sinceUnixNano && (untilUnixNano === undefined || at < untilUnixNano)) yield each;
  }
}

function formatNames(): string {
  return [...Object.keys(EXPORT_FORMATS), BUNDLE, TILES].join(', ');
}

function* selected(reader: LedgerReader, id: string): Generator<FoundEntry> {
  const entries = allEntries(selectTrace(reader, id).root).sort((a, b) => a.seq - b.seq);
  for (const entry of entries) yield { kind: 'span', entry };
}

function writeAll(
  found: Iterable<FoundEntry>,
  writer: ExportWriter,
  progress: Progress,
): { entries: number; malformed: number; calls: number | undefined } {
  let entries = 0;
  let malformed = 0;
  for (const each of found) {
    writer.add(each);
    entries++;
    if (each.kind === 'malformed') malformed++;
    progress.show(() => `${entries.toLocaleString('en')} entries`);
  }
  return { entries, malformed, calls: writer.end()?.calls };
}

function headerOf(reader: LedgerReader): LedgerHeader {
  const note = reader.newestNote();
  const read = note === undefined ? undefined : readNote(note);
  if (note === undefined || read?.ok !== true) return { origin: null, size: reader.entryCount(), checkpoint: null };
  return { origin: read.checkpoint.origin, size: reader.entryCount(), checkpoint: textOfUtf8(note) };
}
