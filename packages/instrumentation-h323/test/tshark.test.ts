/** tshark decodes the same datagrams, and must print what our codec says: every field, in order, name and value. */
import { hexOf } from '@infrafabric/format';
import { expect, test } from 'vitest';
import { decodeRas, encodeRas, type RasMessage } from '../dist/index.js';
import type { PerType } from '../dist/per/types.js';
import { rasMessage } from '../dist/ras/codec.js';
import { randomValue, seeded } from './random-values.js';
import { allDatagrams } from './recordings.js';
import { type TsharkField, tsharkFields, tsharkPeer } from './tshark.js';

/** What tshark calls otherwise than H.225.0, by our name; without an entry `-` is `_` and that is all. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  dialedDigits: ['dialledDigits'],
  callSignaling_element: ['callSignalling_element'],
  releaseCompleteReason: ['reason'],
  ip: ['ipV4', 'ipV6', 'src_route_ipV4'],
  port: ['ipV4_port', 'ipV6_port', 'ipV4_src_port', 'ipx_port'],
};

/** Of tshark's fields: how bits were read, its own conclusions, and other protocols inside. */
function isOurs({ name }: TsharkField): boolean {
  if (name === '') return true;
  return name.startsWith('h225.') && !/^h225\.(?:ras\.|debug\.|Manufacturer$)/.test(name);
}

/** A field that tshark must print. */
interface Expected {
  /** Undefined where tshark has a name of its own: the items of lists. */
  readonly name: string | undefined;
  readonly is: (field: TsharkField) => boolean;
  readonly text: string;
}

function* expectedOf(type: PerType, value: unknown, name: string | undefined): Iterable<Expected> {
  const shows = (text: string): Expected => ({ name, is: ({ show }) => show === text, text });
  switch (type.kind) {
    case 'boolean':
      yield shows(value === true ? '1' : '0');
      return;
    case 'null':
      yield { ...shows(''), name: name && `${name}_element` };
      return;
    case 'integer':
      yield {
        name,
        is: ({ show }) => show === String(value) || Date.parse(show) === Number(value) * 1000,
        text: String(value),
      };
      return;
    case 'octets':
    case 'bits': {
      const hex = hexOf(value as Uint8Array);
      yield { name, is: (field) => field.value === hex, text: hex };
      return;
    }
    case 'text':
    case 'objectIdentifier':
      yield shows(String(value));
      return;
    case 'list': {
      const items = value as readonly unknown[];
      yield shows(String(items.length));
      for (const [i, item] of items.entries()) {
        yield { name: '', is: ({ show }) => show.split(':')[0] === `Item ${i}`, text: `Item ${i}` };
        yield* expectedOf(type.of, item, undefined);
      }
      return;
    }
    case 'sequence': {
      const members = value as Readonly<Record<string, unknown>>;
      yield { ...shows(''), name: name && `${name}_element` };
      for (const field of [...type.fields, ...(type.additions ?? [])]) {
        const member = members[field.name];
        if (member !== undefined && field.type !== undefined) yield* expectedOf(field.type, member, field.name);
      }
      return;
    }
    case 'choice': {
      const chosen = (type.isEnumeration ? { name: value, value: null } : value) as { name: string; value: unknown };
      const all = [...type.root, ...(type.more ?? [])];
      const index = all.findIndex((alternative) => alternative.name === chosen.name);
      yield shows(String(index));
      yield* expectedOf(all[index]!.type, chosen.value, chosen.name);
      return;
    }
    default:
      throw new Error(`a value of kind ${type.kind} is not printed`);
  }
}

/** The first difference between what tshark prints and a message; undefined when there is none. */
function differenceOf(printed: readonly TsharkField[], message: RasMessage): string | undefined {
  const theirs = printed.filter(isOurs);
  const ours = [...expectedOf(rasMessage, message, 'RasMessage')];
  for (let i = 0; i < Math.max(ours.length, theirs.length); i++) {
    const [our, their] = [ours[i], theirs[i]];
    if (our === undefined || their === undefined) return `field ${i}: ${our?.name} against ${their?.name}`;
    const names = our.name && (NAMES[our.name] ?? [our.name.replaceAll('-', '_')]).map((name) => `h225.${name}`);
    const isNamed = names === undefined || (names === '' ? their.name === '' : names.includes(their.name));
    if (!isNamed || !our.is(their)) {
      return `field ${i}: ${our.name} ${our.text} against ${their.name} ${their.show} (${their.value})`;
    }
  }
  return undefined;
}

test('tshark prints of every recorded datagram what the codec says, every field', (context) => {
  tsharkPeer.need(context);
  const printed = tsharkFields(allDatagrams.map(({ octets }) => octets));
  expect(printed).toHaveLength(allDatagrams.length);
  for (const [i, { octets, tshark }] of allDatagrams.entries()) {
    expect(differenceOf(printed[i]!, decodeRas(octets)), `${i} ${tshark}`).toBeUndefined();
  }
});

test('tshark prints of two thousand generated datagrams of all messages what was encoded, every field', (context) => {
  tsharkPeer.need(context);
  const random = seeded(7);
  const messages = Array.from({ length: 2_000 }, () => randomValue(rasMessage, random) as RasMessage);
  expect(new Set(messages.map(({ name }) => name)).size).toBe(28);
  const printed = tsharkFields(messages.map(encodeRas));
  const differences = messages.flatMap((message, i) => {
    const difference = differenceOf(printed[i]!, message);
    return difference === undefined ? [] : [`${message.name}: ${difference}`];
  });
  expect(differences).toEqual([]);
});
