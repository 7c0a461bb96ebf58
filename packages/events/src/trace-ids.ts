/** Business trace ids for who has none yet, in the three forms that people use. */

/** `op-` and a UUID: unique wherever it was made. */
export function newOperationId(): string {
  return `op-${randomUuid()}`;
}

/** `req-`, the UTC date and eight random hex digits: readable, and unique for some ten thousand a day. */
export function newRequestId(now: Date = new Date()): string {
  return `req-${now.toISOString().slice(0, 10).replaceAll('-', '')}-${randomUuid().slice(0, 8)}`;
}

/** A prefix, such as `sip-call`, and twelve random hex digits. */
export function newFlowId(prefix: string): string {
  return `${prefix}-${randomUuid().replaceAll('-', '').slice(0, 12)}`;
}

/** Web Crypto: in Node and in secure browser contexts; pages without TLS have only its random numbers. */
function randomUuid(): string {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID();
  const hex = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte, i) =>
    // RFC 9562 §5.4: version 4, variant 10.
    (i === 6 ? (byte & 0x0f) | 0x40 : i === 8 ? (byte & 0x3f) | 0x80 : byte).toString(16).padStart(2, '0'),
  ).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
