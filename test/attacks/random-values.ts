/** Values that are almost those that stand in a ledger. */
import type { Random } from './random-edits.js';

/** What SQLite can store. */
export type Value = Buffer | string | bigint | number | null;

/** U+FFFD, and octets that a forgiving decoder takes for it. */
const REPLACEMENT = Buffer.from('\ufffd');
const DECODE_ALIKE = ['ff', 'f09080', 'eda080', 'c3', 'e280'].map((hex) => Buffer.from(hex, 'hex'));

/** Another value in the place of one; TEXT as its octets, which need not be UTF-8. */
export function anotherValue(value: Buffer | bigint | null, isText: boolean, random: Random): Value {
  if (value === null) return random.oneOf<Value>(['', Buffer.alloc(0), Buffer.of(0), 0n, 'x', Buffer.alloc(16, 1)]);
  return typeof value === 'bigint' ? anotherInteger(value, random) : anotherOctets(value, isText, random);
}

function anotherInteger(value: bigint, random: Random): Value {
  return random.oneOf<() => Value>([
    () => value + 1n,
    () => value - 1n,
    () => -value,
    () => value + 2n ** 32n,
    () => value ^ (1n << BigInt(random.below(53))),
    () => 2n ** 53n + 1n,
    () => Number(value) + 0.5,
    () => String(value),
    () => null,
  ])();
}

function anotherOctets(value: Buffer, isText: boolean, random: Random): Value {
  const at = random.below(value.length);
  const spliced = (from: number, to: number, between: Buffer | string): Buffer =>
    Buffer.concat([value.subarray(0, from), Buffer.from(between), value.subarray(to)]);
  const edits: (() => Value)[] = [
    () => spliced(at, at + 1, Buffer.of(value[at]! ^ (1 << random.below(8)))),
    () => spliced(at, at + 1, ''),
    () => spliced(at, at, value.subarray(at, at + 1)),
    () => spliced(at, at, '\0'),
    () => spliced(value.length, value.length, '\0'),
    () => spliced(value.length, value.length, ' '),
    () => value.subarray(0, -1),
    () => value.subarray(1),
    () => spliced(at, at + 2, Buffer.from(value.subarray(at, at + 2)).reverse()),
    () => Buffer.alloc(value.length),
    () => (isText ? '' : Buffer.alloc(0)),
    () => null,
  ];
  if (isText) {
    const marks = positions(value, REPLACEMENT);
    const text = value.toString('utf8');
    edits.push(
      () => spliced(0, 0, '\ufeff'),
      () => spliced(at, at, '\u200b'),
      () => text.replace('e', '\u0435'),
      () => text.replace(/[a-z]/, (letter) => letter.toUpperCase()),
      () => text.replace(/":/, '": '),
      () => text.replace(/[a-z](?=[a-z]*")/, (letter) => `\\u00${letter.charCodeAt(0).toString(16)}`),
      () => text.replace(/\d(?=\D*$)/, (digit) => String((Number(digit) + 1) % 10)),
      () => text.replace(/(\d)([,}])/, '$1.0$2'),
      () => text.replace(/"(\w+)":([^,{}]+),/, '"$1":$2,"$1":$2,'),
      () => value.toString('utf8').normalize('NFKD'),
    );
    if (marks.length > 0) {
      const mark = random.oneOf(marks);
      // Several times, for this is the change that decoding hides.
      for (let i = 0; i < 6; i++) {
        edits.push(() => spliced(mark, mark + REPLACEMENT.length, random.oneOf(DECODE_ALIKE)));
      }
    }
  }
  return random.oneOf(edits)();
}

function positions(octets: Buffer, part: Buffer): number[] {
  const found: number[] = [];
  for (let at = octets.indexOf(part); at >= 0; at = octets.indexOf(part, at + 1)) found.push(at);
  return found;
}
