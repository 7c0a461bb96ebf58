/** Base64 of `bytesValue` in OTLP/JSON, without a platform's own coder. */

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const sextets: Uint8Array = new Uint8Array(128).fill(255);
for (let value = 0; value < 64; value++) sextets[alphabet.charCodeAt(value)] = value;
// The proto3 JSON mapping lets a reader accept the URL-safe alphabet too.
sextets['-'.charCodeAt(0)] = 62;
sextets['_'.charCodeAt(0)] = 63;

/** Standard base64 with padding. */
export function encodeBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const left = bytes.length - at;
    const bits = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    text += alphabet[bits >> 18]! + alphabet[(bits >> 12) & 63]!;
    text += left > 1 ? alphabet[(bits >> 6) & 63]! : '=';
    text += left > 2 ? alphabet[bits & 63]! : '=';
  }
  return text;
}

/** Standard or URL-safe base64, padded or not; `undefined` for anything else. */
export function parseBase64(text: string): Uint8Array | undefined {
  let end = text.length;
  if (end % 4 === 0 && text.endsWith('=')) end -= text.endsWith('==') ? 2 : 1;
  if (end % 4 === 1) return undefined;
  const bytes = new Uint8Array((end * 3) >> 2);
  let bits = 0;
  let held = 0;
  let written = 0;
  for (let at = 0; at < end; at++) {
    const sextet = sextets[text.charCodeAt(at)] ?? 255;
    if (sextet === 255) return undefined;
    bits = ((bits << 6) | sextet) & 0xffff;
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes[written++] = bits >> held;
    }
  }
  return bytes;
}
