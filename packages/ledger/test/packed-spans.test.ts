/** Spans that one thread prepares and another appends: the same entries as by any other way, and commits that are shared. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeEntry, encodeSpanBody, type SpanBody } from '@infrafabric/format';
import Sqlite from 'better-sqlite3';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keyOf, newDirectory, seededSources, verifyAgainstHead } from '../../../test/attacks/ledger-files.js';
import { spanRecord } from '../../../test/attacks/spans.js';
import { requests } from '../../otlp/test/arbitraries.js';
import { draftSpan, Ledger, type PackedSpans, packSpans } from '../dist/index.js';
import { unpackSpans } from '../dist/pack-spans.js';
import { LedgerReader } from '../dist/reader.js';
import { type GroupCommit, LedgerThread } from '../dist/thread.js';

const zeros = (octets: Uint8Array) => octets.fill(0);
const pack = (...numbers: number[]): PackedSpans =>
  packSpans(
    numbers.map((n) => spanRecord(n)),
    undefined,
    zeros,
  ).packed;

/** Everything that the chain and the payloads hold. */
function contentOf(path: string) {
  const reader = LedgerReader.open(path);
  try {
    return [...reader.entriesFrom()].map(({ seq, text }) => {
      const payload = reader.payload(seq);
      const hex = (octets: Uint8Array | undefined) => octets && Buffer.from(octets).toString('hex');
      return { text, salt: hex(payload?.salt), payload: hex(payload?.payload) };
    });
  } finally {
    reader.close();
  }
}

describe('a packed span', () => {
  test('becomes, octet for octet, the entry and payload that its draft becomes', async () => {
    await fc.assert(
      fc.asyncProperty(requests, async (records) => {
        const [a, b] = [join(newDirectory(), 'home'), join(newDirectory(), 'home')];
        const drafted = await Ledger.open({ home: a, sources: seededSources('packed') });
        await drafted.append(records.map(draftSpan));
        await drafted.close();
        const sources = seededSources('packed');
        const packed = await Ledger.open({ home: b, sources });
        const { packed: pack, tooLarge } = packSpans(records, undefined, (octets) =>
          octets.set(sources.randomBytes(octets.length)),
        );
        await packed.appendPrepared(unpackSpans(pack));
        await packed.close();
        expect(tooLarge).toBe(0);
        expect(contentOf(join(b, 'witness.db'))).toEqual(contentOf(join(a, 'witness.db')));
      }),
      { numRuns: 60 },
    );
  }, 120_000);

  test('is sealed as the encoder of the format writes it', async () => {
    const home = join(newDirectory(), 'home');
    const ledger = await Ledger.open({ home });
    await ledger.appendPrepared(unpackSpans(pack(1, 2, 3)));
    await ledger.appendPrepared(unpackSpans(pack(4)));
    await ledger.close();
    const reader = LedgerReader.open(join(home, 'witness.db'));
    for (const { text, entry } of [...reader.entriesFrom(1)]) {
      const { body, ...envelope } = entry;
      expect(encodeEntry(envelope, encodeSpanBody(body as unknown as SpanBody))).toBe(text);
    }
    reader.close();
  });
});

test.each([true, false])('of one commit, the same span is one entry (filters in memory: %s)', async (longLived) => {
  const home = join(newDirectory(), 'home');
  const ledger = await Ledger.open({ home, longLived });
  const renamed = packSpans([spanRecord(1, { name: 'renamed' })], undefined, zeros).packed;
  const batch = [pack(1, 2), pack(1), renamed, pack(2, 3, 2)].flatMap(unpackSpans);
  const results = await ledger.appendPrepared(batch);
  await ledger.close();
  expect(results.map(({ outcome, seq }) => [outcome, seq])).toEqual([
    ['appended', 1],
    ['appended', 2],
    ['duplicate', 1],
    ['appended', 3],
    ['duplicate', 2],
    ['appended', 4],
    ['duplicate', 2],
  ]);
  const entries = contentOf(join(home, 'witness.db')).map(({ text }) => JSON.parse(text).body);
  expect(entries.slice(1).map(({ event, conflict }) => [event, conflict])).toEqual([
    ['request 1', undefined],
    ['request 2', undefined],
    ['renamed', 1],
    ['request 3', undefined],
  ]);
});

describe("the ledger's thread", () => {
  let home: string;
  let thread: LedgerThread;
  let commits: GroupCommit[];
  const path = () => join(home, 'witness.db');
  const openThread = (ingest: boolean): void => {
    thread = new LedgerThread({ home, ingest });
    thread.onCommit = (commit) => commits.push(commit);
  };
  const spanNames = () => {
    const reader = LedgerReader.open(path());
    try {
      return [...reader.entriesFrom(1)].map(({ entry }) => [entry.body.event, entry.body.conflict]);
    } finally {
      reader.close();
    }
  };
  beforeEach(() => {
    home = join(newDirectory(), 'home');
    commits = [];
  });
  afterEach(async () => {
    await thread.close();
    const reader = LedgerReader.open(path());
    const key = keyOf(home, String(reader.genesis()!.entry.body.origin));
    reader.close();
    expect(verifyAgainstHead(path(), { key, deep: true }).verdict).toBe('VALID');
  });

  test('commits together what waits together, and answers each for itself', async () => {
    openThread(true);
    await thread.probe();
    // While another process writes, everything else arrives.
    const other = new Sqlite(path());
    other.exec('BEGIN IMMEDIATE');
    const asked = Array.from({ length: 40 }, (_, n) => thread.appendPacked(pack(2 * n, 2 * n + 1)));
    await sleep(300);
    other.exec('ROLLBACK');
    other.close();
    const answers = await Promise.all(asked);
    expect(answers).toEqual(Array.from({ length: 40 }, () => ({ appended: 2, duplicates: 0, rejected: [] })));
    expect(commits.reduce((sum, { requests: count }) => sum + count, 0)).toBe(40);
    expect(commits.reduce((sum, { spans }) => sum + spans, 0)).toBe(80);
    expect(commits.length).toBeLessThan(10);
    expect(spanNames()).toHaveLength(80);
  });

  test('knows a span again that another request holds, and flags other content under its ids', async () => {
    openThread(true);
    const renamed = packSpans([spanRecord(1, { name: 'renamed' })], undefined, zeros).packed;
    const answers = await Promise.all([pack(1), pack(1), renamed, pack(2, 2, 1)].map((p) => thread.appendPacked(p)));
    expect(answers.map(({ appended, duplicates }) => [appended, duplicates])).toEqual([
      [1, 0],
      [0, 1],
      [1, 0],
      [1, 2],
    ]);
    expect(spanNames()).toEqual([
      ['request 1', undefined],
      ['renamed', 1],
      ['request 2', undefined],
    ]);
    expect(await thread.appendPacked(pack(1, 2))).toMatchObject({ appended: 0, duplicates: 2 });
  });

  test('knows the spans of its ledger again when it is started anew, and those that others wrote meanwhile', async () => {
    openThread(true);
    await thread.appendPacked(pack(...Array.from({ length: 300 }, (_, n) => n)));
    await thread.close();
    openThread(true);
    await thread.probe();
    const other = await Ledger.open({ home });
    await other.append([spanRecord(300), spanRecord(301)].map(draftSpan));
    await other.close();
    const again = await thread.appendPacked(pack(...Array.from({ length: 303 }, (_, n) => n)));
    expect(again).toMatchObject({ appended: 1, duplicates: 302 });
  });

  test('does not let what cannot be written fail the others of its commit', async () => {
    openThread(true);
    await thread.probe();
    const spoilt = pack(7);
    // A body larger than an entry may be, which no door makes.
    const octets = new Uint8Array(70_000).fill(0x20);
    const tooLarge = { ...spoilt, octets: new Uint8Array([...octets, ...spoilt.octets]), places: new Uint32Array(8) };
    tooLarge.places.set(spoilt.places.map((place, i) => (i === 0 || i > 3 ? place : place + octets.length)));
    const [first, second, third] = await Promise.allSettled(
      [pack(1), tooLarge, pack(2)].map((packed) => thread.appendPacked(packed)),
    );
    expect(first).toMatchObject({ status: 'fulfilled', value: { appended: 1 } });
    expect(second).toMatchObject({ status: 'rejected', reason: { name: 'LedgerError' } });
    expect(third).toMatchObject({ status: 'fulfilled', value: { appended: 1 } });
    expect(spanNames()).toHaveLength(2);
  });

  test('keeps the write-ahead log a small part of what goes through it', async () => {
    openThread(true);
    const large = (n: number) =>
      packSpans(
        Array.from({ length: 64 }, (_, i) => spanRecord(64 * n + i, { attributes: [['prompt', 'x'.repeat(32_768)]] })),
        undefined,
        zeros,
      ).packed;
    for (let n = 0; n < 60; n++) await thread.appendPacked(large(n));
    // 126 MB of spans; each backfill starts at 8 MiB of them.
    expect(statSync(`${path()}-wal`).size).toBeLessThan(70_000_000);
  }, 60_000);

  test.each([true, false])(
    'sums up while commits go on (in a thread of its own: %s)',
    async (ingest) => {
      openThread(ingest);
      const accounts = () => existsSync(join(home, 'accounts'));
      for (let n = 0; n < 100 && !accounts(); n++) {
        await thread.appendPacked(pack(n));
        await sleep(50);
      }
      expect(accounts()).toBe(true);
    },
    30_000,
  );
});
