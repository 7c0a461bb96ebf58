/**
 * Text out of and into UTF-8 bytes. In Node a Buffer does it (one native call, no intermediate view); elsewhere
 * TextDecoder and TextEncoder give the same strings and bytes, only slower.
 */

/** Reads UTF-8 between two positions of one byte array; what is not UTF-8 becomes U+FFFD, a BOM is kept. */
export interface Utf8Slicer {
  utf8Slice(start: number, end: number): string;
}

const lenientDecoder = new TextDecoder('utf-8', { ignoreBOM: true });
const fatalDecoder = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });
const encoder = new TextEncoder();

/** The portable {@link Utf8Slicer}. */
export function textDecoderSlicer(bytes: Uint8Array): Utf8Slicer {
  return { utf8Slice: (start, end) => lenientDecoder.decode(bytes.subarray(start, end)) };
}

/** The fastest {@link Utf8Slicer} this platform has; it reads `bytes` in place. */
export function utf8Slicer(bytes: Uint8Array): Utf8Slicer {
  const NodeBuffer = (globalThis as { Buffer?: typeof Buffer }).Buffer;
  if (NodeBuffer === undefined) return textDecoderSlicer(bytes);
  const view: Uint8Array & Partial<Utf8Slicer> = NodeBuffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return typeof view.utf8Slice === 'function' ? (view as Uint8Array & Utf8Slicer) : textDecoderSlicer(bytes);
}

/** Whether the bytes are UTF-8. Slow: ask only when the decoded text holds U+FFFD. */
export function isUtf8(bytes: Uint8Array): boolean {
  try {
    fatalDecoder.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/**
 * Writes `text` as UTF-8 at `start` and returns the number of bytes written; a lone surrogate becomes U+FFFD.
 * `target` must have room for three bytes per UTF-16 unit.
 */
export function writeUtf8(text: string, target: Uint8Array, start: number): number {
  return encoder.encodeInto(text, target.subarray(start)).written;
}
