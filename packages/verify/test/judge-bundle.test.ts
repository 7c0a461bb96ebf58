/** The judge of bundles: what holds, and everything that could be another. Ledgers put together by hand. */
import { type BundleEntry, type BundleLine, type CanonicalObject, utf8Of } from '@infrafabric/format';
import { describe, expect, test } from 'vitest';
import { type BundleOptions, type BundleReport, type JudgedEntry, verifyBundle } from '../dist/index.js';
import { HandKey, HandLedger, ORIGIN, octetsOf, spanOf, spanPayload } from './hand-ledger.js';

const [first, second, third, stranger] = [1, 2, 3, 9].map((fill) => new HandKey(fill)) as [
  HandKey,
  HandKey,
  HandKey,
  HandKey,
];
const { key } = first;

const judge = (lines: readonly BundleLine[], options: BundleOptions = { key }): BundleReport =>
  verifyBundle([octetsOf(lines)], options);
const found = ({ problems }: BundleReport): string[] =>
  problems.map(({ code, seq }) => (seq === undefined ? code : `${code} ${seq}`));
const faults = (lines: readonly BundleLine[], options: BundleOptions = { key }): string[] => {
  const report = judge(lines, options);
  expect(report.verdict).toBe('INVALID');
  expect(report.exitCode).toBe(1);
  return found(report);
};
const simple = (spans = 20): HandLedger =>
  new HandLedger(first).batch([first], ...Array.from({ length: spans }, (_, i) => spanOf(i + 1)));
/** Lines with the entry line of a seq replaced. */
const withEntry = (
  lines: readonly BundleLine[],
  seq: number,
  change: (line: BundleEntry) => BundleLine,
): BundleLine[] => lines.map((line) => (line.line === 'entry' && line.seq === seq ? change(line) : line));
const edited = (line: BundleEntry, from: string, to: string): BundleEntry => {
  const text = Buffer.from(line.entry).toString();
  expect(text).toContain(from);
  return { ...line, entry: utf8Of(text.replace(from, to)) };
};

describe('what holds', () => {
  test('a whole ledger is VALID and nothing of it left out', () => {
    expect(judge(simple().lines())).toMatchObject({
      verdict: 'VALID',
      code: 'valid.unanchored',
      exitCode: 0,
      origin: ORIGIN,
      checkpoint: { size: 21 },
      entries: 21,
      runs: [{ first: 0, last: 20 }],
      runCount: 1,
      isWhole: true,
      signaturesChecked: 1,
      payloads: { present: 20, erased: 0, missing: 0 },
      key: { source: 'flag', keyIdHex: key.keyIdHex, newestKeyIdHex: key.keyIdHex, reachedByRotations: 0 },
      problems: [],
      problemCount: 0,
    });
  });

  test('every selection is VALID, and said to be one', () => {
    const ledger = simple(12);
    for (let chosen = 0; chosen < 2 ** 12; chosen += 5) {
      const seqs = [0, ...Array.from({ length: 12 }, (_, i) => i + 1).filter((i) => (chosen >> (i - 1)) & 1)];
      const report = judge(ledger.lines(seqs));
      expect([report.verdict, report.isWhole, report.entries]).toEqual(['VALID', seqs.length === 13, seqs.length]);
      if (!report.isWhole) expect(report.notVouchedFor[0]).toMatch(/^that nothing was left out/);
    }
    expect(judge(ledger.lines([0, 3, 4, 5, 9])).runs).toEqual([
      { first: 0, last: 0 },
      { first: 3, last: 5 },
      { first: 9, last: 9 },
    ]);
  });

  test('it may arrive in pieces of any size', () => {
    const octets = octetsOf(simple(3).lines([0, 2]));
    const whole = verifyBundle([octets], { key });
    for (const size of [1, 2, 7, 1000]) {
      const pieces = Array.from({ length: Math.ceil(octets.length / size) }, (_, i) =>
        octets.subarray(i * size, (i + 1) * size),
      );
      expect(verifyBundle(pieces, { key })).toEqual(whole);
    }
  });

  test('entries are handed on as they are read, with payloads that hold', () => {
    const given: JudgedEntry[] = [];
    judge(simple(2).lines(), { key, onEntry: (entry) => given.push(entry) });
    expect(given.map(({ seq, payload, entry }) => [seq, payload, entry?.type])).toEqual([
      [0, 'none', 'genesis'],
      [1, 'present', 'span'],
      [2, 'present', 'span'],
    ]);
    expect(Buffer.from(given[1]!.payloadOctets!)).toEqual(Buffer.from(spanPayload('span 1')));
  });

  test('without a key it is INCOMPLETE', () => {
    expect(judge(simple().lines(), {})).toMatchObject({
      verdict: 'INCOMPLETE',
      code: 'incomplete.self-asserted-key',
      exitCode: 3,
      key: { source: 'none' },
    });
  });
});

describe('a changed entry', () => {
  test('is named by its successor, its neighbours not', () => {
    for (const seq of [0, 1, 10, 19]) {
      const lines = withEntry(simple().lines(), seq, (line) => edited(line, `"seq":${seq}`, `"seq":${seq},"x":1`));
      expect(faults(lines)).toContain(`entry.prev ${seq}`);
      expect(faults(lines).filter((code) => code.startsWith('entry.prev'))).toHaveLength(1);
    }
  });

  test('whose own link is changed too is named', () => {
    const lines = simple().lines();
    const text = Buffer.from(
      (lines.find((line) => line.line === 'entry' && line.seq === 10) as BundleEntry).entry,
    ).toString();
    const entry = utf8Of(text.replace(/"prev":"[0-9a-f]{64}"/, `"prev":"${'0'.repeat(64)}"`));
    expect(faults(withEntry(lines, 10, (line) => ({ ...line, entry })))).toEqual(['entry.prev 10']);
  });

  test('without a neighbour makes another root', () => {
    const lines = withEntry(simple().lines([0, 5, 10]), 5, (line) => edited(line, 'event 5', 'event 6'));
    expect(faults(lines)).toEqual(['bundle.root']);
  });

  test('or one of the hashes in place of others, makes another root', () => {
    const lines = simple().lines([0, 5, 10]);
    for (const [i, line] of lines.entries()) {
      if (line.line !== 'hash') continue;
      const other = { ...line, hashHex: line.hashHex.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) };
      const codes = faults(lines.with(i, other));
      expect(codes).toHaveLength(1);
      // Beside an entry, its link shows it first.
      expect(codes[0]).toMatch(/^(bundle\.root|entry\.prev \d+)$/);
    }
  });

  test('that is no entry is said, wherever it is', () => {
    const lines = simple().lines();
    const put = (entry: string | Uint8Array): string[] =>
      faults(withEntry(lines, 7, (line) => ({ ...line, entry: typeof entry === 'string' ? utf8Of(entry) : entry })));
    expect(put('{}')).toContain('entry.malformed 7');
    expect(put('nothing')).toContain('entry.malformed 7');
    expect(put('')).toContain('entry.malformed 7');
    expect(put(Uint8Array.of(0xff, 0xfe))).toContain('entry.octets 7');
  });
});

describe('what an honest writer would not sign is not VALID either', () => {
  const signed = (...drafts: Parameters<HandLedger['batch']>[1][]): HandLedger =>
    new HandLedger(first).batch([first], ...drafts);

  test('a link to something else, another seq, a clock that lies', () => {
    expect(faults(signed(spanOf(1), { ...spanOf(2), prev: 'f'.repeat(64) }, spanOf(3)).lines())).toEqual([
      'entry.prev 1',
    ]);
    expect(faults(signed(spanOf(1), { ...spanOf(2), seq: 7 }).lines())).toEqual(['entry.seq 2']);
    expect(faults(signed(spanOf(1), { ...spanOf(2), clock: 'backwards' }).lines())).toEqual(['entry.clock 2']);
  });

  test('a second genesis, none, or that of another ledger or version', () => {
    const genesis = { type: 'genesis', body: { format: 1, key: first.vkey, origin: ORIGIN } };
    expect(faults(signed(genesis).lines())).toEqual(['genesis.malformed 1']);
    expect(faults(simple().lines([3]))).toEqual(['genesis.missing 0']);
    expect(faults(new HandLedger(first, { origin: 'if-witness/other' }).lines())).toEqual(['checkpoint.origin 0']);
    expect(faults(new HandLedger(first, { key: 'none' }).lines())).toEqual(['key.origin']);
    expect(judge(new HandLedger(first, { format: 2 }).lines())).toMatchObject({
      code: 'incomplete.not-understood',
      exitCode: 3,
    });
  });

  test('a charge that does not add up', () => {
    const usage = { model: 'm', tokens: { input: 10 } };
    const lines = [{ class: 'input', cost: '20', per: '1000000', quantity: '10', rate: '0.000002' }];
    const rated = { card: 'c', cost: '20', lines, match: 'exact', model: 'm', sha256: 'a'.repeat(64) };
    const charge = (cost: string): CanonicalObject => ({
      cost,
      currency: 'USD',
      rated: { ...rated, cost },
      source: 'computed',
    });
    expect(judge(signed(spanOf(1, { charge: charge('20'), usage })).lines())).toMatchObject({
      verdict: 'VALID',
      problems: [],
    });
    expect(faults(signed(spanOf(1, { charge: charge('21'), usage })).lines())).toEqual(['entry.charge 1']);
  });

  test('bytes that are not canonical, where they are asked for', () => {
    const ledger = signed(spanOf(1));
    const text = ledger.entries[1]!.text.replace('{"at"', '{ "at"');
    expect(judge(ledger.lines(), { key, deep: true }).verdict).toBe('VALID');
    expect(
      faults(
        withEntry(ledger.lines(), 1, (line) => ({ ...line, entry: utf8Of(text) })),
        { key, deep: true },
      ),
    ).toContain('entry.not-canonical 1');
  });

  test('a type that nobody knows is counted; a critical one leaves it INCOMPLETE', () => {
    expect(judge(signed({ type: 'weather', body: {} }, { type: 'gap', body: { count: 7 } }).lines())).toMatchObject({
      verdict: 'VALID',
      notUnderstood: { weather: 1 },
      spansKnownLost: 7,
    });
    expect(judge(signed({ type: 'weather', body: {}, critical: true }).lines())).toMatchObject({
      verdict: 'INCOMPLETE',
      code: 'incomplete.not-understood',
    });
  });
});

describe('payloads', () => {
  test('changed, with another salt, or of an entry that has none are INVALID', () => {
    const lines = simple(3).lines();
    const change = (at: 'salt' | 'payload') => (line: BundleEntry) => {
      const payload = { ...line.payload!, [at]: line.payload![at].map((octet, i) => (i === 5 ? octet ^ 1 : octet)) };
      return { ...line, payload };
    };
    expect(faults(withEntry(lines, 2, change('payload')))).toEqual(['payload.digest 2']);
    expect(faults(withEntry(lines, 2, change('salt')))).toEqual(['payload.digest 2']);
    const { payload } = lines.find((line) => line.line === 'entry' && line.seq === 2) as Required<BundleEntry>;
    expect(faults(withEntry(lines, 0, (line) => ({ ...line, payload })))).toEqual(['payload.unexpected 0']);
  });

  test('left out without a redaction are INCOMPLETE, and listed', () => {
    const lines = withEntry(simple(3).lines(), 2, ({ payload: _, ...line }) => line);
    expect(judge(lines)).toMatchObject({
      verdict: 'INCOMPLETE',
      code: 'incomplete.payloads',
      exitCode: 3,
      payloads: { present: 2, erased: 0, missing: 1 },
      problems: [{ code: 'payload.missing', seq: 2 }],
    });
  });

  test('contexts are there, once, before who names them, and named', () => {
    const lines = simple(3).lines();
    const at = lines.findIndex(({ line }) => line === 'context');
    expect(faults(lines.toSpliced(at, 1))).toEqual(['context.missing 1', 'context.missing 2', 'context.missing 3']);
    expect(
      faults([...lines.slice(0, -1), { line: 'context', kind: 'scope', context: utf8Of('?') }, lines.at(-1)!]),
    ).toEqual(['context.unreferenced']);
    expect(faults(lines.with(at, { line: 'context', kind: 'resource', context: utf8Of('?') }))).toContain(
      'context.unreferenced',
    );
    expect(faults(lines.toSpliced(at, 0, lines[at]!))).toEqual(['bundle.malformed']);
  });
});

describe('redactions and adjustments', () => {
  const redaction = (ledger: HandLedger, target: number, more: CanonicalObject = {}) =>
    ({
      type: 'redaction',
      critical: true,
      body: { leaf: ledger.leaves[target] ?? '0'.repeat(64), reason: 'gdpr', target, ...more },
    }) as const;
  const without = (lines: BundleLine[], seq: number): BundleLine[] => {
    const left = withEntry(lines, seq, ({ payload: _, ...line }) => line);
    const needsContexts = left.some((line) => line.line === 'entry' && line.payload !== undefined);
    return left.filter(({ line }) => needsContexts || line !== 'context');
  };

  test('an erased payload is as good as present', () => {
    const ledger = simple(3);
    ledger.batch([first], redaction(ledger, 2), spanOf(9));
    for (const seqs of [undefined, [0, 2, 4]]) {
      expect(judge(without(ledger.lines(seqs), 2))).toMatchObject({
        verdict: 'VALID',
        payloads: { erased: 1, missing: 0 },
      });
    }
    expect(judge(without(ledger.lines([0, 2]), 2))).toMatchObject({ code: 'incomplete.payloads' });
    expect(judge(ledger.lines([0, 4]))).toMatchObject({
      verdict: 'VALID',
      payloads: { present: 0, erased: 0, missing: 0 },
    });
  });

  test('a payload that is back, or a redaction of something else, is INVALID', () => {
    const ledger = simple(3);
    ledger.batch([first], redaction(ledger, 2));
    expect(faults(ledger.lines())).toEqual(['payload.returned 2']);
    for (const [code, target, more] of [
      ['redaction.leaf', 2, { leaf: 'f'.repeat(64) }],
      ['redaction.target', 4, {}],
      ['redaction.target', 7, {}],
      ['redaction.target', 0, {}],
      ['redaction.malformed', 2, { leaf: 5 }],
      ['redaction.malformed', 2, { target: '2' }],
    ] as const) {
      const wrong = simple(3);
      wrong.batch([first], redaction(wrong, target, more));
      expect(faults(wrong.lines())).toEqual([`${code} 4`]);
    }
    const quiet = simple(3);
    const { critical: _, ...uncritical } = redaction(quiet, 2);
    quiet.batch([first], uncritical);
    expect(faults(quiet.lines())).toEqual(['redaction.malformed 4']);
  });

  test('an adjustment must be bound to its target, and its price right for it', () => {
    const adjusted = (target: number, leaf?: string): HandLedger => {
      const ledger = simple(3);
      const body = {
        charge: { cost: '5', currency: 'USD', source: 'reported', key: 'k' },
        leaf: leaf ?? ledger.leaves[target]!,
        reason: 'r',
        target,
      };
      return ledger.batch([first], { type: 'adjustment', body });
    };
    expect(judge(adjusted(2).lines())).toMatchObject({ verdict: 'VALID' });
    expect(judge(adjusted(2).lines([0, 4]))).toMatchObject({ verdict: 'VALID' });
    expect(faults(adjusted(2, 'f'.repeat(64)).lines())).toEqual(['adjustment.charge 4']);
    expect(faults(adjusted(9, 'f'.repeat(64)).lines())).toEqual(['adjustment.charge 4']);
  });
});

describe('keys', () => {
  const rotation = (to: HandKey) => ({ type: 'rotation', critical: true, body: { key: to.vkey } }) as const;
  /** Sizes 1, 3, 4 (closes the first epoch), 6, 7 (closes the second), 9. */
  const rotated = (): HandLedger =>
    new HandLedger(first)
      .batch([first], spanOf(1), spanOf(2))
      .batch([first, second], rotation(second))
      .batch([second], spanOf(4), spanOf(5))
      .batch([second, third], rotation(third))
      .batch([third], spanOf(7), spanOf(8));

  test('of every epoch lead to the one that signed', () => {
    for (const [i, held] of [first, second, third].entries()) {
      for (const seqs of [undefined, [0, 3, 5, 6, 8]]) {
        expect(judge(rotated().lines(seqs, [4, 7]), { key: held.key })).toMatchObject({
          verdict: 'VALID',
          signaturesChecked: 3,
          key: { keyIdHex: held.key.keyIdHex, newestKeyIdHex: third.key.keyIdHex, reachedByRotations: 2 - i },
        });
      }
    }
  });

  test('that the ledger never had, or of another ledger, make it INVALID', () => {
    expect(faults(simple().lines(), { key: stranger.key })).toEqual(['key.origin', 'checkpoint.unsigned 20']);
    const foreign = new HandKey(1, 'if-witness/other').key;
    expect(faults(simple().lines(), { key: foreign })).toEqual(['key.origin', 'checkpoint.unsigned 20']);
    expect(faults(rotated().lines(undefined, [4, 7]), { key: stranger.key })).toContain('key.origin');
  });

  test('are not skipped: a rotation or a closing checkpoint left out is INVALID', () => {
    expect(faults(rotated().lines([0, 5, 6, 8], [7]))).toContain('rotation.signature 6');
    expect(faults(rotated().lines(undefined, [7]))).toEqual(['rotation.batch 3']);
    expect(faults(rotated().lines([0, 8]))).toEqual(['checkpoint.unsigned 8']);
  });

  test('sign in their own epoch and in no other', () => {
    const late = new HandLedger(first).batch([first, second], rotation(second)).batch([first], spanOf(2));
    expect(faults(late.lines(undefined, [2]))).toContain('checkpoint.unsigned 2');
    const both = new HandLedger(first).batch([first, second], rotation(second)).batch([second, first], spanOf(2));
    expect(faults(both.lines(undefined, [2]))).toEqual(['checkpoint.signature 2']);
    const alone = new HandLedger(first).batch([first], rotation(second)).batch([second], spanOf(2));
    expect(faults(alone.lines(undefined, [2]))).toEqual(['rotation.signature 1']);
  });

  test('that a rotation cannot name', () => {
    const to = (body: CanonicalObject): HandLedger =>
      new HandLedger(first)
        .batch([first, second], { type: 'rotation', critical: true, body })
        .batch([second], spanOf(2));
    expect(faults(to({}).lines(undefined, [2]))).toContain('rotation.key 1');
    expect(faults(to({ key: first.vkey }).lines(undefined, [2]))).toContain('rotation.key 1');
    expect(faults(to({ key: new HandKey(2, 'if-witness/other').vkey }).lines(undefined, [2]))).toContain(
      'rotation.key 1',
    );
    // With the identity as a key, anybody could sign.
    expect(
      faults(to({ key: `${ORIGIN}+deadbeef+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA` }).lines(undefined, [2])),
    ).toContain('rotation.key 1');
  });

  test('a note with a changed signature, text or another ledger', () => {
    const lines = simple().lines();
    const header = lines[0] as Extract<BundleLine, { line: 'header' }>;
    const note = (change: (text: string) => string): string[] =>
      faults([{ ...header, checkpoint: change(header.checkpoint) }, ...lines.slice(1)]);
    expect(note((text) => text.replace(/=\n$/, '\n'))).toEqual(['bundle.malformed']);
    expect(note((text) => text.replace(/(.{60}).{20}\n$/, (_, kept: string) => `${kept}${'A'.repeat(19)}=\n`))).toEqual(
      ['checkpoint.signature 20'],
    );
    expect(note((text) => text.replace('\n21\n', '\n22\n'))).toEqual(['bundle.malformed']);
    expect(note((text) => text.replaceAll(ORIGIN, 'if-witness/other'))).toEqual(['bundle.malformed']);
    expect(note(() => simple(19).notes.get(20)!)).toEqual(['bundle.malformed']);
    // A cosigner's line is nobody's claim about the ledger.
    expect(
      judge([{ ...header, checkpoint: `${header.checkpoint}— witness.example AAAAAAAA\n` }, ...lines.slice(1)]).verdict,
    ).toBe('VALID');
  });
});

describe('anchors', () => {
  const ledger = new HandLedger(first)
    .batch([first], spanOf(1), spanOf(2))
    .batch([first], spanOf(3), spanOf(4))
    .batch([first], spanOf(5), spanOf(6), spanOf(7));
  const anchorOf = (from: HandLedger, size: number) => ({ name: 'anchor.note', note: utf8Of(from.notes.get(size)!) });
  const judged = (seqs: number[] | undefined, ...anchors: BundleOptions['anchors'] & object) =>
    judge(ledger.lines(seqs), { key, anchors });

  test('are met by a whole ledger, at whatever size', () => {
    for (const size of [1, 3, 5, 8])
      expect(judged(undefined, anchorOf(ledger, size))).toMatchObject({
        code: 'valid.anchored',
        anchors: [{ size, state: 'agrees' }],
      });
    expect(judged(undefined).code).toBe('valid.unanchored');
    expect(judge(ledger.lines(), { key, requireAnchor: true })).toMatchObject({
      code: 'incomplete.anchor-required',
      exitCode: 3,
    });
  });

  test('are met by a selection that leads to their size, else it cannot be told', () => {
    expect(judged([0, 4], anchorOf(ledger, 5)).code).toBe('valid.anchored');
    expect(judged([0, 6], anchorOf(ledger, 3))).toMatchObject({
      code: 'incomplete.anchor-not-compared',
      exitCode: 3,
      anchors: [{ size: 3, state: 'not-compared' }],
    });
  });

  test('of a later state cannot be compared; of another history are contradicted, with both notes', () => {
    const later = new HandLedger(first).batch([first], ...Array.from({ length: 9 }, (_, i) => spanOf(i + 1)));
    expect(judged(undefined, anchorOf(later, 10))).toMatchObject({ code: 'incomplete.anchor-not-compared' });
    const fork = new HandLedger(first).batch([first], spanOf(1), spanOf(99));
    const report = judged(undefined, anchorOf(fork, 3));
    expect(report).toMatchObject({ code: 'invalid', anchors: [{ state: 'disagrees' }], problems: [{ code: 'fork' }] });
    expect(report.problems[0]!.evidence).toEqual([fork.notes.get(3), ledger.notes.get(8)]);
  });

  test('that this ledger did not sign are none of its', () => {
    const other = new HandLedger(stranger);
    expect(judged(undefined, anchorOf(other, 1)).anchors).toMatchObject([{ state: 'foreign' }]);
    expect(judged(undefined, { name: 'x', note: utf8Of('no note') }).anchors).toMatchObject([{ state: 'foreign' }]);
  });
});

describe('a file that is no whole bundle', () => {
  const lines = simple(5).lines([0, 2, 3]);
  const malformed = (...changed: readonly BundleLine[]): void => {
    expect(found(verifyBundle([octetsOf(changed)], { key }))).toContain('bundle.malformed');
  };

  test('cut off at any line or octet, or continued', () => {
    const octets = octetsOf(lines);
    for (let end = 0; end < octets.length; end += 13)
      expect(found(verifyBundle([octets.subarray(0, end)], { key })), `${end} octets`).toContain('bundle.malformed');
    for (const end of lines.keys()) malformed(...lines.slice(0, end));
    malformed(...lines, lines.at(-1)!);
    malformed(...lines, ...lines);
    expect(found(verifyBundle([octets, utf8Of('\n')], { key }))).toContain('bundle.malformed');
    expect(found(verifyBundle([octets, utf8Of(' ')], { key }))).toContain('bundle.malformed');
  });

  test('with lines left out, doubled or in another order', () => {
    for (const i of lines.keys()) {
      // A context that nobody can look up is a fault of its own.
      if (lines[i]!.line === 'context') continue;
      malformed(...lines.toSpliced(i, 1));
      malformed(...lines.toSpliced(i, 0, lines[i]!));
      if (i > 0 && lines[i - 1]!.line !== 'context') malformed(...lines.with(i, lines[i - 1]!).with(i - 1, lines[i]!));
    }
  });

  test('of another version cannot be told; of no version is none', () => {
    const text = (version: string): Uint8Array =>
      utf8Of(Buffer.from(octetsOf(lines)).toString().replace('bundle@v1', version));
    expect(verifyBundle([text('bundle@v2')], { key })).toMatchObject({
      code: 'incomplete.not-understood',
      exitCode: 3,
    });
    expect(verifyBundle([text('bundle')], { key })).toMatchObject({ code: 'invalid' });
    for (const junk of ['', '\n', 'SQLite format 3\0', '{}\n', '[]\n', 'null\n', '"\n', '\ufeff{}\n'])
      expect(found(verifyBundle([utf8Of(junk)], { key })), JSON.stringify(junk)).toContain('bundle.malformed');
  });

  test('with JSON that is not canonical, or members that there are not', () => {
    const text = Buffer.from(octetsOf(lines)).toString();
    for (const [from, to] of [
      ['"end":3', '"end": 3'],
      ['"end":3', '"end":3,"end":3'],
      ['"end":3', '"end":3.0'],
      ['"end":3', '"end":3,"x":1'],
      ['"end":3', '"end":"3"'],
      ['"selection":{}', '"selection":{"x":"y"}'],
      ['"selection":{}', '"selection":{"since":"01"}'],
      ['"selection":{}', '"selection":[]'],
      ['"kind":"scope"', '"kind":"other"'],
      ['"from":1', '"from":-1'],
      ['\n', '\r\n'],
    ] as const) {
      expect(text).toContain(from);
      expect(found(verifyBundle([utf8Of(text.replace(from, to))], { key })), to).toContain('bundle.malformed');
    }
  });
});
