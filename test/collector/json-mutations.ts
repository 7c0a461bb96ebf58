/**
 * Mutations of OTLP/JSON: of the tree (values, names, order, nesting, names given twice) and of the text. Numbers come from
 * `random`, so that a seed gives the same requests again.
 */
import { DEEPEST, mutateOctets, pick, type Random } from './wire-mutations.js';

/** JSON as it is written: objects may have a name twice, and a text stands for itself. */
type Node = Written | readonly Node[] | Members;

/** Text that is put in as it is. */
class Written {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** The members of an object, in their order. */
class Members {
  readonly list: readonly (readonly [name: string, value: Node])[];
  constructor(list: readonly (readonly [name: string, value: Node])[]) {
    this.list = list;
  }
}

const written = (...texts: readonly string[]): Written[] => texts.map((text) => new Written(text));
/** Numbers at the edges of their types, as numbers and as texts, and what is none. */
const NUMBERS = [
  ...written('0', '-0', '1', '-1', '0.5', '1e2', '1.0', '4294967295', '4294967296', '2147483647', '-2147483648'),
  ...written('9007199254740993', '9223372036854775807', '9223372036854775808', '-9223372036854775809', '1e21', '1e308'),
  ...written(
    '18446744073709551615',
    '18446744073709551616',
    '1e999',
    '5e-324',
    '"0"',
    '"-1"',
    '"007"',
    '"1e3"',
    '"1.5"',
  ),
  ...written('"0x10"', '" 1"', '"NaN"', '"-Infinity"', '"Infinity"', '"nan"', '"١"', `"${'9'.repeat(400)}"`),
  ...written('"18446744073709551615"', '"-9223372036854775808"', '"9223372036854775808"', '"18446744073709551616"'),
  ...written('"SPAN_KIND_SERVER"', '"STATUS_CODE_ERROR"', '"SPAN_KIND_NONE"'),
];
const BASE64 = written(
  '"AA=="',
  '"AA"',
  '"A"',
  '"-_8="',
  '"+/8"',
  '"AB=="',
  '"A==="',
  '"AAA=AAA="',
  '"abc"',
  '"="',
  '"AAAA"',
);
const IDS = [
  ...written(`"${'0'.repeat(32)}"`, `"${'0'.repeat(16)}"`, '"0102030405060708"', '"0102030405060708090A0B0C0D0E0F10"'),
  ...written(
    '"xyz"',
    '"0102030405060708090a0b0c0d0e0f1"',
    `"${'ab'.repeat(40)}"`,
    '"0102030405060708090a0b0c0d0e0f1g"',
  ),
];
const TEXTS = written('""', '"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', '"\\ud83d\\ude00"', '"\ufeff"');
const OTHERS = written('null', 'true', 'false', '[]', '{}', '[null]', '{"":null}', '[[]]', '{"values":[]}');
const VALUES = [...NUMBERS, ...BASE64, ...IDS, ...TEXTS, ...OTHERS];

/** Values of about the kind that belongs under a name. */
function valuesFor(name: string): readonly Written[] {
  if (/^bytes/.test(name)) return BASE64;
  if (/Id$/.test(name)) return IDS;
  return /^(int|double)|Nano$|Count$|^(flags|kind|code)$/.test(name) ? NUMBERS : VALUES;
}

/** Names of the messages, in both spellings, and names that are none. */
const NAMES = [
  ...[
    'resourceSpans',
    'scopeSpans',
    'spans',
    'resource',
    'scope',
    'attributes',
    'key',
    'value',
    'values',
    'name',
    'kind',
  ],
  ...[
    'traceId',
    'spanId',
    'parentSpanId',
    'traceState',
    'flags',
    'events',
    'links',
    'status',
    'code',
    'message',
    'version',
  ],
  ...['stringValue', 'boolValue', 'intValue', 'doubleValue', 'arrayValue', 'kvlistValue', 'bytesValue', 'schemaUrl'],
  ...[
    'startTimeUnixNano',
    'timeUnixNano',
    'droppedAttributesCount',
    'droppedLinksCount',
    'entityRefs',
    'idKeys',
    'type',
  ],
  ...['', '__proto__', 'constructor', 'toString', 'instrumentationLibrarySpans', 'TraceId', 'trace-id'],
];

/** Of AnyValue. */
const MEMBERS = ['intValue', 'doubleValue', 'stringValue', 'bytesValue'];

/** One to three mutations of a request. @param pool other requests, of which parts are put in */
export function mutateJson(pool: readonly string[], start: string, random: Random): Uint8Array {
  let tree = treeOf(JSON.parse(start));
  for (let changes = 1 + Math.floor(random(12) / 8) + Math.floor(random(12) / 11); changes > 0; changes--) {
    tree = mutateNode(tree, pool, random);
  }
  const text = Buffer.from(write(tree));
  return random(6) === 0 ? mutateText(text, pool, random) : text;
}

/** One mutation that knows JSON's own characters at most. */
function mutateText(text: Buffer, pool: readonly string[], random: Random): Uint8Array {
  const at = random(text.length + 1);
  const insert = (bytes: Uint8Array): Uint8Array => Buffer.concat([text.subarray(0, at), bytes, text.subarray(at)]);
  switch (random(5)) {
    case 0:
      return insert(
        Buffer.from(
          pick(['"', '{', '}', '[', ']', ',', ':', '\\', ' ', '\n', '\t', '0', '-', '//', '\ufeff', '\u0000'], random),
        ),
      );
    case 1:
      return insert(Buffer.from(pick(['80', 'c080', 'eda080', 'f4908080', 'ff', 'e282'], random), 'hex'));
    case 2:
      return Buffer.concat([Buffer.from(pick(['\ufeff', ' \r\n\t', '\u00a0', '['], random)), text]);
    case 3:
      return Buffer.concat([text, Buffer.from(pick([' \r\n', '\u0000', '{}', ']', ',', '\u2028'], random))]);
    default:
      return mutateOctets(text, [Buffer.from(pick(pool, random))], random);
  }
}

function mutateNode(node: Node, pool: readonly string[], random: Random): Node {
  if (node instanceof Written) return changedLeaf(node, pool, random);
  const isList = !(node instanceof Members);
  const children = isList ? node : node.list.map(([, value]) => value);
  if (children.length > 0 && random(5) > 0) {
    const i = random(children.length);
    const child = children[i]!;
    if (!isList && child instanceof Written && random(2) === 0) {
      const [name] = node.list[i]!;
      return new Members(node.list.with(i, [name, pick(valuesFor(name), random)]));
    }
    const inner = mutateNode(child, pool, random);
    return isList ? node.with(i, inner) : new Members(node.list.with(i, [node.list[i]![0], inner]));
  }
  if (random(6) === 0) return replacement(pool, random);
  return isList ? changedList(node, pool, random) : changedMembers(node, pool, random);
}

function changedLeaf({ text }: Written, pool: readonly string[], random: Random): Node {
  switch (random(6)) {
    case 0:
      // A number as text, a text as number.
      return new Written(text.startsWith('"') ? text.slice(1, -1) || '0' : `"${text}"`);
    case 1:
      return text.startsWith('"') ? new Written(`${text.slice(0, -1)}\\ud83d"`) : new Written(`${text}0`);
    case 2:
      return random(2) === 0 ? [new Written(text)] : new Members([['value', new Written(text)]]);
    default:
      return replacement(pool, random);
  }
}

/** An edge, or a part of another request. */
function replacement(pool: readonly string[], random: Random): Node {
  if (random(4) > 0) return pick(VALUES, random);
  let node = treeOf(JSON.parse(pick(pool, random)));
  for (let depth = random(12); depth > 0; depth--) {
    const children =
      node instanceof Written ? [] : node instanceof Members ? node.list.map(([, value]) => value) : node;
    if (children.length > 0) node = pick(children, random);
  }
  return node;
}

function changedList(list: readonly Node[], pool: readonly string[], random: Random): Node {
  const at = random(list.length + 1);
  switch (random(5)) {
    case 0:
      return list.toSpliced(at, 1);
    case 1:
      return list.toSpliced(at, 0, list[random(list.length)] ?? new Written('null'));
    case 2:
      return list.toReversed();
    case 3:
      return list.toSpliced(at, 0, replacement(pool, random));
    default:
      return random(8) > 0 ? list : new Written('['.repeat(5_000) + ']'.repeat(5_000));
  }
}

function changedMembers({ list }: Members, pool: readonly string[], random: Random): Node {
  const i = random(Math.max(1, list.length));
  const [name = 'spans', value = pick(VALUES, random)] = list[i] ?? [];
  switch (random(8)) {
    case 0:
      return new Members(list.toSpliced(i, 1));
    case 1:
      // The same name again: JSON lets the last one count.
      return new Members([...list, [name, replacement(pool, random)]]);
    case 2:
      return new Members(list.toSpliced(i, 1, [snakeCase(name), value]));
    case 3:
      return new Members([...list, [snakeCase(name), value]]);
    case 4:
      return new Members(list.toSpliced(i, 1, [pick(NAMES, random), value]));
    case 5:
      return new Members([...list, [pick(NAMES, random), replacement(pool, random)]]);
    case 6:
      return new Members(list.toReversed());
    default:
      if (!name.endsWith('Value')) return new Members(list.map(([n, v]) => [snakeCase(n), v]));
      if (random(2) === 0) return deepValue(1 + random(DEEPEST), list, random);
      return new Members([...list, [pick(MEMBERS, random), pick(NUMBERS, random)]]);
  }
}

/** An AnyValue that holds another so many levels down. */
function deepValue(levels: number, list: Members['list'], random: Random): Node {
  let node: Node = new Members(list);
  for (let level = 1; level < levels; level++) {
    const values: Node =
      level % 3 === 0
        ? [
            new Members([
              ['key', new Written('"k"')],
              ['value', node],
            ]),
          ]
        : [node];
    node = new Members([[level % 3 === 0 ? 'kvlistValue' : 'arrayValue', new Members([['values', values]])]]);
  }
  return random(8) > 0 || !(node instanceof Members) ? node : new Members([...node.list, ...list]);
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function treeOf(value: unknown): Node {
  if (Array.isArray(value)) return value.map(treeOf);
  if (typeof value !== 'object' || value === null)
    return new Written(Object.is(value, -0) ? '-0' : JSON.stringify(value));
  return new Members(Object.entries(value).map(([name, member]) => [name, treeOf(member)]));
}

function write(node: Node): string {
  if (node instanceof Written) return node.text;
  if (!(node instanceof Members)) return `[${node.map(write).join(',')}]`;
  return `{${node.list.map(([name, value]) => `${JSON.stringify(name)}:${write(value)}`).join(',')}}`;
}
