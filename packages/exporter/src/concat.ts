/** Joins requests: the fields of one protobuf message after those of another are one message with the lists of both. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  // Not from Node's pool, so that it can be transferred; every byte is written below.
  const joined = Buffer.allocUnsafeSlow(parts.reduce((sum, { length }) => sum + length, 0));
  let pos = 0;
  for (const part of parts) {
    joined.set(part, pos);
    pos += part.length;
  }
  return joined;
}
