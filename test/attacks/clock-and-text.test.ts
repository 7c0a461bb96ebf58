/** Attack matrix: clocks that jump, and text that means to deceive. Both are stored exactly as they came. */
import { draftSpan, Ledger } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { describe, expect, test } from 'vitest';
import { keyOf, newDirectory, seededSources, spanDraft, verifyAgainstHead } from './ledger-files.js';
import { spanRecord } from './spans.js';

describe('a clock', () => {
  const SECOND = 1_000_000_000n;
  const NOW = 1_753_000_000n * SECOND;

  async function withClock(times: readonly bigint[]): Promise<(readonly [at: string, clock: string | undefined])[]> {
    const home = newDirectory();
    const { randomBytes } = seededSources('clock');
    let call = 0;
    const ledger = await Ledger.open({ home, sources: { nowUnixNano: () => times[call++]!, randomBytes } });
    for (let n = 1; n < times.length; n++) await ledger.append([spanDraft(2 * n), spanDraft(2 * n + 1)]);
    const key = keyOf(home, ledger.origin());
    await ledger.close();
    const path = `${home}/witness.db`;
    expect(verifyAgainstHead(path, { key })).toMatchObject({ verdict: 'VALID', problems: [] });
    const reader = LedgerReader.open(path);
    const entries = [...reader.entriesFrom()].map(({ entry }) => [entry.at, entry.clock] as const);
    reader.close();
    return entries;
  }

  test('that goes backwards is accepted, and the entry says so', async () => {
    const entries = await withClock([NOW, NOW + SECOND, NOW - SECOND, NOW - SECOND, NOW]);
    expect(entries.map(([, clock]) => clock)).toEqual([
      undefined,
      ...[undefined, undefined],
      ...['backwards', undefined],
      ...[undefined, undefined],
      ...[undefined, undefined],
    ]);
  });

  test('that jumps to 2100 and back is stored raw, and flagged once', async () => {
    const far = 4_102_444_800n * SECOND;
    const entries = await withClock([NOW, far, NOW + SECOND, NOW + 2n * SECOND]);
    expect(entries.map(([at]) => at)).toEqual(
      [NOW, far, far, NOW + SECOND, NOW + SECOND, NOW + 2n * SECOND, NOW + 2n * SECOND].map(String),
    );
    expect(entries.map(([, clock]) => clock)).toEqual([
      undefined,
      undefined,
      undefined,
      'backwards',
      undefined,
      undefined,
      undefined,
    ]);
  });

  test('at 1970, or beyond 64 bits of nanoseconds, orders nothing: the order is by seq', async () => {
    const entries = await withClock([0n, 2n ** 64n - 1n, 0n, 1n]);
    expect(entries.map(([at]) => at)).toEqual(['0', ...Array(2).fill(String(2n ** 64n - 1n)), '0', '0', '1', '1']);
    expect(entries.filter(([, clock]) => clock === 'backwards')).toHaveLength(1);
  });
});

describe('text', () => {
  const HOSTILE: readonly (readonly [what: string, text: string])[] = [
    ['a look-alike letter', 'ѕеssion-flow-001'],
    ['a bidirectional override', 'invoice‮fdp.exe'],
    ['an ANSI escape', '\u001b[2J\u001b[1;31mVALID\u001b[0m'],
    ['an OSC title', '\u001b]0;owned\u0007'],
    ['NUL', 'before\0after'],
    ['only NUL', '\0'],
    ['every control character', String.fromCharCode(...Array.from({ length: 32 }, (_, i) => i), 0x7f, 0x85)],
    ['quotes and backslashes', '"\\"\\\\"},"type":"genesis"}'],
    ['a member of an entry', '","span":"0000000000000000","start":"1'],
    ['line separators', '\u2028\u2029'],
    ['a byte order mark', '\ufeff\ufeff'],
    ['noncharacters', '\uffff\ufffe\u{10ffff}'],
    ['U+FFFD', '\ufffd\ufffd'],
    ['scalars beyond the basic plane', '\u{1f980}\u{10000}'],
    ['combining marks', 'e\u0301\u0301\u0301'],
    ['decomposed and composed', 'é é'],
    ['SQL', "'); DROP TABLE entries; --"],
    ['HTML', '<script>alert(1)</script>'],
    ['spaces alone', '   '],
    ['a separator of columns', '7:span - - 3:abc'],
    ['__proto__', '__proto__'],
  ];

  test.each(HOSTILE)('with %s is stored exactly, found by it, and VALID', async (_, text) => {
    const home = newDirectory();
    const ledger = await Ledger.open({ home, sources: seededSources('text') });
    const record = spanRecord(1, {
      name: text,
      attributes: [
        ['witness.trace.id', text],
        ['witness.trace.parent_id', `parent of ${text}`],
        ['witness.component', text],
        [text, text],
      ],
    });
    await ledger.append([draftSpan(record)]);
    expect((await ledger.append([draftSpan(record)]))[0]).toMatchObject({ outcome: 'duplicate', seq: 1 });
    const key = keyOf(home, ledger.origin());
    await ledger.close();
    const reader = LedgerReader.open(`${home}/witness.db`);
    expect(reader.entry(1)!.entry.body).toMatchObject({
      business: text,
      business_parent: `parent of ${text}`,
      component: text,
      event: text,
    });
    expect(reader.seqsOfBusiness(text)).toEqual([1]);
    expect(reader.seqsOfBusinessParent(`parent of ${text}`)).toEqual([1]);
    reader.close();
    expect(verifyAgainstHead(`${home}/witness.db`, { key, deep: true })).toMatchObject({
      verdict: 'VALID',
      problems: [],
    });
  });

  test('with a lone surrogate becomes U+FFFD, and the entry says so', async () => {
    const home = newDirectory();
    const ledger = await Ledger.open({ home, sources: seededSources('surrogate') });
    await ledger.append([draftSpan(spanRecord(1, { name: 'a\ud800b', attributes: [['witness.trace.id', '\udc00']] }))]);
    const key = keyOf(home, ledger.origin());
    await ledger.close();
    const reader = LedgerReader.open(`${home}/witness.db`);
    expect(reader.entry(1)!.entry.body).toMatchObject({
      event: 'a\ufffdb',
      business: '\ufffd',
      lossy: ['business', 'event'],
    });
    reader.close();
    expect(verifyAgainstHead(`${home}/witness.db`, { key, deep: true })).toMatchObject({ verdict: 'VALID' });
  });

  test.each([
    ['letters', 'x'],
    ['NULs', '\0'],
    ['scalars of four octets', '\u{1f980}'],
  ])('of a million %s is cut at a scalar, the entry says where, and the payload has it whole', async (_, unit) => {
    const home = newDirectory();
    const ledger = await Ledger.open({ home, sources: seededSources('long') });
    const text = unit.repeat(1_000_000 / unit.length);
    await ledger.append([
      draftSpan(
        spanRecord(1, {
          name: text,
          attributes: [
            ['witness.trace.id', text],
            ['witness.trace.parent_id', text],
            ['witness.component', text],
          ],
        }),
      ),
    ]);
    const key = keyOf(home, ledger.origin());
    await ledger.close();
    const reader = LedgerReader.open(`${home}/witness.db`);
    const { text: entry, entry: parsed } = reader.entry(1)!;
    expect(Buffer.byteLength(entry)).toBeLessThanOrEqual(65_535);
    expect(parsed.body).toMatchObject({ cut: ['business', 'business_parent', 'component', 'event'] });
    expect(text.startsWith(String(parsed.body.event))).toBe(true);
    expect(Buffer.from(reader.payload(1)!.payload).includes(Buffer.from(text))).toBe(true);
    reader.close();
    expect(verifyAgainstHead(`${home}/witness.db`, { key, deep: true })).toMatchObject({ verdict: 'VALID' });
  });
});
