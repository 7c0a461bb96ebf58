/** The two forms of call detail records: CSV and JSON. docs/commands.md has their columns. */
import { type JsonOut, RawJson, renderJson } from '../json-text.js';
import { type CallQuality, type CallRecord, CallRecords } from './cdr.js';
import { type Cell, csvLine } from './csv.js';
import type { ErasedPayloads } from './erased-payloads.js';
import type { ExportWriter } from './export-writer.js';
import { isoOfUnixNano } from './nano-text.js';
import type { SpanPayloads } from './span-payloads.js';

type Write = (text: string) => void;

const COLUMNS = [
  ...['kind', 'call_id', 'from', 'to', 'start', 'setup_ms', 'duration_ms', 'hangup_party', 'last_code', 'end_reason'],
  ...['mos_estimated', 'loss_percent', 'jitter_ms', 'rtt_ms', 'trace_id', 'component', 'service', 'source'],
  ...['entries', 'first_seq', 'last_seq', 'first_hash', 'last_hash'],
];

/** `--format cdr`. */
export function cdrCsvWriter(write: Write, payloads: SpanPayloads): ExportWriter {
  return cdrWriter(payloads, (records) => {
    write(csvLine(COLUMNS));
    for (const record of records) write(csvLine(cellsOf(record)));
  });
}

/** `--format cdr-json`. */
export function cdrJsonWriter(write: Write, payloads: SpanPayloads): ExportWriter {
  return cdrWriter(payloads, (records) => {
    write('{\n  "calls": [');
    for (const [i, record] of records.entries()) write(`${i === 0 ? '' : ','}\n    ${renderJson(jsonOf(record), 2)}`);
    write(records.length === 0 ? ']\n}\n' : '\n  ]\n}\n');
  });
}

function cdrWriter(payloads: SpanPayloads, writeAll: (records: readonly CallRecord[]) => void): ExportWriter {
  const calls = new CallRecords(payloads);
  return {
    add: (found) => {
      if (found.kind === 'span') calls.add(found.entry);
    },
    end: () => {
      const records = calls.records();
      writeAll(records);
      return { calls: records.length };
    },
  };
}

function cellsOf(record: CallRecord): Cell[] {
  const { first, last, quality } = record;
  const foreign = (text: string | undefined): Cell => ({ foreign: text });
  return [
    record.kind,
    ...[record.callId, record.from, record.to].map(foreign),
    isoOfUnixNano(record.startUnixNano),
    ...[record.setupMs, record.durationMs].map(numberCell),
    ...[record.hangupParty, record.lastCode, record.endReason].map(foreign),
    ...[quality.mosEstimated, quality.lossPercent, quality.jitterMs, quality.rttMs].map(numberCell),
    ...[record.traceId, record.component, record.service].map(foreign),
    record.source,
    ...[record.entries, first.seq, last.seq, first.hashHex, last.hashHex],
  ];
}

function jsonOf(record: CallRecord): JsonOut {
  const { first, last, erased } = record;
  return {
    kind: record.kind,
    call_id: record.callId ?? null,
    from: record.from ?? null,
    to: record.to ?? null,
    start: isoOfUnixNano(record.startUnixNano),
    setup_ms: numberJson(record.setupMs),
    duration_ms: numberJson(record.durationMs),
    hangup_party: record.hangupParty ?? null,
    last_code: record.lastCode ?? null,
    end_reason: record.endReason ?? null,
    quality: qualityJson(record.quality),
    trace_id: record.traceId,
    component: record.component ?? null,
    service: record.service ?? null,
    source: record.source,
    entries: record.entries,
    payloads_erased: erased && erasedJson(erased),
    first_seq: first.seq,
    last_seq: last.seq,
    first_hash: first.hashHex,
    last_hash: last.hashHex,
  };
}

function erasedJson({ count, firstBy, lastBy }: ErasedPayloads): JsonOut {
  return { count, first_by: firstBy, last_by: lastBy };
}

function qualityJson({ mosEstimated, lossPercent, jitterMs, rttMs }: CallQuality): JsonOut {
  if ([mosEstimated, lossPercent, jitterMs, rttMs].every((known) => known === undefined)) return null;
  return {
    mos_estimated: numberJson(mosEstimated),
    loss_percent: numberJson(lossPercent),
    jitter_ms: numberJson(jitterMs),
    rtt_ms: numberJson(rttMs),
  };
}

const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?$/;

/** A number as it was written; text that is none is foreign. */
function numberCell(text: string | undefined): Cell {
  return text === undefined || NUMBER.test(text) ? text : { foreign: text };
}

function numberJson(text: string | undefined): JsonOut {
  return text === undefined ? null : NUMBER.test(text) ? new RawJson(text) : text;
}
