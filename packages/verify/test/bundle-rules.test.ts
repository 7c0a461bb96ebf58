/** What bundles share with ledgers: imports, indexes, cosignatures. Ledgers put together by hand. */
import { createHash, createPrivateKey, sign } from 'node:crypto';
import {
  type BundleLine,
  base64Of,
  type CanonicalObject,
  cosignedMessage,
  encodeCosignature,
  encodeSignatureLine,
  MerkleFrontier,
  parseNote,
  parsePolicy,
  utf8Of,
} from '@infrafabric/format';
import { describe, expect, test } from 'vitest';
import { type BundleOptions, type BundleReport, verifyBundle } from '../dist/index.js';
import { type HandDraft, HandKey, HandLedger, ORIGIN, octetsOf, spanOf } from './hand-ledger.js';

const first = new HandKey(1);
const { key } = first;
const judge = (lines: readonly BundleLine[], options: BundleOptions = { key }): BundleReport =>
  verifyBundle([octetsOf(lines)], options);
const codes = (report: BundleReport): string[] =>
  report.problems.map(({ code, seq }) => (seq === undefined ? code : `${code} ${seq}`));

describe('imports', () => {
  const other = new HandLedger(first).batch([first], ...[1, 2, 3, 4].map((n) => spanOf(n)));
  const head = (more: CanonicalObject = {}): HandDraft => ({
    type: 'import',
    body: { key: first.vkey, note: other.notes.get(5)!, origin: ORIGIN, ...more },
  });
  const held = (seq: number, more: CanonicalObject = {}): HandDraft => ({
    type: 'import',
    body: { entry: base64Of(utf8Of(other.entries[seq]!.text)), head: 1, origin: ORIGIN, seq, ...more },
  });
  const ledger = (...drafts: HandDraft[]): HandLedger => new HandLedger(first).batch([first], ...drafts);
  const whole = (...drafts: HandDraft[]): BundleReport => judge(ledger(...drafts).lines());

  test('that follow their rules are VALID, counted, and understood', () => {
    const all = ledger(head(), ...[0, 1, 2, 3, 4].map((seq) => held(seq)));
    expect(judge(all.lines())).toMatchObject({
      verdict: 'VALID',
      imported: { entries: 5, unverified: 0 },
      notUnderstood: {},
    });
    // Seqs 1 and 4 are the head and the third of them: what lies between is not here.
    expect(judge(all.lines([0, 1, 4]))).toMatchObject({ verdict: 'VALID', imported: { entries: 1 } });
    const { key: _, ...unverified } = head().body as { key: string; note: string; origin: string };
    expect(whole({ type: 'import', body: unverified }, held(2))).toMatchObject({
      verdict: 'VALID',
      imported: { entries: 1, unverified: 1 },
    });
  });

  test.each<[string, () => BundleReport]>([
    ['import.malformed 1', () => whole({ type: 'import', body: { origin: ORIGIN } })],
    ['import.note 1', () => whole(head({ note: other.notes.get(1)!.replace('\n1\n', '\n2\n') }))],
    ['import.head 2', () => whole(head(), held(0, { head: 0 }))],
    ['import.head 2', () => judge(ledger(head(), held(0)).lines([0, 2]))],
    ['import.entry 2', () => whole(head(), held(0, { entry: base64Of(utf8Of('{}')) }))],
    ['import.seq 3', () => whole(head(), held(1), held(0))],
    ['import.seq 2', () => whole(head(), held(1, { seq: 2 }))],
    ['import.prev 3', () => whole(head(), held(0), held(1, { entry: base64Of(utf8Of(twin(1))) }))],
    [
      'import.root 6',
      () => whole(head(), ...[0, 1, 2, 3].map((n) => held(n)), held(4, { entry: base64Of(utf8Of(last())) })),
    ],
    ['import.payload 2', () => whole(head(), { ...held(1), payload: spanOf(9).payload! })],
  ])('%s', (code, report) => {
    expect(report().verdict).toBe('INVALID');
    expect(codes(report()).filter((each) => !each.startsWith('payload.'))).toEqual([code]);
  });

  /** An entry that is bound to nothing. */
  function twin(seq: number): string {
    return other.entries[seq]!.text.replace(/"prev":"[0-9a-f]{64}"/, `"prev":"${'7'.repeat(64)}"`);
  }

  /** The last entry with something else in it: only the root can tell. */
  function last(): string {
    return other.entries[4]!.text.replace('event 4', 'event 5');
  }

  test('in parts are all here, one behind the other', () => {
    const octets = utf8Of(other.entries[0]!.text);
    const part = (i: number): HandDraft =>
      held(0, {
        entry: base64Of(octets.subarray(i * 100, i === 2 ? octets.length : (i + 1) * 100)),
        part: i,
        parts: 3,
      });
    const parts = ledger(head(), part(0), part(1), part(2), spanOf(5));
    expect(judge(parts.lines())).toMatchObject({ verdict: 'VALID', imported: { entries: 1 } });
    expect(codes(judge(parts.lines([0, 1, 2, 3, 5])))).toEqual(['import.parts 2']);
    expect(codes(judge(parts.lines([0, 1, 2, 4])))).toContain('import.parts 2');
    expect(codes(judge(parts.lines([0, 1, 4])))).toEqual(['import.parts 4']);
  });

  test('are adjusted like the spans that they hold', () => {
    const adjusted = (target: number): BundleReport => {
      const imports = ledger(head(), held(0), held(1));
      const charge = { cost: '5', currency: 'USD', source: 'reported', key: 'k' };
      const body = { charge, leaf: imports.leaves[target]!, reason: 'r', target };
      return judge(imports.batch([first], { type: 'adjustment', body }).lines());
    };
    expect(adjusted(3).verdict).toBe('VALID');
    expect(codes(adjusted(2))).toEqual(['adjustment.charge 4']);
  });

  test('are no finding where an entry is another: that is said, and not its sequels', () => {
    const lines = ledger(head(), held(0), held(1)).lines();
    const changed = lines.map((line) =>
      line.line === 'entry' && line.seq === 2
        ? { ...line, entry: utf8Of(Buffer.from(line.entry).toString().replace('"head":1', '"head":0')) }
        : line,
    );
    expect(codes(judge(changed))).toEqual(['entry.prev 2']);
  });
});

describe('indexes', () => {
  const hash = (...parts: (string | Uint8Array)[]): Buffer => {
    const sha256 = createHash('sha256');
    for (const part of parts) sha256.update(part);
    return sha256.digest();
  };
  const tree = (values: readonly (readonly [key: Buffer, seq: number])[]): CanonicalObject => {
    const keys = [...new Set(values.map(([value]) => value.toString('hex')))].sort();
    const frontier = new MerkleFrontier();
    for (const hex of keys) {
      const seqs = values.filter(([value]) => value.toString('hex') === hex).map(([, seq]) => seq);
      const octets = seqs.map((seq) => Buffer.from(seq.toString(16).padStart(16, '0'), 'hex'));
      frontier.push(hash(Buffer.of(0), Buffer.from(hex, 'hex'), ...octets).toString('hex'));
    }
    return { leaves: keys.length, root: frontier.rootHex() };
  };
  const trace = Buffer.from('a'.repeat(32), 'hex');
  /** Of spans 1 … n, each in the same trace, every second with a business trace id. */
  const index = (from: number, to: number, more: CanonicalObject = {}): HandDraft => {
    const seqs = Array.from({ length: to - from }, (_, i) => from + i).filter((seq) => seq > 0 && seq < 7);
    return {
      type: 'index',
      body: {
        business: tree(seqs.filter((seq) => seq % 2 === 0).map((seq) => [hash(`flow ${seq}`), seq])),
        business_parent: tree([]),
        from,
        to,
        trace: tree(seqs.map((seq) => [trace, seq])),
        ...more,
      },
    };
  };
  const spans = Array.from({ length: 6 }, (_, i) => spanOf(i + 1, i % 2 === 1 ? { business: `flow ${i + 1}` } : {}));
  const ledger = (...indexes: HandDraft[]): HandLedger =>
    new HandLedger(first).batch([first], ...spans).batch([first], ...indexes);

  test('are compared where their range is here, else not, and that is said', () => {
    const good = ledger(index(0, 4), index(4, 7));
    expect(judge(good.lines())).toMatchObject({
      verdict: 'VALID',
      notUnderstood: {},
      indexes: { found: 2, notCompared: 0 },
    });
    const part = judge(good.lines([0, 3, 7, 8]));
    expect(part).toMatchObject({ verdict: 'VALID', indexes: { found: 2, notCompared: 2 } });
    expect(part.notVouchedFor.some((limit) => limit.includes('2 of 2 indexes'))).toBe(true);
    expect(judge(good.lines([0, 4, 5, 6, 7, 8]))).toMatchObject({ verdict: 'VALID', indexes: { notCompared: 1 } });
  });

  test.each<[string, HandDraft[], number[] | undefined]>([
    ['index.root 7', [index(0, 4, { trace: index(0, 3).body.trace! })], undefined],
    ['index.root 7', [index(0, 4, { business: { leaves: 2, root: 'f'.repeat(64) } })], undefined],
    ['index.root 8', [index(0, 4), index(4, 7, { business_parent: index(4, 7).body.trace! })], [0, 4, 5, 6, 7, 8]],
    ['index.range 7', [index(1, 4)], undefined],
    ['index.range 7', [index(0, 8)], undefined],
    ['index.range 8', [index(0, 4), index(5, 7)], [0, 7, 8]],
    ['index.malformed 7', [{ type: 'index', body: { from: 0, to: 4 } }], [0, 7]],
  ])('%s', (code, indexes, seqs) => {
    const report = judge(ledger(...indexes).lines(seqs));
    expect(report.verdict).toBe('INVALID');
    expect(codes(report)).toEqual([code]);
  });
});

describe('cosignatures', () => {
  const ledger = new HandLedger(first)
    .batch([first], spanOf(1), spanOf(2))
    .batch([first], spanOf(3), spanOf(4))
    .batch([first], spanOf(5), spanOf(6));
  const [alice, bob] = [witness('witness.example/alice', 21), witness('witness.example/bob', 22)];
  const policyOf = (quorum: string, ...logs: readonly string[]) => ({
    policy: parsePolicy(
      utf8Of(
        [
          ...logs.map((log) => `log ${log}`),
          `witness alice ${alice.vkey}`,
          `witness bob ${bob.vkey}`,
          'group both all alice bob',
          `quorum ${quorum}\n`,
        ].join('\n'),
      ),
    ),
    from: 'policy',
  });

  /** A witness with a key that the test holds. */
  function witness(name: string, fill: number) {
    const der = Buffer.from(`302e020100300506032b657004220420${Buffer.alloc(32, fill).toString('hex')}`, 'hex');
    const secret = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    const material = Buffer.concat([Buffer.of(4), Buffer.from(secret.export({ format: 'jwk' }).x!, 'base64url')]);
    const keyIdHex = createHash('sha256').update(`${name}\n`).update(material).digest('hex').slice(0, 8);
    return {
      vkey: `${name}+${keyIdHex}+${base64Of(material)}`,
      line: (note: string, timeUnixS: number): string => {
        const signature = sign(null, cosignedMessage(timeUnixS, parseNote(utf8Of(note)).text), secret);
        return `${encodeSignatureLine({ name, keyIdHex, signature: encodeCosignature({ timeUnixS, signature }) })}\n`;
      },
    };
  }

  /** Lines of a whole bundle, with those of witnesses behind its notes. */
  const cosigned = (lines: Readonly<Record<number, string>>): BundleLine[] =>
    ledger
      .lines(
        undefined,
        Object.keys(lines)
          .map(Number)
          .filter((size) => size < 7),
      )
      .map((line) =>
        line.line === 'header' || line.line === 'checkpoint'
          ? { ...line, checkpoint: line.checkpoint + (lines[line.line === 'header' ? 7 : line.size] ?? '') }
          : line,
      );
  const by = (size: number, ...witnesses: readonly (typeof alice)[]): string =>
    witnesses.map((one, i) => one.line(ledger.notes.get(size)!, 1_700_000_000 + size + i)).join('');

  test('of enough witnesses make it witnessed, up to the largest checkpoint that has them', () => {
    const lines = cosigned({ 3: by(3, alice, bob), 5: by(5, alice, bob), 7: by(7, alice) });
    expect(judge(lines, { key, policy: policyOf('both') })).toMatchObject({
      code: 'valid.witnessed',
      cosignatures: { found: 5, checked: 5, unknown: 0 },
      policy: { isMet: true, witnessed: { size: 5, timeUnixS: 1_700_000_006, by: ['alice', 'bob'] } },
    });
    expect(judge(lines, { key, policy: policyOf('alice') }).policy?.witnessed?.size).toBe(7);
    expect(judge(lines, { key })).toMatchObject({
      code: 'valid.unanchored',
      cosignatures: { found: 5, checked: 0, unknown: 5 },
      policy: undefined,
    });
    const limits = judge(lines, { key, policy: policyOf('both') }).notVouchedFor;
    expect(limits.some((limit) => limit.includes('after the 5 entries that enough witnesses cosigned'))).toBe(true);
  });

  test('of too few, or of another ledger, leave it INCOMPLETE', () => {
    const few = cosigned({ 5: by(5, bob), 7: by(7, alice) });
    expect(judge(few, { key, policy: policyOf('both') })).toMatchObject({
      code: 'incomplete.policy-unmet',
      exitCode: 3,
    });
    expect(judge(few, { key, policy: policyOf('none') })).toMatchObject({ code: 'valid.unanchored' });
    const all = cosigned({ 7: by(7, alice, bob) });
    const stranger = new HandKey(9, 'if-witness/other');
    expect(judge(all, { key, policy: policyOf('both', stranger.vkey) })).toMatchObject({
      code: 'incomplete.policy-unmet',
      policy: { acceptsLog: false },
    });
    expect(judge(all, { key, policy: policyOf('both', first.vkey) })).toMatchObject({ code: 'valid.witnessed' });
    expect(judge(all, { policy: policyOf('both') })).toMatchObject({ code: 'incomplete.self-asserted-key' });
  });

  test('that are of another checkpoint, or changed, are INVALID where the policy knows their witness', () => {
    const wrong = cosigned({ 5: by(3, alice), 7: by(7, alice, bob) });
    expect(codes(judge(wrong, { key, policy: policyOf('both') }))).toEqual(['cosignature.signature 4']);
    expect(judge(wrong, { key })).toMatchObject({ verdict: 'VALID' });
  });

  test('do not change what an entry says of the checkpoint before it', () => {
    const lines = cosigned({ 3: by(3, alice), 5: `${by(5, bob)}— stranger AAAAAAAA\n` });
    expect(judge(lines, { key })).toMatchObject({ verdict: 'VALID', cosignatures: { found: 3 } });
    const own = cosigned({ 5: first.line('x').name === ORIGIN ? `— ${ORIGIN} AAAAAAAA\n` : '' });
    expect(codes(judge(own, { key }))).toEqual(['checkpoint.signature 4', 'checkpoint.altered 5']);
  });

  test('under anchors that agree count; one that fails makes the anchor none', () => {
    const note = ledger.notes.get(5)!;
    const anchored = (lines: string): BundleReport =>
      judge(ledger.lines(), {
        key,
        policy: policyOf('both'),
        anchors: [{ name: 'a.note', note: utf8Of(note + lines) }],
      });
    expect(anchored(by(5, alice, bob))).toMatchObject({ code: 'valid.witnessed', policy: { witnessed: { size: 5 } } });
    expect(anchored(by(5, alice))).toMatchObject({ code: 'incomplete.policy-unmet' });
    expect(anchored(by(3, alice)).anchors).toMatchObject([{ state: 'foreign' }]);
  });
});
