/**
 * Attribute keys that were read before, by their bytes. A service says the same few dozen keys in every span: making a string
 * of them each time costs as much as all the rest of an attribute, and a string that is new must be hashed again by whoever
 * looks it up.
 */

/** Keys of more bytes are not kept. */
const MAX_KEY_BYTES = 64;
const SLOTS = 2048;

interface KnownKey {
  readonly bytes: Uint8Array;
  readonly text: string;
}

/** One slot a hash: a key that falls on another one's takes its place, so that what is kept is bounded. */
const slots: (KnownKey | undefined)[] = new Array<KnownKey | undefined>(SLOTS).fill(undefined);

/** The key whose UTF-8 stands between two positions, as `read` makes it; `read` is not called for one that is known. */
export function keyBetween(bytes: Uint8Array, start: number, end: number, read: () => KeyText): string {
  if (end - start > MAX_KEY_BYTES) return read().text;
  const slot = slotOf(bytes, start, end);
  const known = slots[slot];
  if (known !== undefined && isAt(known.bytes, bytes, start, end)) return known.text;
  const { text, isExact } = read();
  // A text that stands for other bytes than these must be found wanting each time.
  if (isExact) slots[slot] = { bytes: bytes.slice(start, end), text };
  return text;
}

/** A key that was read. */
export interface KeyText {
  readonly text: string;
  /** The bytes were UTF-8. */
  readonly isExact: boolean;
}

/** FNV-1a, folded. Senders choose keys, and so collisions: they cost what reading the key costs. */
function slotOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return (hash ^ (hash >>> 15)) & (SLOTS - 1);
}

function isAt(known: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  const { length } = known;
  if (length !== end - start) return false;
  for (let i = 0; i < length; i++) if (known[i] !== bytes[start + i]) return false;
  return true;
}
