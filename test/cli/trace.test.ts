import { traceIdOfBusinessId } from '@infrafabric/format';
import { draftSpan, Ledger } from '@infrafabric/ledger';
import { type KeyValue, parseTraceRequestJson, type SpanRecord } from '@infrafabric/otlp';
import Sqlite from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { type EntryJson, Home } from './run.js';

/** A span of some instrumented service. */
function span(fields: Partial<SpanRecord> & { readonly spanId: string }): SpanRecord {
  return {
    traceId: 'aaaa0000000000000000000000000001',
    parentSpanId: '',
    traceState: '',
    flags: 1,
    name: 'span',
    kind: 2,
    startUnixNano: 1_762_855_200_000_000_000n,
    endUnixNano: 1_762_855_200_001_000_000n,
    attributes: [],
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    status: { code: 0, message: '' },
    resource: { attributes: [['service.name', 'shop']], droppedAttributesCount: 0, entityRefs: [], schemaUrl: '' },
    scope: { name: 'test', version: '', attributes: [], droppedAttributesCount: 0, schemaUrl: '' },
    lossy: [],
    ...fields,
  };
}

async function append(home: Home, ...records: SpanRecord[]): Promise<void> {
  const ledger = await Ledger.open({ home: home.path });
  await ledger.append(records.map(draftSpan));
  await ledger.close();
}

const business = (id: string): KeyValue => ['witness.trace.id', id];
const names = (entries: readonly EntryJson[]): string[] => entries.map(({ event }) => event);

describe('trace', () => {
  test('of a business id has its child flows at any depth, circles included', () => {
    const home = new Home();
    home.log('top', 'session-flow-001');
    home.log('frame', 'ndi-frame-42', '--parent-trace-id', 'session-flow-001');
    home.log('call', 'sip-invite-456', '--parent-trace-id', 'session-flow-001');
    home.log('deep', 'sub', '--parent-trace-id', 'sip-invite-456');
    home.log('circle', 'session-flow-001', '--parent-trace-id', 'sub');
    home.log('other', 'elsewhere');
    expect(names(home.trace('session-flow-001').entries).sort()).toEqual(['call', 'circle', 'deep', 'frame', 'top']);
    expect(names(home.trace('sub').entries)).toHaveLength(5);
    expect(names(home.trace('ndi-frame-42').entries)).toEqual(['frame']);
    const { stdout } = home.witness(['trace', 'session-flow-001']);
    expect(stdout).toMatch(
      / session-flow-001\n.*├─ top .*\n.*├─ circle .*\n.*├─ ndi-frame-42\n.*│ {2}└─ frame .*\n.*└─ sip-invite-456\n.* {3}├─ call .*\n.* {3}└─ sub\n.* {6}└─ deep /,
    );
  });

  test('has all spans of the OpenTelemetry traces that the business id is in', async () => {
    const home = new Home();
    await append(
      home,
      span({ spanId: '0000000000000001', name: 'GET /', attributes: [business('flow')] }),
      span({ spanId: '0000000000000002', parentSpanId: '0000000000000001', name: 'SELECT' }),
      span({ spanId: '0000000000000003', traceId: traceIdOfBusinessId('flow'), name: 'by derived id alone' }),
      span({ spanId: '0000000000000004', traceId: 'bbbb0000000000000000000000000001', name: 'not of it' }),
    );
    const { entries, otel_trace_ids } = home.trace('flow');
    expect(names(entries).sort()).toEqual(['GET /', 'SELECT', 'by derived id alone']);
    expect(otel_trace_ids).toHaveLength(2);
    expect(home.witness(['trace', 'flow']).stdout).toMatch(/├─ GET \/ .*\n.*│ {2}└─ SELECT /);
  });

  test('has nothing of another flow that is in the same OpenTelemetry trace', async () => {
    const home = new Home();
    const child = (spanId: string, name: string, id: string, atMs: bigint): SpanRecord =>
      span({
        ...{ spanId, name, parentSpanId: '0000000000000001', startUnixNano: 1_762_855_200_000_000_000n + atMs },
        attributes: [business(id), ['witness.trace.parent_id', 'request']],
      });
    await append(
      home,
      child('0000000000000003', 'the call', 'call', 3n),
      child('0000000000000002', 'the camera', 'camera', 2n),
      span({ spanId: '0000000000000001', name: 'request', attributes: [business('request')] }),
      span({ spanId: '0000000000000004', parentSpanId: '0000000000000003', name: 'SELECT' }),
    );
    expect(names(home.trace('call').entries).sort()).toEqual(['SELECT', 'the call']);
    expect(names(home.trace('request').entries)).toHaveLength(4);
    // Child flows stand in order of start, whatever arrived first.
    expect(home.witness(['trace', 'request']).stdout).toMatch(/─ request [\s\S]*─ camera\n[\s\S]*─ call\n/);
  });

  test('finds an OpenTelemetry trace by its id or its beginning, in any case', async () => {
    const home = new Home();
    await append(
      home,
      span({ spanId: '0000000000000001' }),
      span({ spanId: '0000000000000002', traceId: 'aaaa1000000000000000000000000001' }),
    );
    for (const id of ['aaaa0000000000000000000000000001', 'AAAA00', 'aaaa000']) {
      expect(home.trace(id)).toMatchObject({ trace_id: null, entries: [{ otel: { span_id: '0000000000000001' } }] });
    }
    expect(home.witness(['trace', 'aaaa'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(
        /aaaa is the beginning of several trace ids: aaaa0000000000000000000000000001, aaaa1000000000000000000000000001/,
      ),
    });
    expect(home.witness(['trace', 'aaa'])).toMatchObject({
      exitCode: 1,
      stderr: 'error: no entry under trace id aaa\n',
    });
  });

  test('prefers a business id that looks like a beginning', async () => {
    const home = new Home();
    await append(home, span({ spanId: '0000000000000001' }));
    home.log('mine', 'aaaa');
    expect(names(home.trace('aaaa').entries)).toEqual(['mine']);
  });

  test('of an unknown id is answered with exit code 1, as JSON when asked', () => {
    const home = new Home();
    home.log('e', 't');
    const ran = home.witness(['trace', 'nope', '--json']);
    expect(ran).toMatchObject({ exitCode: 1, stdout: '' });
    expect(JSON.parse(ran.stderr)).toEqual({ error: { code: 'not-found', message: 'no entry under trace id nope' } });
  });

  test('without a ledger is an error', () => {
    expect(new Home().witness(['trace', 't'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('there is no ledger at'),
    });
  });

  test('--json is --format json', () => {
    const home = new Home();
    home.log('e', 't');
    expect(home.witness(['trace', 't', '--json'])).toEqual(home.witness(['trace', 't', '--format', 'json']));
    expect(home.witness(['trace', 't', '--format', 'xml'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('--format is one of'),
    });
  });

  test('names a conflict, and shows both entries', async () => {
    const home = new Home();
    await append(home, span({ spanId: '0000000000000001', name: 'first' }));
    await append(home, span({ spanId: '0000000000000001', name: 'second' }));
    expect(home.trace('aaaa0000').entries).toMatchObject([{ event: 'first' }, { event: 'second', conflict: 1 }]);
    expect(home.witness(['trace', 'aaaa0000']).stdout).toContain('second (conflicts with 1)');
  });

  test('as OTLP JSON holds the spans as they were received', async () => {
    const home = new Home();
    const record = span({
      spanId: '0000000000000001',
      attributes: [
        business('flow'),
        ['n', 2n ** 60n],
        ['f', -0],
        ['b', Uint8Array.of(1, 2)],
        ['l', [1n, 'x', null]],
        ['\x1b', '\u202e'],
      ],
      events: [{ timeUnixNano: 5n, name: 'ev', attributes: [], droppedAttributesCount: 1 }],
      links: [{ traceId: 'ab', spanId: 'cd', traceState: 's', attributes: [], droppedAttributesCount: 0, flags: 3 }],
      status: { code: 2, message: 'bad' },
      traceState: 'a=b',
      droppedLinksCount: 7,
    });
    await append(home, record);
    const { stdout } = home.witness(['trace', 'flow', '--format', 'otlp-json']);
    expect(stdout).not.toMatch(/[\x1b\u202e]/);
    expect(parseTraceRequestJson(stdout).spans).toEqual([record]);
  });

  test('shows what is signed when a payload is gone', async () => {
    const home = new Home();
    await append(home, span({ spanId: '0000000000000001', name: 'erased', attributes: [business('flow')] }));
    const db = new Sqlite(home.ledger);
    db.exec('DROP TRIGGER payloads_no_delete; DELETE FROM payloads');
    db.close();
    expect(home.trace('flow').entries).toMatchObject([
      { event: 'erased', payload: null, attributes: null, payload_state: 'missing' },
    ]);
    const spans = parseTraceRequestJson(home.witness(['trace', 'flow', '--format', 'otlp-json']).stdout).spans;
    expect(spans).toMatchObject([
      { spanId: '0000000000000001', name: 'erased', attributes: [['witness.trace.id', 'flow']] },
    ]);
  });

  test('sums what is below it, and says what is unpriced', () => {
    const home = new Home();
    home.log('a', 't', '--tokens-in', '1000', '--tokens-out', '5', '--cost', '0.1');
    home.log('b', 'u', '--parent-trace-id', 't', '--tokens-in', '1', '--cost', '0.2');
    home.log('c', 't', '--tokens-in', '7', '--model', 'm');
    expect(home.trace('t').totals).toMatchObject({ entries: 3, calls: 3, cost_usd: '0.3', unpriced: 1 });
    expect(home.witness(['trace', 't']).stdout).toContain('1,008 tokens in, 5 out · $0.30 (1 unpriced)');
  });
});
