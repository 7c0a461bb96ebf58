/**
 * The forms of `export`. Those of entries write one by one, so that a million of them need no more memory than one; those of
 * calls are written at the end.
 */
import { decimalUsd } from '@infrafabric/accounting';
import { leafHashHex } from '@infrafabric/format';
import { WITNESS_PAYLOAD } from '@infrafabric/semconv';
import { type JsonOut, renderJson } from '../json-text.js';
import { cdrCsvWriter, cdrJsonWriter } from './cdr-writers.js';
import { type Cell, csvLine } from './csv.js';
import { controlEntryJson } from './entry-json.js';
import type { ExportWriter } from './export-writer.js';
import { exactMs, isoOfUnixNano } from './nano-text.js';
import { OtlpJsonWriter } from './otlp-json-writer.js';
import { bareSpanOf } from './otlp-of-entry.js';
import { spanJson } from './span-json.js';
import { kindName, statusName, tokensIn, tokensOut } from './span-names.js';
import type { SpanPayloads } from './span-payloads.js';
import type { FoundEntry } from './stored-entries.js';
import type { StoredOctets } from './stored-octets.js';

/** What the export says about the ledger it is of. */
export interface LedgerHeader {
  readonly origin: string | null;
  readonly size: number;
  /** Newest checkpoint note. */
  readonly checkpoint: string | null;
}

type Write = (text: string) => void;

/** Names of the forms. */
export const EXPORT_FORMATS: Readonly<
  Record<string, (write: Write, payloads: SpanPayloads, header: LedgerHeader, stored: StoredOctets) => ExportWriter>
> = {
  json: jsonWriter,
  csv: csvWriter,
  'otlp-json': otlpWriter,
  cdr: cdrCsvWriter,
  'cdr-json': cdrJsonWriter,
};

function jsonWriter(
  write: Write,
  payloads: SpanPayloads,
  { origin, size, checkpoint }: LedgerHeader,
  stored: StoredOctets,
): ExportWriter {
  write(`{\n  "ledger": ${renderJson({ origin, size, checkpoint }, 1)},\n  "entries": [`);
  let before = '\n    ';
  return {
    add: (found) => {
      write(before + renderJson({ ...entryJson(found, payloads), stored: stored.of(seqOf(found)) }, 2));
      before = ',\n    ';
    },
    end: () => {
      write('\n  ],\n  "contexts": [');
      before = '\n    ';
      for (const context of stored.contexts()) {
        write(before + renderJson(context, 2));
        before = ',\n    ';
      }
      write('\n  ]\n}\n');
      return undefined;
    },
  };
}

function seqOf(found: FoundEntry): number {
  return found.kind === 'span' ? found.entry.seq : found.seq;
}

function entryJson(found: FoundEntry, payloads: SpanPayloads): { readonly [member: string]: JsonOut | undefined } {
  switch (found.kind) {
    case 'span':
      return spanJson(found.entry, payloads);
    case 'control':
      return controlEntryJson(found.seq, found.text, found.entry);
    case 'malformed':
      return { seq: found.seq, hash: null, type: 'malformed', text: found.text ?? null };
  }
}

const CSV_COLUMNS = [
  ...['seq', 'hash', 'type', 'received', 'event', 'component', 'service', 'trace_id', 'parent_trace_id'],
  ...['otel_trace_id', 'span_id', 'parent_span_id', 'kind', 'status', 'start', 'end', 'duration_ms'],
  ...['tokens_in', 'tokens_out', 'model', 'provider', 'cost_usd', 'cost_source', 'payload'],
  'payload_erased_by',
];

function csvWriter(write: Write, payloads: SpanPayloads): ExportWriter {
  write(csvLine(CSV_COLUMNS));
  return { add: (found) => write(csvLine(csvCells(found, payloads))), end: () => undefined };
}

function csvCells(found: FoundEntry, payloads: SpanPayloads): Cell[] {
  if (found.kind === 'malformed') return [found.seq, '', 'malformed', ...emptyCells(CSV_COLUMNS.length - 3)];
  if (found.kind === 'control') {
    return [
      found.seq,
      leafHashHex(found.text),
      { foreign: found.entry.type },
      isoOfUnixNano(BigInt(found.entry.at)),
      ...emptyCells(CSV_COLUMNS.length - 4),
    ];
  }
  const { entry } = found;
  const span = payloads.spanOf(entry.seq);
  const payload = typeof span === 'string' ? undefined : span.attributes.find(([key]) => key === WITNESS_PAYLOAD)?.[1];
  const { charge } = entry;
  return [
    entry.seq,
    entry.hashHex,
    entry.imported === undefined ? 'span' : 'import',
    isoOfUnixNano(entry.receivedUnixNano),
    { foreign: entry.event },
    { foreign: entry.component },
    { foreign: entry.service },
    { foreign: entry.businessId },
    { foreign: entry.businessParentId },
    { foreign: entry.traceId },
    { foreign: entry.spanId },
    { foreign: entry.parentSpanId },
    kindName(entry.kind),
    statusName(entry.status),
    isoOfUnixNano(entry.startUnixNano),
    isoOfUnixNano(entry.endUnixNano),
    exactMs(entry.endUnixNano - entry.startUnixNano),
    tokensIn(entry),
    tokensOut(entry),
    { foreign: entry.model },
    { foreign: entry.provider },
    charge?.costPico !== undefined && charge.currency === 'USD' ? decimalUsd(charge.costPico) : undefined,
    charge?.source,
    { foreign: typeof payload === 'string' ? payload : undefined },
    span === 'erased' ? payloads.erasedBy(entry.seq) : undefined,
  ];
}

function emptyCells(count: number): undefined[] {
  return Array.from({ length: count }, () => undefined);
}

/** Spans only. One whose payload is gone is written with what its entry signs in clear. */
function otlpWriter(write: Write, payloads: SpanPayloads): ExportWriter {
  const writer = new OtlpJsonWriter(write);
  return {
    add: (found) => {
      if (found.kind !== 'span') return;
      const span = payloads.spanOf(found.entry.seq);
      writer.add(typeof span === 'string' ? bareSpanOf(found.entry) : span);
    },
    end: () => {
      writer.end();
      return undefined;
    },
  };
}
