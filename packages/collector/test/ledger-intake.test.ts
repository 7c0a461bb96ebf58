/** The intake: an answer for each request, after its commit or with the reason why there is none; and counts to match. */
import { chmodSync, existsSync, renameSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { encodeTraceRequest, renderTraceRequestJson, type SpanRecord } from '@infrafabric/otlp';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { spanRecord } from '../../../test/attacks/spans.js';
import type { Encoding, IntakeAnswer } from '../dist/intake/intake.js';
import { LedgerIntake } from '../dist/intake/ledger-intake.js';

let home: string;
let intake: LedgerIntake;
let counted: string[];
const ledger = () => join(home, 'witness.db');

beforeEach(async () => {
  home = join(await mkdtemp(join(tmpdir(), 'intake-')), 'home');
  counted = [];
  intake = openIntake();
});
afterEach(async () => {
  await intake.close();
  await rm(join(home, '..'), { recursive: true, force: true });
});

function openIntake(maxInFlightSpans = 4096): LedgerIntake {
  return new LedgerIntake({
    home,
    maxInFlightSpans,
    memoryBytes: 1 << 26,
    lockTimeoutMs: 200,
    onNotice: () => undefined,
    meter: {
      accepted: (transport, spans) => counted.push(`accepted ${transport} ${spans}`),
      refused: (transport, spans, reason) => counted.push(`refused ${transport} ${spans} ${reason}`),
      duplicates: (spans) => counted.push(`duplicates ${spans}`),
      committed: (spans) => counted.push(`committed ${spans}`),
    },
  });
}

const records = (...numbers: number[]): SpanRecord[] => numbers.map((n) => spanRecord(n));
const send = (spans: readonly SpanRecord[], encoding: Encoding = 'protobuf'): Promise<IntakeAnswer> => {
  const body = encoding === 'json' ? Buffer.from(renderTraceRequestJson(spans)) : encodeTraceRequest(spans);
  return intake.take({ body, encoding, transport: 'http' });
};
const raw = (body: Uint8Array, encoding: Encoding) => intake.take({ body, encoding, transport: 'grpc' });
function stored(): unknown[] {
  const reader = LedgerReader.open(ledger());
  try {
    return [...reader.entriesFrom(1)].map(({ entry }) => entry.body.event);
  } finally {
    reader.close();
  }
}

describe('a request', () => {
  test('is answered when its spans can be read from the ledger', async () => {
    expect(await send(records(1, 2))).toEqual({ outcome: 'stored', rejected: 0, message: '' });
    expect(stored()).toEqual(['request 1', 'request 2']);
    expect(counted).toEqual(['committed 2', 'accepted http 2']);
  });

  test('in JSON is the same spans as in protobuf', async () => {
    await send(records(1, 2), 'json');
    await send(records(1, 2), 'protobuf');
    expect(stored()).toHaveLength(2);
    expect(counted).toContain('duplicates 2');
  });

  test('without spans is a success that writes nothing', async () => {
    await intake.open();
    expect(await raw(new Uint8Array(), 'protobuf')).toMatchObject({ outcome: 'stored', rejected: 0 });
    expect(await raw(Buffer.from('{}'), 'json')).toMatchObject({ outcome: 'stored', rejected: 0 });
    expect(stored()).toEqual([]);
    expect(counted).toEqual([]);
  });

  test.each([
    ['protobuf', Buffer.from([0xff, 0xff])],
    ['json', Buffer.from('{"resourceSpans":')],
    ['json', Buffer.from([0x22, 0xff, 0x22])],
  ] as const)('of garbage is malformed, for good (%s)', async (encoding, body) => {
    expect(await raw(body, encoding)).toMatchObject({ outcome: 'malformed', message: expect.any(String) });
    expect(counted).toEqual(['refused grpc 0 malformed']);
  });

  test('with bad spans among good ones stores the good ones and says what was wrong with the others', async () => {
    const json = JSON.parse(renderTraceRequestJson(records(1, 2, 3)));
    json.resourceSpans[0].scopeSpans[0].spans[1].spanId = '0000000000000000';
    const answer = await raw(Buffer.from(JSON.stringify(json)), 'json');
    expect(answer).toEqual({ outcome: 'stored', rejected: 1, message: '1 × span_id must be 8 bytes, not all zero' });
    expect(stored()).toEqual(['request 1', 'request 3']);
    expect(counted).toEqual(['committed 2', 'accepted grpc 2', 'refused grpc 1 rejected']);
  });
});

describe('what is too much', () => {
  test('at once is refused, and welcome when the rest is committed', async () => {
    await intake.close();
    intake = openIntake(3);
    await intake.open();
    const answers = await Promise.all([send(records(1, 2)), send(records(3, 4)), send(records(5, 6))]);
    expect(answers.map(({ outcome }) => outcome)).toEqual(['stored', 'stored', 'unavailable']);
    expect(answers[2]).toMatchObject({ retryAfterSeconds: 1 });
    expect(counted).toContain('refused http 2 overload');
    expect(await send(records(5, 6))).toMatchObject({ outcome: 'stored' });
    expect(stored()).toHaveLength(6);
    expect(intake.inFlightSpans).toBe(0);
  });

  test('after closing is refused, and what was taken before is committed', async () => {
    const taken = send(records(1));
    const closed = intake.close();
    expect(await send(records(2))).toMatchObject({ outcome: 'unavailable' });
    expect(await taken).toMatchObject({ outcome: 'stored' });
    await closed;
    expect(stored()).toEqual(['request 1']);
    expect(counted).toContain('refused http 1 stopping');
  });
});

describe('a ledger that cannot be written', () => {
  test('because it is locked, is an outage that ends by itself', async () => {
    await intake.open();
    const other = new Sqlite(ledger());
    other.exec('BEGIN IMMEDIATE');
    expect(await send(records(1))).toMatchObject({ outcome: 'unavailable', retryAfterSeconds: 1 });
    expect(intake.outage?.code).toBe('locked');
    expect(counted).toEqual(['refused http 1 ledger']);
    other.exec('ROLLBACK');
    other.close();
    // Nobody sends anything, and yet it is found out.
    await vi.waitFor(() => expect(intake.outage).toBeUndefined(), 10_000);
    expect(await send(records(1))).toMatchObject({ outcome: 'stored' });
    expect(stored()).toEqual(['request 1']);
  });

  test('because its file was moved away, is not begun anew', async () => {
    await send(records(1));
    renameSync(ledger(), `${ledger()}.away`);
    for (let n = 2; n < 4; n++) {
      expect(await send(records(n))).toMatchObject({ outcome: 'unavailable', retryAfterSeconds: 30 });
    }
    expect(existsSync(ledger())).toBe(false);
    renameSync(`${ledger()}.away`, ledger());
    await vi.waitFor(async () => expect(await send(records(2))).toMatchObject({ outcome: 'stored' }), 10_000);
    expect(stored()).toEqual(['request 1', 'request 2']);
  });

  test('because its key is gone, says so, and works when it is back', async () => {
    await send(records(1));
    await intake.close();
    renameSync(join(home, 'keys'), join(home, 'keys.away'));
    intake = openIntake();
    expect(await send(records(2))).toMatchObject({ outcome: 'unavailable', message: expect.stringContaining('key') });
    renameSync(join(home, 'keys.away'), join(home, 'keys'));
    chmodSync(join(home, 'keys'), 0o700);
    await vi.waitFor(async () => expect(await send(records(2))).toMatchObject({ outcome: 'stored' }), 10_000);
    expect(stored()).toEqual(['request 1', 'request 2']);
  });
});
