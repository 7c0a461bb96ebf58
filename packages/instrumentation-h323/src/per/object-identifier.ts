/** OBJECT IDENTIFIER as dotted text and as its octets (ITU-T X.690 §8.19). */
import { PerError } from './per-error.js';

const MAX_OCTETS = 128;
/** Larger arcs are none that anybody assigned. */
const MAX_ARC = 2 ** 32 - 1;

/** Dotted text. @throws PerError */
export function decodeObjectIdentifier(octets: Uint8Array): string {
  if (octets.length === 0 || octets.length > MAX_OCTETS) {
    throw new PerError('limit', `an object identifier of ${octets.length} octets`);
  }
  const arcs: number[] = [];
  let arc = 0;
  let isBegun = false;
  for (const octet of octets) {
    if (!isBegun && octet === 0x80) throw new PerError('value', 'an object identifier with padding');
    arc = arc * 128 + (octet & 0x7f);
    isBegun = octet >= 0x80;
    if (arc > MAX_ARC) throw new PerError('limit', 'an object identifier with a large arc');
    if (isBegun) continue;
    if (arcs.length === 0) {
      const first = Math.min(2, Math.floor(arc / 40));
      arcs.push(first, arc - first * 40);
    } else arcs.push(arc);
    arc = 0;
  }
  if (isBegun) throw new PerError('truncated', 'an object identifier that ends within an arc');
  return arcs.join('.');
}

/** @throws TypeError for what is no dotted text of at least two arcs. */
export function encodeObjectIdentifier(text: string): Uint8Array {
  if (!/^[0-2](?:\.\d{1,10})+$/.test(text))
    throw new TypeError(`${JSON.stringify(text)} is no object identifier: write 0.0.8`);
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const octets: number[] = [];
  for (const arc of [first * 40 + second, ...rest]) {
    let place = 1;
    while (arc >= 128 ** place) place++;
    while (--place >= 0) octets.push((Math.floor(arc / 128 ** place) % 128) + (place > 0 ? 0x80 : 0));
  }
  return Uint8Array.from(octets);
}
