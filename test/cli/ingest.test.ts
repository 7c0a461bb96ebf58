/** `ingest`: every form in which OTLP lies in files, into the ledger. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { encodeTraceRequest, renderTraceRequestJson, type SpanRecord } from '@infrafabric/otlp';
import { describe, expect, test } from 'vitest';
import { spanRecord } from '../attacks/spans.js';
import { Home } from './run.js';

const records = (from: number, count: number): SpanRecord[] =>
  Array.from({ length: count }, (_, i) => spanRecord(from + i));

function delimited(...messages: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    messages.flatMap((message) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(message.length);
      return [length, message];
    }),
  );
}

/** A file beside a home. */
function file(home: Home, name: string, content: string | Uint8Array): string {
  const path = home.beside(name);
  writeFileSync(path, content);
  return path;
}

function ingested(home: Home, ...args: string[]): Record<string, unknown> {
  const ran = home.witness(['ingest', '--json', ...args]);
  expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
  return JSON.parse(ran.stdout) as Record<string, unknown>;
}

const json = (from: number, count: number): string => renderTraceRequestJson(records(from, count));

describe('a file', () => {
  test.each<[string, string | Uint8Array]>([
    ['one JSON object', json(1, 4)],
    ['one JSON object over many lines', JSON.stringify(JSON.parse(json(1, 4)), null, 2)],
    ['JSON lines', `${json(1, 2)}\n\n${json(3, 2)}\n`],
    ['JSON lines with CRLF and a byte order mark', `\ufeff${json(1, 2)}\r\n${json(3, 2)}\r\n`],
    ['one protobuf message', encodeTraceRequest(records(1, 4))],
    [
      'protobuf messages behind their lengths',
      delimited(encodeTraceRequest(records(1, 2)), encodeTraceRequest(records(3, 2))),
    ],
    ['JSON lines with metrics and logs between', `{"resourceMetrics":[]}\n${json(1, 4)}\n{"resourceLogs":[]}\n`],
  ])('as %s: its spans, whole; given again, nothing more', (name, content) => {
    const home = new Home();
    const path = file(home, 'spans', content);
    expect(ingested(home, path)).toMatchObject({ files: 1, spans: 4, appended: 4, first_seq: 1, last_seq: 4 });
    expect(ingested(home, path)).toMatchObject({ appended: 0, duplicates: 4, first_seq: null });
    const exported = home.witness(['export', '--format', 'otlp-json']).stdout;
    expect(JSON.parse(exported)).toEqual(JSON.parse(json(1, 4)));
    expect(ingested(home, path).other_signals).toBe(name.includes('metrics') ? 2 : 0);
    expect(home.witness(['verify', '-q'])).toMatchObject({ exitCode: 0 });
  });

  test('that another ledger exported for Jaeger', () => {
    const [home, other] = [new Home(), new Home()];
    const path = file(home, 'spans', json(1, 30));
    ingested(home, path);
    const exported = home.beside('export.json');
    home.witness(['export', '--format', 'otlp-json', '--output', exported]);
    expect(ingested(other, exported)).toMatchObject({ appended: 30 });
  });

  test('with more spans than a commit', () => {
    const home = new Home();
    expect(ingested(home, file(home, 'spans', encodeTraceRequest(records(1, 1_300))))).toMatchObject({
      appended: 1_300,
    });
    expect(JSON.parse(home.witness(['verify', '--json']).stdout)).toMatchObject({ checkpoints: { checked: 4 } });
  });
});

test('a directory: its files in order of their names, those below too, hidden ones not', () => {
  const home = new Home();
  const directory = home.beside('files');
  mkdirSync(join(directory, 'c'), { recursive: true });
  writeFileSync(join(directory, 'b.pb'), encodeTraceRequest(records(2, 1)));
  writeFileSync(join(directory, 'a.json'), json(1, 1));
  writeFileSync(join(directory, 'c', 'd.jsonl'), `${json(3, 1)}\n`);
  writeFileSync(join(directory, '.hidden'), 'nothing');
  expect(ingested(home, directory)).toMatchObject({ files: 3, appended: 3 });
  const entries = JSON.parse(home.witness(['export']).stdout) as { entries: { event?: string }[] };
  expect(entries.entries.slice(1).map(({ event }) => event)).toEqual(['request 1', 'request 2', 'request 3']);
});

describe('what cannot be read', () => {
  test.each<[string, string | Uint8Array, string]>([
    ['a bad line', `${json(1, 2)}\n{"resourceSpans":[{]}\n${json(3, 2)}\n`, 'line 2: not JSON'],
    ['a line of another shape', `${json(1, 2)}\n{"resourceSpans":7}\n`, 'line 2: '],
    [
      'a message that is cut off',
      delimited(encodeTraceRequest(records(1, 2)), encodeTraceRequest(records(3, 2))).subarray(0, -5),
      'message 2: it is cut off',
    ],
  ])('%s: stops there, and what stands before it is in the ledger', (_, content, message) => {
    const home = new Home();
    const ran = home.witness(['ingest', '--json', file(home, 'spans', content)]);
    expect(ran).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(message) });
    expect(JSON.parse(ran.stdout)).toMatchObject({ appended: 2 });
    expect(home.witness(['verify', '-q'])).toMatchObject({ exitCode: 0 });
  });

  test('--keep-going takes the rest, and exits with 1', () => {
    const home = new Home();
    const content = `${json(1, 2)}\n{"resourceSpans":[{]}\n${json(3, 2)}\n`;
    const ran = home.witness([
      'ingest',
      '--keep-going',
      '--json',
      file(home, 'a', content),
      file(home, 'b', json(5, 1)),
    ]);
    expect(ran).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('line 2 is skipped') });
    expect(JSON.parse(ran.stdout)).toMatchObject({ files: 2, appended: 5, skipped: 1 });
  });

  test('a span that can never be taken is counted, the others are taken', () => {
    const home = new Home();
    const request = JSON.parse(json(1, 2)) as { resourceSpans: { scopeSpans: { spans: { traceId: string }[] }[] }[] };
    request.resourceSpans[0]!.scopeSpans[0]!.spans[0]!.traceId = '00'.repeat(16);
    const ran = home.witness(['ingest', '--json', file(home, 'a', JSON.stringify(request))]);
    expect(ran).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('1 span is refused: trace_id') });
    expect(JSON.parse(ran.stdout)).toMatchObject({ appended: 1, rejected: 1 });
  });

  test.each<[string, string | Uint8Array, string]>([
    ['compressed', gzipSync(json(1, 1)), 'unpack it first'],
    ['of text', 'hello', 'it is no OTLP'],
  ])('a file that is %s', (_, content, message) => {
    const home = new Home();
    const ran = home.witness(['ingest', file(home, 'x', content)]);
    expect(ran).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(message) });
  });

  test('a file that is not there', () => {
    const ran = new Home().witness(['ingest', '/nonexistent/file']);
    expect(ran).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining('cannot be read') });
  });
});
