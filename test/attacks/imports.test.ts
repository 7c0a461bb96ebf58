/** Attack matrix: what is imported from another ledger. Whoever holds the key of this one cannot pass off what is not so. */
import {
  base64Of,
  bytesOfHex,
  encodeCheckpoint,
  encodeNote,
  leafHashHex,
  MerkleFrontier,
  type NoteSignature,
  utf8Of,
} from '@infrafabric/format';
import { importLedger } from '@infrafabric/ledger/import';
import { LedgerReader } from '@infrafabric/ledger/reader';
import type Sqlite from 'better-sqlite3';
import { beforeAll, describe, expect, test } from 'vitest';
import { attack, editBlob, editInPlace, flipBit } from './edits.js';
import { controlEntry, type Forgery, forgeLedger, genesisOf, keyPair, type Place } from './forge.js';
import { at, type Built, buildLedger, found, keyOf, newDirectory, verifyFile } from './ledger-files.js';

const ORIGIN = 'if-witness/forged';
const FOREIGN = 'if-witness/foreign';
const GAP = '{"count":1,"reason":"x","since":"1","source":"x","until":"2"}';

let template: Built;
beforeAll(async () => {
  template = await buildLedger({ batches: [1] });
});

/** A foreign ledger of genesis and gaps: its entries, and the note over the first `size` of them. */
async function foreignLedger(size: number) {
  const { signer, vkey } = await keyPair(FOREIGN, 9);
  const tree = new MerkleFrontier();
  const entries: string[] = [];
  let prev = '0'.repeat(64);
  for (let seq = 0; seq < size; seq++) {
    const place = { seq, prev, checkpoint: '' };
    const text = seq === 0 ? genesisOf(FOREIGN, vkey)(place) : controlEntry('gap', GAP)(place);
    entries.push(text);
    prev = leafHashHex(text);
    tree.push(prev);
  }
  const text = encodeCheckpoint({ origin: FOREIGN, size, rootHex: tree.rootHex() });
  const signature: NoteSignature = {
    name: FOREIGN,
    keyIdHex: signer.keyIdHex,
    signature: await signer.sign(utf8Of(text)),
  };
  return { vkey, entries, note: encodeNote(text, [signature]) };
}

type Foreign = Awaited<ReturnType<typeof foreignLedger>>;
type Body = Record<string, unknown>;

const imported = (body: Body, more = ''): ((place: Place) => string) =>
  controlEntry('import', JSON.stringify(Object.fromEntries(Object.entries(body).sort())), more);

/** Bodies as an honest importer writes them: the head is entry 1. */
function bodiesOf({ vkey, entries, note }: Foreign): Body[] {
  return [
    { key: vkey, note, origin: FOREIGN },
    ...entries.map((text, seq) => ({ entry: base64Of(utf8Of(text)), head: 1, origin: FOREIGN, seq })),
  ];
}

async function judgeEntries(entries: readonly ((place: Place) => string)[], change: Partial<Forgery> = {}) {
  const { signer, vkey, key } = await keyPair(ORIGIN, 3);
  const path = await forgeLedger(template.path, {
    origin: ORIGIN,
    signer,
    batches: [[genesisOf(ORIGIN, vkey)], entries],
    ...change,
  });
  return verifyFile(path, { key });
}

/** Judges an import after `change` did something to the bodies of it. */
async function judge(change: (bodies: Body[], foreign: Foreign) => void, size = 4) {
  const foreign = await foreignLedger(size);
  const bodies = bodiesOf(foreign);
  change(bodies, foreign);
  return judgeEntries(bodies.map((body) => imported(body)));
}

const wrapped = (text: string): string => base64Of(utf8Of(text));

test('an honest import is VALID, and counted', async () => {
  expect(await judge(() => undefined)).toMatchObject({
    verdict: 'VALID',
    problems: [],
    imported: { entries: 4, unverified: 0 },
    notUnderstood: {},
  });
});

test('without a key in its head it is VALID too, and the report says that nobody verified it', async () => {
  const report = await judge(([head]) => delete head!.key);
  expect(report).toMatchObject({ verdict: 'VALID', imported: { entries: 4, unverified: 4 } });
  expect(report.notVouchedFor.join()).toContain('4 imported entries that nobody verified');
});

describe('a body that is neither a head nor an entry is INVALID', () => {
  test.each<[string, (bodies: Body[]) => void]>([
    ['with members of both', (bodies) => Object.assign(bodies[2]!, { note: 'x' })],
    ['without an origin', (bodies) => delete bodies[2]!.origin],
    ['without a head', (bodies) => delete bodies[2]!.head],
    ['whose seq is text', (bodies) => Object.assign(bodies[2]!, { seq: '1' })],
    ['whose entry is not base64', (bodies) => Object.assign(bodies[2]!, { entry: '%%%%' })],
    ['whose entry is empty', (bodies) => Object.assign(bodies[2]!, { entry: '' })],
    ['with a part and no parts', (bodies) => Object.assign(bodies[2]!, { part: 0 })],
    ['in 1 part', (bodies) => Object.assign(bodies[2]!, { part: 0, parts: 1 })],
    ['in 17 parts', (bodies) => Object.assign(bodies[2]!, { part: 0, parts: 17 })],
    ['whose part is beyond its parts', (bodies) => Object.assign(bodies[2]!, { part: 2, parts: 2 })],
  ])('%s', async (_, change) => {
    expect(found(await judge(change))).toContain(at('import.malformed', 3));
  });
});

describe('a head is held to what it says', () => {
  test.each<[string, (bodies: Body[], foreign: Foreign) => void]>([
    ['a note that is none', ([head]) => Object.assign(head!, { note: 'if-witness/foreign\n4\n' })],
    ['a note of another origin', ([head]) => Object.assign(head!, { origin: 'if-witness/other' })],
    ['a key that is none', ([head]) => Object.assign(head!, { key: 'nonsense' })],
    [
      'a note whose signature is another',
      ([head], { note }) => Object.assign(head!, { note: note.replace(/.(.{8})\n$/, (_, end) => `A${end}\n`) }),
    ],
  ])('%s', async (_, change) => {
    expect(found(await judge(change))).toContain(at('import.note', 1));
  });

  test('a key that did not sign the note', async () => {
    const { vkey } = await keyPair(FOREIGN, 77);
    expect(found(await judge(([head]) => Object.assign(head!, { key: vkey })))).toContain(at('import.note', 1));
  });

  test('a root that its entries do not have', async () => {
    const other = await foreignLedger(5);
    const report = await judge(([head]) => Object.assign(head!, { note: other.note }), 4);
    // Four of five: the last is not there, so nothing can be said of the root.
    expect(report.verdict).toBe('VALID');
    const longer = await foreignLedger(4);
    const forged = await judge((bodies) => {
      // Another history of the same length, linked within itself.
      const { entries } = longer;
      const last = entries[3]!.replace('"count":1', '"count":2');
      Object.assign(bodies[4]!, { entry: wrapped(last) });
    });
    expect(found(forged)).toEqual([at('import.root', 5)]);
  });
});

describe('an imported entry is held to its head and to the one before', () => {
  test.each<[string, (bodies: Body[]) => void, string]>([
    ['a head that is none', (bodies) => Object.assign(bodies[2]!, { head: 0 }), at('import.head', 3)],
    ['a head that comes later', (bodies) => bodies.push(bodies.shift()!), at('import.head', 1)],
    ['another origin than its head', (bodies) => Object.assign(bodies[2]!, { origin: 'x' }), at('import.head', 3)],
    [
      'octets that are no entry',
      (bodies) => Object.assign(bodies[2]!, { entry: wrapped('{}') }),
      at('import.entry', 3),
    ],
    ['octets that are no UTF-8', (bodies) => Object.assign(bodies[2]!, { entry: '/////w==' }), at('import.entry', 3)],
    ['a seq that is not its own', (bodies) => Object.assign(bodies[2]!, { seq: 2 }), at('import.seq', 3)],
    ['an entry twice', (bodies) => bodies.splice(3, 0, bodies[2]!), at('import.seq', 4)],
    ['two entries swapped', (bodies) => bodies.splice(2, 2, bodies[3]!, bodies[2]!), at('import.seq', 4)],
    [
      'an entry that was changed',
      (bodies) =>
        Object.assign(bodies[2]!, {
          entry: wrapped(
            Buffer.from(bodies[2]!.entry as string, 'base64')
              .toString()
              .replace('"count":1', '"count":7'),
          ),
        }),
      at('import.prev', 4),
    ],
  ])('%s', async (_, change, problem) => {
    const report = await judge(change);
    expect(report.verdict).toBe('INVALID');
    expect(found(report)).toContain(problem);
  });

  test('an entry beyond the note of a verified head', async () => {
    const longer = await foreignLedger(5);
    const report = await judge((bodies) =>
      bodies.push({ entry: wrapped(longer.entries[4]!), head: 1, origin: FOREIGN, seq: 4 }),
    );
    expect(found(report)).toEqual([at('import.seq', 6)]);
  });

  test('a genesis of another ledger', async () => {
    const report = await judge((bodies) => {
      const text = Buffer.from(bodies[1]!.entry as string, 'base64').toString();
      Object.assign(bodies[1]!, { entry: wrapped(text.replace(`"origin":"${FOREIGN}"`, '"origin":"elsewhere"')) });
    });
    expect(found(report)).toContain(at('import.entry', 2));
  });

  test('one entry left out is no lie, and the rest still has to give the signed root', async () => {
    const without = (bodies: Body[]): void => void bodies.splice(3, 1);
    expect(await judge(without)).toMatchObject({ verdict: 'VALID', problems: [], imported: { entries: 3 } });
    const report = await judge((bodies) => {
      without(bodies);
      const text = Buffer.from(bodies[3]!.entry as string, 'base64').toString();
      Object.assign(bodies[3]!, { entry: wrapped(text.replace('"count":1', '"count":7')) });
    });
    expect(found(report)).toEqual([at('import.root', 4)]);
  });

  test('a payload digest that the entry does not have', async () => {
    const bodies = bodiesOf(await foreignLedger(2));
    const report = await judgeEntries(
      bodies.map((body, i) => imported(body, i === 2 ? `,"payload":"${'a'.repeat(64)}"` : '')),
    );
    expect(found(report)).toContain(at('import.payload', 3));
  });
});

describe('parts', () => {
  const inParts = (body: Body, parts: number): Body[] => {
    const octets = Buffer.from(body.entry as string, 'base64');
    const each = Math.ceil(octets.length / parts);
    return Array.from({ length: parts }, (_, part) => ({
      ...body,
      entry: base64Of(octets.subarray(part * each, (part + 1) * each)),
      part,
      parts,
    }));
  };

  test('an entry in 2 or in 16 parts is VALID', async () => {
    const report = await judge((bodies) => {
      bodies.splice(3, 1, ...inParts(bodies[3]!, 16));
      bodies.splice(2, 1, ...inParts(bodies[2]!, 2));
    });
    expect(report).toMatchObject({ verdict: 'VALID', problems: [], imported: { entries: 4 } });
  });

  test.each<[string, (parts: Body[]) => Body[], string]>([
    ['one that is missing', (parts) => parts.slice(0, 2), at('import.parts', 3)],
    ['the first missing', (parts) => parts.slice(1), at('import.parts', 3)],
    ['two swapped', ([a, b, c]) => [a!, c!, b!], at('import.parts', 3)],
    ['one of another entry', ([a, b, c]) => [a!, { ...b, seq: 9 }, c!], at('import.parts', 3)],
    ['one that says another number of parts', ([a, b, c]) => [a!, { ...b, parts: 4 }, c!], at('import.parts', 3)],
  ])('%s: INVALID', async (_, change, problem) => {
    const report = await judge((bodies) => void bodies.splice(2, 1, ...change(inParts(bodies[2]!, 3))));
    expect(report.verdict).toBe('INVALID');
    expect(found(report)).toContain(problem);
  });

  test('missing at the end of the ledger: INVALID', async () => {
    const report = await judge((bodies) => void bodies.splice(4, 1, ...inParts(bodies[4]!, 2).slice(0, 1)));
    expect(found(report)).toContain(at('import.parts', 5));
  });

  test('with another entry between: INVALID', async () => {
    const bodies = bodiesOf(await foreignLedger(2));
    const [first, second] = inParts(bodies[2]!, 2);
    const report = await judgeEntries([
      ...bodies.slice(0, 2).map((body) => imported(body)),
      imported(first!),
      controlEntry('gap', GAP),
      imported(second!),
    ]);
    expect(found(report)).toContain(at('import.parts', 3));
  });

  test('that hold a span have its ids in the columns of the first, and nowhere else', async () => {
    const { signer, vkey, key } = await keyPair(ORIGIN, 3);
    const [foreign, span] = [await foreignLedger(1), spanText(await foreignLedger(1))];
    const [head, genesis] = bodiesOf(foreign);
    delete head!.key;
    const parts = inParts({ entry: wrapped(span), head: 1, origin: FOREIGN, seq: 1 }, 3);
    const path = await forgeLedger(template.path, {
      origin: ORIGIN,
      signer,
      batches: [[genesisOf(ORIGIN, vkey)], [head!, genesis!, ...parts].map((body) => imported(body))],
    });
    // As a payload that never came along: the entry keeps its digest, the import has none.
    expect(found(verifyFile(path, { key }))).toEqual([at('entry.column', 3)]);
    editInPlace(path, (db) => setIds(db, 3));
    expect(verifyFile(path, { key })).toMatchObject({ verdict: 'VALID', problems: [] });
    editInPlace(path, (db) => setIds(db, 4));
    expect(found(verifyFile(path, { key }))).toEqual([at('entry.column', 4)]);
  });
});

const TRACE = 'ab'.repeat(16);
const SPAN = 'cd'.repeat(8);

function spanText({ entries }: Foreign): string {
  const body = `{"end":"2","event":"e","kind":1,"span":"${SPAN}","start":"1","status":0,"trace":"${TRACE}"}`;
  return controlEntry(
    'span',
    body,
    `,"payload":"${'b'.repeat(64)}"`,
  )({
    seq: 1,
    prev: leafHashHex(entries[0]!),
    checkpoint: '',
  });
}

function setIds(db: Sqlite.Database, seq: number): void {
  db.prepare('UPDATE entries SET trace_id = ?, span_id = ? WHERE seq = ?').run(
    bytesOfHex(TRACE),
    bytesOfHex(SPAN),
    seq,
  );
}

describe('a ledger of imported spans', () => {
  let home: string;
  let path: string;
  let key: Built['key'];

  beforeAll(async () => {
    const old = await buildLedger({ batches: [3, 300, 7], seed: 'imported' });
    const reader = LedgerReader.open(old.path);
    home = newDirectory();
    try {
      const imports = await importLedger(
        {
          erased: new Set(),
          runs: [
            {
              origin: old.key.name,
              note: reader.newestNote()!,
              vkey: undefined,
              *entries() {
                for (const { seq, text } of reader.entriesFrom()) yield { seq, text, payload: reader.payload(seq) };
              },
            },
          ],
          context: (_kind, digest) => reader.context(bytesOfHex(digest)),
        },
        { home },
      );
      path = imports.paths.ledger;
      key = keyOf(home, imports.origin);
    } finally {
      reader.close();
    }
  });

  test('is VALID', () => {
    expect(verifyFile(path, { key })).toMatchObject({
      verdict: 'VALID',
      problems: [],
      entries: 313,
      imported: { entries: 311, unverified: 311 },
      payloads: { present: 310, missing: 0 },
    });
  });

  test.each([
    ['trace_id', 3],
    ['span_id', 150],
    ['business', 312],
    ['business_parent', 5],
  ])('the column %s of entry %i altered: INVALID', (column, seq) => {
    const value = column.endsWith('_id') ? "x'00'" : "'elsewhere'";
    const copy = attack(path, (db) => db.exec(`UPDATE entries SET ${column} = ${value} WHERE seq = ${seq}`));
    expect(found(verifyFile(copy, { key }))).toContain(at('entry.column', seq));
  });

  test.each([3, 150, 312])('the payload of entry %i altered: INVALID', (seq) => {
    const copy = attack(path, (db) => editBlob(db, 'payloads', 'payload', seq, (octets) => flipBit(octets, 70)));
    expect(found(verifyFile(copy, { key }))).toEqual([at('payload.digest', seq)]);
  });

  test('a context that only imports name is missing: INVALID', () => {
    const copy = attack(path, (db) => db.exec("DELETE FROM contexts WHERE kind = 'scope'"));
    expect(found(verifyFile(copy, { key }))).toContain(at('context.missing', 3));
  });

  test.each([2, 150, 312])('a bit of entry %i altered: INVALID, and nothing is said of what it holds', (seq) => {
    const copy = attack(path, (db) => {
      const entry = db.prepare('SELECT CAST(entry AS BLOB) FROM entries WHERE seq = ?').pluck().get(seq) as Buffer;
      const change = flipBit(entry, entry.indexOf('"entry":"') + 40);
      db.prepare('UPDATE entries SET entry = CAST(? AS TEXT) WHERE seq = ?').run(change, seq);
    });
    const report = verifyFile(copy, { key });
    expect(report.verdict).toBe('INVALID');
    expect(report.problems.map((problem) => problem.seq)).toContain(seq);
    expect(report.problems.every((problem) => problem.seq === seq)).toBe(true);
    expect(found(report).filter((problem) => problem.startsWith('import.'))).toEqual([]);
  });
});
