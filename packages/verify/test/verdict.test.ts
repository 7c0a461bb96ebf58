/** From findings to a verdict: which of them wins, what the report says besides, and that no file is needed for any of it. */
import { APPLICATION_ID, leafHashHex, MerkleFrontier, parseVkey, SCHEMA, SCHEMA_VERSION } from '@infrafabric/format';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { beforeAll, describe, expect, test } from 'vitest';
import { attack, editEntry, replaceOctets } from '../../../test/attacks/edits.js';
import { controlEntry, forgeLedger, genesisOf, keyPair } from '../../../test/attacks/forge.js';
import { type Built, buildLedger, newestNote, verifyFile, vkeyOf } from '../../../test/attacks/ledger-files.js';
import {
  type ChainSource,
  type CheckpointRow,
  type EntryRow,
  judgeChain,
  mergeFindings,
  Problems,
  planRanges,
  type StoreSource,
  verifyLedger,
  withDamageAsFinding,
} from '../dist/index.js';

let built: Built;
beforeAll(async () => {
  built = await buildLedger({ batches: [300, 300] });
});

describe('of several findings', () => {
  let critical: string;
  let missing: string;
  beforeAll(async () => {
    const { signer, vkey } = await keyPair('if-witness/critical', 4);
    const entry = controlEntry('a-later-type', '{}', ',"critical":true');
    critical = await forgeLedger(built.path, {
      origin: 'if-witness/critical',
      signer,
      batches: [[genesisOf('if-witness/critical', vkey)], [entry]],
    });
    missing = attack(built.path, (db) => db.exec('DELETE FROM payloads WHERE seq = 7'));
  });

  test('INVALID wins over everything', () => {
    const path = attack(missing, (db) => editEntry(db, 9, (b) => replaceOctets(b, 'request', 'requesT')));
    expect(verifyFile(path, { key: undefined, requireAnchor: true })).toMatchObject({ code: 'invalid', exitCode: 1 });
  });

  test('"not understood" wins over "no key is held"', () => {
    expect(verifyFile(critical, { key: undefined })).toMatchObject({ code: 'incomplete.not-understood', exitCode: 3 });
  });

  test('"no key is held" wins over missing payloads', () => {
    expect(verifyFile(missing, { key: undefined })).toMatchObject({
      code: 'incomplete.self-asserted-key',
      exitCode: 3,
    });
  });

  test('missing payloads win over a missing anchor', () => {
    expect(verifyFile(missing, { key: built.key, requireAnchor: true })).toMatchObject({ code: 'incomplete.payloads' });
  });

  test('an anchor that agrees makes it VALID (anchored)', () => {
    const anchors = [newestNote(built.path)];
    expect(verifyFile(built.path, { key: built.key, anchors, requireAnchor: true })).toMatchObject({
      code: 'valid.anchored',
      anchors: [601],
    });
  });
});

describe('the report', () => {
  test('says what was checked and what is not vouched for', () => {
    const report = verifyFile(built.path, { key: built.key, keySource: 'local', keyFrom: 'a directory', head: null });
    expect(report).toMatchObject({
      origin: built.key.name,
      entries: 601,
      newestCheckpoint: { size: 601 },
      checkpoints: { checked: 3, signaturesChecked: 3 },
      payloads: { present: 600, missing: 0 },
      key: { source: 'local', from: 'a directory', keyIdHex: built.key.keyIdHex },
      head: 'missing',
      problemCount: 0,
    });
    expect(report.notVouchedFor.join('\n')).toMatch(/end.*older copy.*private key.*every span was sent/s);
  });

  test('keeps the first hundred problems and counts them all', () => {
    const path = attack(built.path, (db) => db.exec('UPDATE entries SET segment = 1'));
    const report = verifyFile(path, { key: built.key });
    expect(report.problems).toHaveLength(100);
    expect(report.problemCount).toBe(601);
    expect(report.problems[0]).toMatchObject({ code: 'entry.column', seq: 0, column: 'segment' });
  });

  test('tells its progress', () => {
    const seen: number[] = [];
    verifyFile(built.path, { key: built.key, onProgress: (entries) => seen.push(entries) });
    expect(seen.at(-1)).toBe(601);
  });
});

describe('ranges', () => {
  test.each([
    [0, 1],
    [100, 2],
    [600, 2],
    [1_000_000, 3],
    [1_000_000, 12],
  ])('of %i entries cover each once', (entries, count) => {
    const ranges = planRanges(entries, count);
    expect(ranges.length).toBeLessThanOrEqual(count);
    expect(ranges[0]?.from).toBe(0);
    for (const [i, range] of ranges.slice(1).entries()) expect(range.from).toBe(ranges[i]!.to);
    expect(ranges.at(-1)).toMatchObject({ to: Number.POSITIVE_INFINITY, last: true });
    for (const { from } of ranges) expect(from % 256).toBe(0);
  });

  test('find together what the whole finds', () => {
    const reader = LedgerReader.open(built.path);
    const whole = judgeChain(reader, new Problems());
    const problems = new Problems();
    const parts = planRanges(601, 2).map((range) => judgeChain(reader, problems, { range }));
    reader.close();
    expect(parts.length).toBe(2);
    expect(problems.count).toBe(0);
    const { sampled, ...merged } = mergeFindings(parts as [(typeof parts)[0]]);
    const { sampled: all, ...expected } = whole;
    expect(merged).toEqual(expected);
    expect(new Set(sampled.map(({ size }) => size))).toEqual(new Set(all.map(({ size }) => size)));
  });

  test.each([0, 255, 256, 257, 511, 512, 513, 600])('an altered entry %i is seen by one of them', (seq) => {
    const path = attack(built.path, (db) => editEntry(db, seq, (b) => replaceOctets(b, '{"at":"17', '{"at":"18')));
    const reader = LedgerReader.open(path);
    const problems = new Problems();
    for (const range of planRanges(601, 2)) judgeChain(reader, problems, { range });
    reader.close();
    expect(problems.anyInvalid).toBe(true);
  });
});

describe('a root that is vouched for', () => {
  test.each([1, 255, 256, 257, 300, 301, 512, 600, 601, 602, 2_000])(
    'at size %i is met, or not, in ranges as in the whole',
    (size) => {
      const reader = LedgerReader.open(built.path);
      const frontier = new MerkleFrontier();
      for (const [, text] of [...reader.entries(0, Math.min(size, 601))].flat())
        frontier.push(leafHashHex(text as string));
      const codes = (rootHex: string, count: number): string[] => {
        const problems = new Problems();
        const vouched = [{ size, rootHex, note: 'a note', what: 'the anchor' }];
        for (const range of planRanges(601, count)) judgeChain(reader, problems, { range, vouched });
        return problems.kept.map(({ code }) => code);
      };
      const beyond = size > 601;
      for (const count of [1, 2, 12]) {
        expect(codes(frontier.rootHex(), count)).toEqual(beyond ? ['rollback'] : []);
        expect(codes('00'.repeat(32), count)).toEqual([beyond ? 'rollback' : 'fork']);
      }
      reader.close();
    },
  );
});

describe('a source that is no file', () => {
  /** The rows of a ledger in arrays. */
  function copyOf(path: string): ChainSource & StoreSource {
    const reader = LedgerReader.open(path);
    const entries = [...reader.entries(0, Number.POSITIVE_INFINITY)].flat() as EntryRow[];
    const checkpoints = [...reader.checkpoints(0)].flat() as CheckpointRow[];
    const nodes = [...reader.nodes(0, Number.POSITIVE_INFINITY)].flat();
    const payloads = [...reader.payloads(0, Number.POSITIVE_INFINITY)].flat();
    const contexts = [...reader.contexts()].flat();
    const octets = entries.map(([seq]) => reader.entryOctets(seq));
    reader.close();
    return {
      entryCount: () => entries.length,
      checkpointCount: () => checkpoints.length,
      entries: (from, to) => [entries.slice(from, Number.isFinite(to) ? to : undefined)],
      entryOctets: (seq) => octets[seq]!,
      checkpoints: (fromSize) => [checkpoints.filter(({ size }) => size >= fromSize)],
      node: (level, node) => nodes.find((row) => row.level === level && row.node === node)?.hash ?? undefined,
      nodes: () => [nodes],
      payloads: (from, to) => [payloads.filter(([seq]) => seq >= from && seq < to)],
      contexts: () => [contexts],
      withoutPayload: () => [],
      erased: () => [],
      integrityFinding: () => undefined,
      summary: () => ({
        schema: SCHEMA,
        applicationId: APPLICATION_ID,
        userVersion: SCHEMA_VERSION,
        encoding: 'UTF-8',
      }),
    };
  }

  test('is judged alike', () => {
    const source = copyOf(built.path);
    expect(verifyLedger(source, { key: built.key })).toMatchObject({ verdict: 'VALID', entries: 601, problems: [] });
    const [, text] = [...source.entries(7, 8)].flat()[0]!;
    expect(leafHashHex(text as string)).toHaveLength(64);
  });

  test('that says it is damaged is INVALID; any other error is not swallowed', () => {
    const fail = (error: unknown) => ({
      ...copyOf(built.path),
      entries: () => {
        throw error;
      },
    });
    const damage = Object.assign(new Error('a page is gone'), { code: 'corrupt' });
    expect(verifyLedger(fail(damage), { key: built.key })).toMatchObject({ verdict: 'INVALID', entries: 0 });
    expect(() => verifyLedger(fail(new Error('a bug')), { key: built.key })).toThrow('a bug');
    const problems = new Problems();
    withDamageAsFinding(problems, () => {
      throw damage;
    });
    expect(problems.kept).toMatchObject([{ code: 'store.corrupt' }]);
  });

  test('without rows is never VALID', () => {
    const empty: ChainSource & StoreSource = {
      ...copyOf(built.path),
      entryCount: () => 0,
      checkpointCount: () => 0,
      entries: () => [],
      checkpoints: () => [],
      nodes: () => [],
      payloads: () => [],
      contexts: () => [],
    };
    expect(verifyLedger(empty, { key: parseVkey(vkeyOf(built.path)) })).toMatchObject({ verdict: 'INVALID' });
  });
});
