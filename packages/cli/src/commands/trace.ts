/** `if-witness trace ID`: everything under a trace id. */
import { witnessPaths } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import type { Command } from 'commander';
import { act, type Invocation } from '../act.js';
import { usageError } from '../cli-error.js';
import { paintIf, wantsColor } from '../color.js';
import type { ExitCode } from '../exit-code.js';
import { renderJson } from '../json-text.js';
import { printOut } from '../output.js';
import { addHelp } from '../program.js';
import { allEntries, selectTrace, type TraceSelection } from '../read/select-trace.js';
import { SpanPayloads } from '../read/span-payloads.js';
import { terminalWidth } from '../terminal-width.js';

interface TraceFlags {
  readonly format?: string;
  readonly ladder?: boolean;
}

const FORMATS = ['text', 'json', 'otlp-json'];

export function define(command: Command): void {
  command.argument('<id>', 'business trace id, or OpenTelemetry trace id or its beginning (4 hex digits or more)');
  command.option('--format <format>', `one of ${FORMATS.join(', ')} (default: text; json with --json)`);
  command.option('--ladder', 'as a call ladder: a column for each party, an arrow for each event');
  addHelp(
    command,
    'Shows everything under a trace id: as a tree with times, tokens, cost, seq and hash.',
    [
      'if-witness trace session-flow-001',
      'if-witness trace 4bf92f35 --format json | grep -A2 cost',
      'if-witness trace sip-call-9f8e7d6c5b4a --ladder',
      'if-witness trace session-flow-001 --format otlp-json > jaeger-upload.json',
    ],
    [
      'Under a business trace id are its own entries, those of its child flows (--parent-trace-id) at any depth, and what\n' +
        'names no flow in the OpenTelemetry traces that these are in. What is shown is not verified here: see verify.',
      'A ladder has the events of calls: SIP, H.323, WebRTC, NDI. Where an event does not say who sent it to whom, its name\n' +
        'and payload do, and the line below counts it. Other entries are left out and counted.',
    ],
  );
  command.action(act<TraceFlags>(trace));
}

async function trace({ flags, args, common }: Invocation<TraceFlags>): Promise<ExitCode> {
  const format = flags.format ?? (common.json ? 'json' : 'text');
  if (!FORMATS.includes(format))
    throw usageError(`--format is one of ${FORMATS.join(', ')}, not ${JSON.stringify(format)}`);
  if (flags.ladder && format === 'otlp-json') throw usageError('--ladder is text or json, not otlp-json');
  const reader = LedgerReader.open(witnessPaths(common).ledger);
  try {
    const selection = selectTrace(reader, args[0]!);
    if (flags.ladder) await printLadder(selection, reader, format === 'json', common.color);
    else if (format === 'text') await printText(selection, reader, common.color);
    else if (format === 'json') await printJson(selection, reader);
    else await printOtlpJson(selection, reader);
  } finally {
    reader.close();
  }
  return 0;
}

async function printText(selection: TraceSelection, reader: LedgerReader, color: boolean): Promise<void> {
  const { renderTrace } = await import('../read/render-trace.js');
  const paint = paintIf(wantsColor(1, color));
  printOut(renderTrace(selection, { width: terminalWidth(), paint, erasedBy: (seq) => reader.redactionOf(seq) }));
}

async function printLadder(
  selection: TraceSelection,
  reader: LedgerReader,
  isJson: boolean,
  color: boolean,
): Promise<void> {
  const { ladderJson, ladderOf } = await import('../read/ladder.js');
  const ladder = ladderOf(selection, new SpanPayloads(reader));
  if (isJson) return printOut(`${renderJson(ladderJson(ladder, selection.businessId))}\n`);
  const { renderLadder } = await import('../read/render-ladder.js');
  printOut(renderLadder(ladder, { width: terminalWidth(), paint: paintIf(wantsColor(1, color)) }));
}

/** Entry by entry, in order of start: attributes and payloads are never all in memory. */
async function printJson({ root, businessId, otelTraceIds }: TraceSelection, reader: LedgerReader): Promise<void> {
  const { spanJson } = await import('../read/span-json.js');
  const { Totals } = await import('../read/totals.js');
  const { countedCalls } = await import('../read/counted-calls.js');
  const payloads = new SpanPayloads(reader);
  const entries = allEntries(root);
  const totals = new Totals();
  for (const { sums, currency } of countedCalls(entries)) totals.add(sums, currency);
  const head = renderJson({ trace_id: businessId ?? null, otel_trace_ids: [...otelTraceIds], entries: [] });
  printOut(head.slice(0, head.lastIndexOf(']')));
  let before = '\n    ';
  for (const entry of entries) {
    printOut(before + renderJson(spanJson(entry, payloads), 2));
    before = ',\n    ';
  }
  printOut(`\n  ],\n  "totals": ${renderJson({ entries: entries.length, ...totals.toJson() }, 1)}\n}\n`);
}

async function printOtlpJson({ root }: TraceSelection, reader: LedgerReader): Promise<void> {
  const { OtlpJsonWriter } = await import('../read/otlp-json-writer.js');
  const { bareSpanOf } = await import('../read/otlp-of-entry.js');
  const payloads = new SpanPayloads(reader);
  const writer = new OtlpJsonWriter(printOut);
  for (const entry of allEntries(root)) {
    const span = payloads.spanOf(entry.seq);
    writer.add(typeof span === 'string' ? bareSpanOf(entry) : span);
  }
  writer.end();
}
