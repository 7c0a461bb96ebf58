/** docs/format.md against the code and against itself: its SQL, tables and codes, and its worked example recomputed. */
import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  APPLICATION_ID,
  ENTRY_TYPES,
  encodeVkey,
  parseCanonicalJson,
  SCHEMA,
  SEGMENT_BITS,
  spanIdOfBusinessId,
  TEXT_LIMITS,
  traceIdOfBusinessId,
} from '../dist/index.js';

const root = new URL('../../../', import.meta.url);
const page = readFileSync(new URL('docs/format.md', root), 'utf8');

/** Fenced blocks by the name behind their language, without the newline before the closing fence. */
const blocks = new Map([...page.matchAll(/^```\w+ ([\w-]+)\n(.*?)\n```$/gms)].map(([, name, body]) => [name!, body!]));
const block = (name: string): string => {
  const body = blocks.get(name);
  if (body === undefined) throw new Error(`docs/format.md has no block ${name}`);
  return body;
};

const headings = [...page.matchAll(/^#+ (.*)$/gm)].map(([, text]) => text!);

/** The part of the page under a heading. */
function section(heading: string): string {
  const start = page.search(new RegExp(`^#+ ${heading}$`, 'm'));
  expect([heading, start >= 0]).toEqual([heading, true]);
  const [line] = page.slice(start).split('\n', 1) as [string];
  const body = page.slice(start + line.length);
  const end = body.search(new RegExp(`^#{1,${line.indexOf(' ')}} `, 'm'));
  return end < 0 ? body : body.slice(0, end);
}

/** Cells of the first table of a text. */
function table(text: string): string[][] {
  const rows = /(?:^\|.*\|\n)+/m.exec(text)![0].trimEnd().split('\n').slice(2);
  return rows.map((row) =>
    row
      .slice(1, -1)
      .split(/ \| /)
      .map((cell) => cell.trim()),
  );
}

const bare = (cell: string): string => cell.replaceAll('`', '');
const codesIn = (text: string): string[] => [...text.matchAll(/`([a-z]+\.[a-z-]+)`/g)].map(([, code]) => code!);

/** Members of a union of string literals, from its source. */
function unionOf(name: string): string[] {
  const source = readFileSync(new URL('packages/verify/src/report.ts', root), 'utf8');
  const union = new RegExp(`export type ${name} =\n((?: {2}\\| '[^']+'\n?;?)+)`).exec(source)![1]!;
  return [...union.matchAll(/'([^']+)'/g)].map(([, code]) => code!);
}

describe('what the page says of the code', () => {
  test('the schema is what the writer creates', () => {
    expect(block('schema')).toBe(SCHEMA.flatMap(({ sql }) => (sql === null ? [] : [`${sql};`])).join('\n\n'));
  });

  test('the digest of the schema', () => {
    const objects = SCHEMA.map(({ type, name, table, sql }) => [type, name, table, sql ?? ''].join('\0')).sort();
    const digest = createHash('sha256').update(objects.join('\n')).digest('hex');
    expect(section('Store').includes(`\`${digest}\``)).toBe(true);
    const second = readFileSync(new URL('test/second-verifier/verify.py', root), 'utf8');
    expect(second.includes(`"${digest}"`)).toBe(true);
  });

  test('application_id and the size of a segment', () => {
    expect(section('Store').includes(`0x${APPLICATION_ID.toString(16)} `)).toBe(true);
    expect(section('Store').includes(`seq div ${(2 ** SEGMENT_BITS).toLocaleString('en')}`)).toBe(true);
  });

  test('the text limits', () => {
    const limits = table(section('Text limits')).map(([member, octets]) => [bare(member!), Number(octets)]);
    expect(Object.fromEntries(limits)).toEqual(TEXT_LIMITS);
  });

  test('the types of entries', () => {
    const listed = /^Types: (.*?)\.[ \n]/ms.exec(section('Entry'))![1]!;
    expect(listed.split(/,\s/).map(bare)).toEqual([...ENTRY_TYPES]);
    for (const type of ENTRY_TYPES) expect(headings.map((heading) => heading.toLowerCase())).toContain(type);
  });

  test.each([
    ['Entry', 'entry.ts', 'Entry extends Envelope', ['Envelope', 'Entry']],
    ['Span', 'span-body.ts', 'SpanBody', ['SpanBody']],
  ])('the members under %s are those of %s', (heading, file, _, interfaces) => {
    const source = readFileSync(new URL(`packages/format/src/${file}`, root), 'utf8');
    const members = interfaces.flatMap((name) => {
      const body = new RegExp(`export interface ${name}(?: extends \\w+)? \\{\n(.*?)\n\\}`, 's').exec(source)![1]!;
      return [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, member]) => member!);
    });
    expect(table(section(heading)).map(([member]) => bare(member!))).toEqual(members.sort());
  });

  test('the codes of problems are those of the judge', () => {
    const codes = codesIn(section('Verification'));
    expect([...new Set(codes)].sort()).toEqual(
      unionOf('ProblemCode')
        .concat()
        .filter((code) => code.includes('.'))
        .sort(),
    );
    for (const code of unionOf('ProblemCode').filter((code) => !code.includes('.'))) {
      expect([code, section('Verification').includes(`\`${code}\``)]).toEqual([code, true]);
    }
  });

  test('the codes of verdicts are those of the judge', () => {
    const codes = table(section('Verdicts')).map(([, code]) => bare(code!));
    expect(codes.sort()).toEqual(unionOf('VerdictCode').sort());
  });

  test('sections that sources refer to are there', () => {
    const packages = readdirSync(new URL('packages/', root));
    let references = 0;
    for (const name of packages) {
      const src = new URL(`packages/${name}/src/`, root);
      if (!existsSync(src)) continue;
      for (const file of readdirSync(src)) {
        if (!file.endsWith('.ts')) continue;
        const text = readFileSync(new URL(file, src), 'utf8').replace(/\n \* /g, ' ');
        for (const [, wanted] of text.matchAll(/docs\/format\.md §([A-Z][A-Za-z ]*)/g)) {
          references++;
          expect([file, wanted, headings.some((heading) => wanted!.startsWith(heading))]).toEqual([file, wanted, true]);
        }
      }
    }
    expect(references).toBeGreaterThan(5);
  });

  test('links lead somewhere', () => {
    const anchors = headings.map((heading) => heading.toLowerCase().replaceAll(' ', '-'));
    for (const [, target] of page.matchAll(/\]\(([^)]+)\)/g)) {
      if (target!.startsWith('#')) expect(anchors).toContain(target!.slice(1));
      else if (!target!.startsWith('https://')) {
        expect([target, existsSync(new URL(target!, new URL('docs/', root)))]).toEqual([target, true]);
      }
    }
  });

  test.each(table(section('Business trace ids')).map((row) => row.map(bare)))('%s', (business, trace, span) => {
    expect([traceIdOfBusinessId(business!), spanIdOfBusinessId(business!)]).toEqual([trace, span]);
  });
});

describe('the worked example', () => {
  const octets = (name: string): Buffer => Buffer.from(block(name).replaceAll('\n', ''), 'hex');
  const sha256 = (...parts: readonly (string | Uint8Array)[]): string => {
    const hash = createHash('sha256');
    for (const part of parts) hash.update(part);
    return hash.digest('hex');
  };
  const hex = (text: string): Buffer => Buffer.from(text, 'hex');
  interface Parsed {
    readonly body: Record<string, unknown>;
    readonly [member: string]: unknown;
  }
  const entry = (seq: number): Parsed => parseCanonicalJson(block(`entry-${seq}`)) as unknown as Parsed;
  const note = (size: number): string => `${block(`note-${size}`)}\n`;

  const seed = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
  const privateKey = createPrivateKey({
    key: Buffer.concat([hex('302e020100300506032b657004220420'), seed]),
    format: 'der',
    type: 'pkcs8',
  });
  const publicKey = createPublicKey(privateKey);
  const origin = String(entry(0).body.origin);

  test('has the key of its seed and the name of its octets', () => {
    const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
    expect(origin).toBe('if-witness/00112233445566778899');
    expect(encodeVkey(origin, raw)).toBe(block('vkey'));
    const keyId = sha256(origin, Buffer.of(0x0a, 0x01), raw).slice(0, 8);
    expect(block('vkey')).toBe(`${origin}+${keyId}+${Buffer.concat([Buffer.of(1), raw]).toString('base64')}`);
    expect(entry(0).body).toEqual({ format: 1, key: block('vkey'), origin });
  });

  test.each([0, 1, 2])('leaf %i is SHA-256 of a zero octet and the entry', (seq) => {
    expect(sha256(Buffer.of(0), block(`entry-${seq}`))).toBe(block(`leaf-${seq}`));
    expect(entry(seq).seq).toBe(seq);
    expect(entry(seq).prev).toBe(seq === 0 ? '0'.repeat(64) : block(`leaf-${seq - 1}`));
  });

  test('shows entry 0 as octets', () => {
    expect(octets('entry-0-octets').toString('utf8')).toBe(block('entry-0'));
  });

  test('has the node and the root of three leaves', () => {
    const node = sha256(Buffer.of(1), hex(block('leaf-0')), hex(block('leaf-1')));
    expect(block('node-0-1')).toBe(node);
    expect(block('root-3')).toBe(sha256(Buffer.of(1), hex(node), hex(block('leaf-2'))));
  });

  test.each([
    [1, 'leaf-0'],
    [3, 'root-3'],
  ])('the note of size %i is signed over its root, %s', (size, rootBlock) => {
    const text = `${origin}\n${size}\n${hex(block(rootBlock)).toString('base64')}\n`;
    expect(note(size).startsWith(`${text}\n— ${origin} `)).toBe(true);
    const line = Buffer.from(note(size).trimEnd().split(' ').at(-1)!, 'base64');
    expect(line.subarray(0, 4).toString('hex')).toBe(block('vkey').split('+')[1]);
    expect(verify(null, Buffer.from(text), publicKey, line.subarray(4))).toBe(true);
    expect(sign(null, Buffer.from(text), privateKey).equals(line.subarray(4))).toBe(true);
  });

  test('the first entry of the second batch names the first note', () => {
    expect(block('note-1-hash')).toBe(sha256(note(1)));
    expect([0, 1, 2].map((seq) => entry(seq).checkpoint)).toEqual([undefined, block('note-1-hash'), undefined]);
  });

  test.each(['resource', 'scope'])('the %s context has its digest', (kind) => {
    expect(sha256(`if-witness/${kind}/v1\0`, octets(kind))).toBe(block(`${kind}-digest`));
  });

  test.each([1, 2])('the payload of entry %i has the digest that was signed', (seq) => {
    const payload = Buffer.concat([octets('resource-digest'), octets('scope-digest'), octets(`span-${seq}`)]);
    const salt = octets(`salt-${seq}`);
    expect(salt).toHaveLength(32);
    expect(sha256('if-witness/payload/v1\0', salt, payload)).toBe(block(`payload-digest-${seq}`));
    expect(entry(seq).payload).toBe(block(`payload-digest-${seq}`));
  });

  test.each([1, 2])('what entry %i shows is in its span', (seq) => {
    const { body } = entry(seq);
    const span = octets(`span-${seq}`);
    for (const value of [body.trace, body.span, body.parent ?? '']) expect(span.toString('hex')).toContain(value);
    expect(span.includes(String(body.event))).toBe(true);
    expect(span.includes(fixed64(body.start)) && span.includes(fixed64(body.end))).toBe(true);
    expect(body.trace).toBe(traceIdOfBusinessId('session-flow-001'));
  });

  function fixed64(time: unknown): Buffer {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(String(time)));
    return bytes;
  }
});
