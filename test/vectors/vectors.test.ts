/** The golden vectors: rebuilt they are the same, and each is what docs/format.md says, recomputed without our encoders. */
import { createHash, createPublicKey, verify } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ENTRY_TYPES, parseBundleLine, parseCanonicalJson, parsePolicy, parseVkey, utf8Of } from '@infrafabric/format';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { type BundleReport, verifyBundle, verifyLedger } from '@infrafabric/verify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rebuild } from './rebuild.mjs';
import { type Rows, rowsOf, type VectorEntry } from './rows.mjs';

const stored = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');
const sha256 = (...parts: readonly (string | Uint8Array)[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};
const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const leafHash = (entry: string | Uint8Array): string => sha256(Buffer.of(0), entry);

/** RFC 6962 §2.1 over leaf hashes. */
function rootOf(leaves: readonly string[]): string {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return leaves[0]!;
  const k = 2 ** Math.floor(Math.log2(leaves.length - 1));
  return sha256(Buffer.of(1), hex(rootOf(leaves.slice(0, k))), hex(rootOf(leaves.slice(k))));
}

/** Whether exactly these keys signed a note, each once and in order. */
function signedBy(note: string, vkeys: readonly string[]): boolean {
  const split = note.lastIndexOf('\n\n') + 1;
  const lines = note.slice(split + 1, -1).split('\n');
  return (
    lines.length === vkeys.length &&
    lines.every((line, i) => {
      const [name, keyId, material] = [...vkeys[i]!.split('+').slice(0, 2), vkeys[i]!.split('+').slice(2).join('+')];
      const [dash, signer, base64] = line.split(' ');
      const octets = Buffer.from(base64!, 'base64');
      const raw = Buffer.from(material!, 'base64').subarray(1);
      const der = Buffer.concat([hex('302a300506032b6570032100'), raw]);
      const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
      return (
        dash === '—' &&
        signer === name &&
        octets.subarray(0, 4).toString('hex') === keyId &&
        verify(null, Buffer.from(note.slice(0, split)), key, octets.subarray(4))
      );
    })
  );
}

interface Parsed {
  readonly at: string;
  readonly body: Record<string, unknown>;
  readonly checkpoint?: string;
  readonly clock?: string;
  readonly critical?: true;
  readonly payload?: string;
  readonly prev: string;
  readonly seq: number;
  readonly type: string;
}

/** What every chain has, whoever wrote it. */
function expectChain({ entries, checkpoints }: Pick<Rows, 'entries' | 'checkpoints'>): Parsed[] {
  const notes = new Map(checkpoints.map(({ size, note }) => [size, note]));
  let prev = '0'.repeat(64);
  let lastAt = 0n;
  const parsed = entries.map(({ seq, leaf, entry }, i) => {
    const value = parseCanonicalJson(entry) as unknown as Parsed;
    expect([seq, value.seq, value.prev]).toEqual([i, i, prev]);
    expect(leaf).toBe(leafHash(entry));
    expect(value.clock).toBe(BigInt(value.at) < lastAt ? 'backwards' : undefined);
    const before = i === 0 ? undefined : notes.get(i);
    expect(value.checkpoint).toBe(before === undefined ? undefined : sha256(before));
    prev = leaf;
    lastAt = BigInt(value.at);
    return value;
  });
  for (const { size, note } of checkpoints) {
    const root = rootOf(entries.slice(0, size).map(({ leaf }) => leaf));
    const text = `${String(parsed[0]!.body.origin)}\n${size}\n${hex(root).toString('base64')}\n\n— `;
    expect(note.startsWith(text)).toBe(true);
  }
  expect(checkpoints.at(-1)?.size).toBe(entries.length);
  return parsed;
}

let folder: string;
let rebuilt: Readonly<Record<string, string>>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vectors-test-'));
  copyFileSync(new URL('witness.db', import.meta.url), join(folder, 'witness.db'));
  rebuilt = await rebuild(join(folder, 'rebuilt.db'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

const BUNDLES = ['whole', 'selection', 'no-payloads'].map((name) => `bundles/${name}.bundle`);

test.each([
  'ledger.json',
  'tree.json',
  'control.json',
  'erased.json',
  'drafts.json',
  ...BUNDLES,
  'bundles/policy',
  'bundles/keys',
])('%s is rebuilt byte for byte', (name) => {
  expect(rebuilt[name]).toBe(stored(name));
});

describe('ledger.json', () => {
  const vector = JSON.parse(stored('ledger.json')) as Rows & { vkey: string; appended: string[][] };

  test('is a chain, every checkpoint signed by its key', () => {
    expectChain(vector);
    for (const { note } of vector.checkpoints) expect(signedBy(note, [vector.vkey])).toBe(true);
  });

  test('is what witness.db holds, and what its writer would write today', () => {
    const { entries, checkpoints, nodes, payloads, contexts } = vector;
    const rows = { entries, checkpoints, nodes, payloads, contexts };
    expect(rowsOf(join(folder, 'witness.db'))).toEqual(rows);
    expect(rowsOf(join(folder, 'rebuilt.db'))).toEqual(rows);
  });

  test('is VALID, deeply', () => {
    const reader = LedgerReader.open(join(folder, 'witness.db'));
    try {
      const report = verifyLedger(reader, { key: parseVkey(vector.vkey), deep: true, allSignatures: true });
      expect(report).toMatchObject({ code: 'valid.unanchored', entries: 12, problems: [], spansKnownLost: 3 });
    } finally {
      reader.close();
    }
  });

  test('has payloads and contexts under their digests', () => {
    const entries = expectChain(vector);
    const contexts = new Map(vector.contexts.map((context) => [context.digest, context]));
    for (const { digest, kind, context } of vector.contexts) {
      expect(digest).toBe(sha256(`if-witness/${kind}/v1\0`, hex(context)));
    }
    for (const { seq, digest, salt, payload } of vector.payloads) {
      expect(salt).toHaveLength(64);
      expect(digest).toBe(sha256('if-witness/payload/v1\0', hex(salt), hex(payload)));
      expect(entries[seq]?.payload).toBe(digest);
      expect(contexts.get(payload.slice(0, 64))?.kind).toBe('resource');
      expect(contexts.get(payload.slice(64, 128))?.kind).toBe('scope');
    }
    const spans = entries.filter(({ type }) => type === 'span').map(({ seq }) => seq);
    expect(vector.payloads.map(({ seq }) => seq)).toEqual(spans);
  });

  test('has a duplicate, a twin in one batch, a conflict, a clock going back, cut and lossy text, a gap', () => {
    const entries = expectChain(vector);
    const [call, frame] = [entries[1]!, entries[4]!];
    expect(vector.appended[1]).toEqual([`duplicate ${call.seq}`]);
    expect(vector.appended[2]).toEqual(['appended 4', `duplicate ${frame.seq}`, 'appended 5']);
    expect(entries[5]!.body).toMatchObject({ conflict: 1, trace: call.body.trace, span: call.body.span });
    expect(entries.filter(({ clock }) => clock !== undefined).map(({ seq }) => seq)).toEqual([7]);
    expect(entries[8]!.body.cut).toEqual(['business', 'business_parent', 'component', 'event', 'service']);
    expect(entries[9]!.body.lossy).toEqual(['attributes', 'business', 'unknown_fields']);
    expect(entries[6]!.type).toBe('gap');
    const sources = entries.map(({ body }) => (body.charge as { source?: string } | undefined)?.source);
    expect(new Set(sources)).toEqual(new Set([undefined, 'reported', 'computed', 'estimated', 'unpriced']));
  });

  test('has rated lines that add up', () => {
    const pico = (decimal: string): bigint => BigInt(Math.round(Number(decimal) * 1e6)) * 1_000_000n;
    for (const { body } of expectChain(vector)) {
      const rated = (body.charge as { rated?: { cost: string; lines: Record<string, string>[] } } | undefined)?.rated;
      if (rated === undefined) continue;
      for (const { cost, per, quantity, rate } of rated.lines) {
        expect(BigInt(cost!)).toBe((BigInt(quantity!) * pico(rate!)) / BigInt(per!));
      }
      expect(rated.lines.reduce((sum, { cost }) => sum + BigInt(cost!), 0n)).toBe(BigInt(rated.cost));
    }
  });
});

describe('tree.json', () => {
  test('stores each complete node of level 8 and above', () => {
    const { leaves, nodes, checkpoints } = JSON.parse(stored('tree.json')) as Rows & { leaves: string[] };
    expect(leaves).toHaveLength(700);
    expect(nodes.map(({ level, node }) => [level, node])).toEqual([
      [8, 0],
      [8, 1],
      [9, 0],
    ]);
    for (const { level, node, hash } of nodes) {
      expect(hash).toBe(rootOf(leaves.slice(node * 2 ** level, (node + 1) * 2 ** level)));
    }
    for (const { size, note } of checkpoints) {
      expect(note.split('\n')[2]).toBe(hex(rootOf(leaves.slice(0, size))).toString('base64'));
    }
  });
});

describe('erased.json', () => {
  const vector = JSON.parse(stored('erased.json')) as Rows & {
    vkey: string;
    erased: { seq: number; redaction: number }[];
  };
  const entries = expectChain(vector);
  const redactions = entries.filter(({ type }) => type === 'redaction');

  test('is a chain, every checkpoint signed by its key', () => {
    for (const { note } of vector.checkpoints) expect(signedBy(note, [vector.vkey])).toBe(true);
  });

  test('has critical redactions that name an earlier entry with a payload, and its leaf hash', () => {
    expect(redactions.map(({ body }) => body.target)).toEqual([3, 1, 4]);
    for (const { seq, body, critical } of redactions) {
      expect(critical).toBe(true);
      expect(body.target).toBeLessThan(seq);
      expect(body.leaf).toBe(leafHash(vector.entries[body.target as number]!.entry));
      expect(entries[body.target as number]!.payload).toMatch(/^[0-9a-f]{64}$/);
      expect(body.reason).toBe('request of the person concerned');
    }
  });

  test('lists each target with its redaction', () => {
    const rows = redactions.map(({ seq, body }) => ({ seq: body.target as number, redaction: seq }));
    expect(vector.erased).toEqual(rows.sort((x, y) => x.seq - y.seq));
  });

  test('has the other payloads, and the contexts that they name', () => {
    const withPayload = entries.filter(({ payload }) => payload !== undefined).map(({ seq }) => seq);
    const left = withPayload.filter((seq) => !vector.erased.some((row) => row.seq === seq));
    expect(vector.payloads.map(({ seq }) => seq)).toEqual(left);
    const named = new Set(vector.payloads.flatMap(({ payload }) => [payload.slice(0, 64), payload.slice(64, 128)]));
    expect(vector.contexts.map(({ digest }) => digest)).toEqual([...named].sort());
  });
});

describe('control.json', () => {
  const vector = JSON.parse(stored('control.json')) as Pick<Rows, 'entries' | 'checkpoints' | 'payloads'> & {
    vkeys: [string, string];
  };
  const entries = expectChain(vector);
  const of = (type: string): Parsed[] => entries.filter((entry) => entry.type === type);
  const leafOf = (seq: unknown): string => (vector.entries[seq as number] as VectorEntry).leaf;

  test('has every type of entry', () => {
    expect([...new Set(entries.map(({ type }) => type))].sort()).toEqual([...ENTRY_TYPES]);
  });

  test('marks redaction and rotation as critical, and nothing else', () => {
    const critical = entries.filter((entry) => entry.critical === true).map(({ type }) => type);
    expect(critical).toEqual(['redaction', 'rotation']);
  });

  test('names targets by seq and leaf hash, always earlier ones', () => {
    for (const { seq, body } of [...of('adjustment'), ...of('redaction')]) {
      expect(body.target).toBeLessThan(seq);
      expect(body.leaf).toBe(leafOf(body.target));
      expect(entries[body.target as number]!.type).toBe('span');
    }
    for (const { seq, body } of of('alert')) {
      expect(entries[body.entry as number]!.body).toMatchObject({ action: 'set', budget: body.budget });
      expect(body.through).toBeLessThan(seq);
    }
  });

  test('keeps what names a person in the payload', () => {
    const [{ seq, digest, salt, payload }] = vector.payloads as [Rows['payloads'][number]];
    expect(digest).toBe(sha256('if-witness/payload/v1\0', hex(salt), hex(payload)));
    expect(entries[seq]!.payload).toBe(digest);
    const { scope } = parseCanonicalJson(hex(payload).toString()) as { scope: object };
    expect(Object.keys(scope)).toEqual(entries[seq]!.body.private);
  });

  test('rotates: both keys sign the closing checkpoint, the old one what is before, the new one what follows', () => {
    const [rotation] = of('rotation') as [Parsed];
    const closing = rotation.seq + 1;
    const [oldKey, newKey] = vector.vkeys;
    expect(entries[0]!.body.key).toBe(oldKey);
    expect(rotation.body.key).toBe(newKey);
    expect(parseVkey(newKey).name).toBe(parseVkey(oldKey).name);
    expect(parseVkey(newKey).keyIdHex).not.toBe(parseVkey(oldKey).keyIdHex);
    expect(vector.checkpoints.map(({ size }) => size)).toContain(closing);
    for (const { size, note } of vector.checkpoints) {
      const keys = size < closing ? [oldKey] : size === closing ? [oldKey, newKey] : [newKey];
      expect([size, signedBy(note, keys)]).toEqual([size, true]);
    }
  });

  test('imports: the entry is there whole, and its hash leads to the foreign root', () => {
    const [head, imported] = of('import') as [Parsed, Parsed];
    const octets = Buffer.from(imported.body.entry as string, 'base64');
    expect(octets.toString('base64')).toBe(imported.body.entry);
    expect(imported.body).toMatchObject({ head: head.seq, origin: head.body.origin, seq: 0 });
    expect((JSON.parse(octets.toString()) as Parsed).seq).toBe(imported.body.seq);
    const note = head.body.note as string;
    expect(note.split('\n').slice(0, 3)).toEqual([head.body.origin, '1', hex(leafHash(octets)).toString('base64')]);
    expect(signedBy(note, [head.body.key as string])).toBe(true);
  });

  test('indexes: a tree over the sorted keys of the range, each followed by its seqs', () => {
    const [{ body, seq }] = of('index') as [Parsed];
    expect(body.from).toBe(0);
    expect(body.to).toBeLessThanOrEqual(seq);
    const spans = entries.slice(body.from as number, body.to as number).filter(({ type }) => type === 'span');
    expect(spans).toHaveLength(1);
    const [span] = spans as [Parsed];
    const seqs = hex(span.seq.toString(16).padStart(16, '0'));
    const keys = {
      business: hex(sha256(span.body.business as string)),
      business_parent: hex(sha256(span.body.business_parent as string)),
      trace: hex(span.body.trace as string),
    };
    for (const [name, key] of Object.entries(keys)) {
      expect(body[name]).toEqual({ leaves: 1, root: leafHash(Buffer.concat([key, seqs])) });
    }
  });
});

describe('bundles', () => {
  const vkeys = stored('bundles/keys').trimEnd().split('\n');
  const policy = { policy: parsePolicy(utf8Of(stored('bundles/policy'))), from: 'policy' };
  const judged = (name: string, vkey: string): BundleReport =>
    verifyBundle([utf8Of(stored(name))], { key: parseVkey(vkey), policy, deep: true });

  test.each(vkeys)('are VALID under the key of either epoch, and witnessed where both witnesses signed: %s', (vkey) => {
    const common = {
      verdict: 'VALID',
      code: 'valid.witnessed',
      notUnderstood: {},
      problems: [],
      key: { reachedByRotations: vkeys.length - 1 - vkeys.indexOf(vkey) },
    };
    expect(judged('bundles/whole.bundle', vkey)).toMatchObject({
      ...common,
      isWhole: true,
      imported: { entries: 6, unverified: 0 },
      payloads: { erased: 1, missing: 0 },
    });
    const selection = judged('bundles/selection.bundle', vkey);
    expect(selection).toMatchObject({ ...common, isWhole: false, payloads: { erased: 1, missing: 0 } });
    // The second checkpoint that was cosigned, by one of two, is not enough.
    expect(selection.policy?.witnessed?.by).toEqual(['alice', 'bob']);
    expect(judged('bundles/no-payloads.bundle', vkey)).toMatchObject({
      code: 'incomplete.payloads',
      entries: selection.entries,
      checkpoint: selection.checkpoint,
    });
  });

  test('are lines in canonical JSON whose entries and hashes give the root', () => {
    for (const name of BUNDLES) {
      const lines = stored(name).trimEnd().split('\n');
      const nodes: { level: number; hash: string }[] = [];
      const push = (level: number, hash: string): void => {
        const last = nodes.at(-1);
        if (last?.level !== level) {
          nodes.push({ level, hash });
          return;
        }
        nodes.pop();
        push(level + 1, sha256(Buffer.of(1), hex(last.hash), hex(hash)));
      };
      for (const text of lines) {
        parseCanonicalJson(text);
        const line = parseBundleLine(utf8Of(text));
        if (line.line === 'entry') push(0, leafHash(line.entry));
        if (line.line === 'hash') push(Math.log2(line.to - line.from), line.hashHex);
      }
      const root = nodes.map(({ hash }) => hash).reduceRight((right, left) => sha256(Buffer.of(1), hex(left), hex(right)));
      const { checkpoint } = JSON.parse(lines[0]!) as { checkpoint: string };
      expect(checkpoint.split('\n')[2]).toBe(hex(root).toString('base64'));
    }
  });
});
