/** Trace and span ids between bytes and lowercase hex. */

const digits: readonly number[] = Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));
/** Two character codes for each byte. */
const codes: Uint8Array = Uint8Array.from({ length: 512 }, (_, i) => digits[i % 2 === 0 ? i >> 5 : (i >> 1) & 15]!);
/** The value of a lowercase hex digit by its character code; 255 for every other code. */
const nibbles: Uint8Array = new Uint8Array(128).fill(255);
for (let value = 0; value < 16; value++) nibbles[digits[value]!] = value;

/** The hex of eight bytes, in one call: this runs three times a span. */
export function hexOf8(bytes: Uint8Array, at: number): string {
  const a = bytes[at]! * 2;
  const b = bytes[at + 1]! * 2;
  const c = bytes[at + 2]! * 2;
  const d = bytes[at + 3]! * 2;
  const e = bytes[at + 4]! * 2;
  const f = bytes[at + 5]! * 2;
  const g = bytes[at + 6]! * 2;
  const h = bytes[at + 7]! * 2;
  // biome-ignore format: one byte per pair
  return String.fromCharCode(
    codes[a]!, codes[a + 1]!, codes[b]!, codes[b + 1]!, codes[c]!, codes[c + 1]!, codes[d]!, codes[d + 1]!,
    codes[e]!, codes[e + 1]!, codes[f]!, codes[f + 1]!, codes[g]!, codes[g + 1]!, codes[h]!, codes[h + 1]!,
  );
}

/** The hex of the bytes from `start` to `end`, of any length. */
export function hexOf(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  let at = start;
  for (; at + 8 <= end; at += 8) text += hexOf8(bytes, at);
  for (; at < end; at++) text += String.fromCharCode(codes[bytes[at]! * 2]!, codes[bytes[at]! * 2 + 1]!);
  return text;
}

/** Writes the bytes of lowercase hex at `start`; `false` when `hex` holds any other character or half a byte. */
export function writeHex(hex: string, target: Uint8Array, start: number): boolean {
  if (hex.length % 2 !== 0) return false;
  for (let i = 0; i < hex.length; i += 2) {
    const high = nibbles[hex.charCodeAt(i)] ?? 255;
    const low = nibbles[hex.charCodeAt(i + 1)] ?? 255;
    if ((high | low) > 15) return false;
    target[start + (i >> 1)] = (high << 4) | low;
  }
  return true;
}
