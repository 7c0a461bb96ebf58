/** A plain span to vary in examples. */
import type { ResourceRecord, ScopeRecord, SpanRecord } from '../dist/index.js';

export const emptyResource: ResourceRecord = {
  attributes: [],
  droppedAttributesCount: 0,
  entityRefs: [],
  schemaUrl: '',
};
export const emptyScope: ScopeRecord = {
  name: '',
  version: '',
  attributes: [],
  droppedAttributesCount: 0,
  schemaUrl: '',
};

/** A span with nothing but its ids, and `change`. */
export function spanWith(change: Partial<SpanRecord> = {}): SpanRecord {
  return {
    traceId: '0102030405060708090a0b0c0d0e0f10',
    spanId: '1112131415161718',
    parentSpanId: '',
    traceState: '',
    flags: 0,
    name: '',
    kind: 0,
    startUnixNano: 0n,
    endUnixNano: 0n,
    attributes: [],
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    status: { code: 0, message: '' },
    resource: emptyResource,
    scope: emptyScope,
    lossy: [],
    ...change,
  };
}

/** Bytes from hex; spaces are ignored. */
export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'));
}

/** Hex of bytes. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** A length-delimited field: tag, length, content. */
export function field(number: number, content: Uint8Array | string): Uint8Array {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return Uint8Array.from([...varint(number * 8 + 2), ...varint(bytes.length), ...bytes]);
}

/** A varint of any uint32. */
export function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}

/** One array from many. */
export function concat(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

/** The ids that a span must have, encoded. */
export const ids: Uint8Array = concat(
  field(1, fromHex('0102030405060708090a0b0c0d0e0f10')),
  field(2, fromHex('1112131415161718')),
);

/** A request with these encoded spans and nothing else. */
export function requestOf(...encodedSpans: Uint8Array[]): Uint8Array {
  return field(1, field(2, concat(...encodedSpans.map((span) => field(2, span)))));
}
