/** Values of any type of the codec, made from a seed, so that a failure can be had again. */
import type { PerType } from '../dist/per/types.js';

/** Numbers from 0 up to 1 (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
const DIGITS = '#*,0123456789';
const OBJECT_IDENTIFIERS = ['0.0.8.2250.0.7', '1.3.6.1.4.1.17090.0.1', '2.16.840.1.113730', '0.0.8.235.0.3.24'];

/**
 * A value. @param depth the more, the more optional members are left out
 * @param isIn whether an addition or alternative, by its name, may be there
 */
export function randomValue(
  type: PerType,
  random: () => number,
  isIn: (name: string) => boolean = () => true,
  depth = 0,
): unknown {
  const whole = (min: number, max: number): number => Math.min(max, min + Math.floor(random() * (max - min + 1)));
  const octets = (length: number): Uint8Array => Uint8Array.from({ length }, () => whole(0, 255));
  switch (type.kind) {
    case 'boolean':
      return random() < 0.5;
    case 'null':
      return null;
    case 'integer': {
      const [min, max] = [type.min, type.max];
      // The edges of the ranges that PER tells apart are likely.
      const edges = [min, max, min + 254, min + 255, min + 256, min + 65_535, min + 65_536, min + 16_777_216];
      const edge = edges[whole(0, edges.length - 1)]!;
      return random() < 0.3 && edge >= min && edge <= max ? edge : whole(min, max);
    }
    case 'octets':
      return octets(whole(type.min, Math.min(type.max, random() < 0.1 ? 200 : type.min + 8)));
    case 'bits':
      return octets(type.size / 8);
    case 'text': {
      const alphabet = type.charset === 'digits' ? DIGITS : LETTERS;
      const length = whole(Math.max(1, type.min), Math.min(type.max, random() < 0.1 ? 128 : 12));
      return Array.from({ length }, () => alphabet[whole(0, alphabet.length - 1)]).join('');
    }
    case 'objectIdentifier':
      return OBJECT_IDENTIFIERS[whole(0, OBJECT_IDENTIFIERS.length - 1)];
    case 'open':
      return octets(whole(1, 12));
    case 'unread':
      throw new Error('not a type of which there are values');
    case 'list':
      return Array.from({ length: whole(0, depth > 4 ? 1 : 3) }, () => randomValue(type.of, random, isIn, depth + 1));
    case 'sequence': {
      const value: Record<string, unknown> = {};
      for (const field of type.fields) {
        if (field.isOptional && (field.type.kind === 'unread' || random() < 0.3 + depth * 0.1)) continue;
        value[field.name] = randomValue(field.type, random, isIn, depth + 1);
      }
      for (const addition of type.additions ?? []) {
        if (addition.type === undefined || !isIn(addition.name) || random() < 0.6) continue;
        value[addition.name] = randomValue(addition.type, random, isIn, depth + 1);
      }
      return value;
    }
    case 'choice': {
      const all = [...type.root, ...(type.more ?? [])].filter(({ name, type: of }) => of.kind !== 'open' && isIn(name));
      const chosen = all[whole(0, all.length - 1)]!;
      if (type.isEnumeration) return chosen.name;
      return { name: chosen.name, value: randomValue(chosen.type, random, isIn, depth + 1) };
    }
  }
}
