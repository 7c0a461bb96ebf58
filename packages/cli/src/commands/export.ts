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
import { bar, Progress } from '../progress.js';
import type { ExportWriter } from '../read/export-writer.js';
import { EXPORT_FORMATS, type LedgerHeader } from '../read/export-writers.js';
import { allEntries, selectTrace } from '../read/select-trace.js';
import { SpanPayloads } from '../read/span-payloads.js';
import { type FoundEntry, storedEntries } from '../read/stored-entries.js';
import { writeTiles } from '../tiles/write-tiles.js';

/** Files in a directory of their own: no stream of entries. */
const TILES = 'tiles';

interface ExportFlags {
  readonly traceId?: string;
  readonly format?: string;
  readonly output?: string;
}

export function define(command: Command): void {
  const formats = formatNames();
  command
    .option('--trace-id <id>', 'only what `trace` shows under this id')
    .option('--format <format>', `one of ${formats} (default: json)`)
    .option('--output <file>', 'write to a file, mode 0600, instead of stdout; of tiles the directory');
  addHelp(
    command,
    'Writes entries out as JSON, CSV or OTLP, calls as call detail records, the whole log as tiles.',
    [
      'if-witness export --trace-id session-flow-001 --format json --output call.json',
      'if-witness export --format csv > ledger.csv',
      'if-witness export --format otlp-json --output upload.json    # Jaeger: Upload',
      'if-witness export --format cdr > calls.csv',
      'if-witness export --format tiles --output /srv/www/log',
    ],
    [
      'json has every entry, csv one line for each, otlp-json the spans with all that was received. In CSV, text that a\n' +
        'spreadsheet would take for a formula gets an apostrophe. What is exported is not verified: see verify. An entry that\n' +
        'cannot be read is exported as malformed.',
      'cdr has one CSV line for each call (SIP, H.323, WebRTC): from, to, start, setup time, duration, who hung up, last code,\n' +
        'estimated MOS, and where its entries are; cdr-json the same as JSON.',
      'tiles writes a C2SP tlog-tiles directory, which any web server can serve and tools of others can check: every entry,\n' +
        'the tree over them, the newest checkpoint; no payload. In a directory that it wrote before, it adds what is new.',
    ],
  );
  command.action(act<ExportFlags>(exportEntries));
}

function exportEntries({ flags, common, messages }: Invocation<ExportFlags>): ExitCode {
  const format = flags.format ?? 'json';
  if (format === TILES) return exportTiles(flags, common, messages);
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
    const found = flags.traceId === undefined ? storedEntries(reader) : selected(reader, flags.traceId);
    output = flags.output === undefined ? undefined : openFileOutput(flags.output, ledger);
    const isCsv = format === 'csv' || format === 'cdr';
    const stdout = new BufferedOut(isCsv ? (text) => escapeLines(text.replaceAll('\r\n', '\n')) : undefined);
    const writer = writerOf(output?.write ?? stdout.write, new SpanPayloads(reader), headerOf(reader));
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

function formatNames(): string {
  return [...Object.keys(EXPORT_FORMATS), TILES].join(', ');
}

function exportTiles(
  { output, traceId }: ExportFlags,
  common: Invocation<ExportFlags>['common'],
  messages: Invocation<ExportFlags>['messages'],
): ExitCode {
  if (traceId !== undefined) throw usageError('--format tiles is of the whole ledger, not of a --trace-id');
  if (output === undefined || output === '') {
    throw usageError('--format tiles needs --output', 'name a directory: a new one, or one that it wrote before');
  }
  const reader = LedgerReader.open(witnessPaths(common).ledger);
  const progress = new Progress(common.quiet);
  try {
    const { origin, size, added, files } = writeTiles(reader, output, (stage, done, all) =>
      progress.show(() => `${bar(done, all)} ${stage === 'entries' ? 'writing' : 'syncing'}`),
    );
    progress.clear();
    if (common.json) printOut(`${renderJson({ output, format: TILES, origin, size, added, files })}\n`);
    else messages.note(`${size.toLocaleString('en')} entries in ${output}, ${added.toLocaleString('en')} of them new`);
  } finally {
    progress.clear();
    reader.close();
  }
  return 0;
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
