/**
 * HEPv3 (HEP/EEP, github.com/sipcapture/HEP), as Kamailio, Asterisk, FreeSWITCH, OpenSIPS, rtpengine, sipgrep and
 * sngrep send it over UDP: `"HEP3"`, u16 total length, chunks of u16 vendor, u16 type, u16 length with the six octets
 * of its head, value. Big-endian.
 */
import type { SipEndpoint } from './sip-message.js';

/** A captured packet. */
export interface HepPacket {
  /** IP protocol: 6 TCP, 17 UDP, 132 SCTP; Kamailio says 22 for a received WebSocket message, 6 for a sent one. */
  readonly ipProtocol: number | undefined;
  readonly source: SipEndpoint | undefined;
  readonly destination: SipEndpoint | undefined;
  /** When it was captured, milliseconds since 1970, fractions of a microsecond apart lost. */
  readonly timeMs: number | undefined;
  /** 1 SIP, 5 RTCP as JSON. */
  readonly payloadProtocol: number;
  readonly captureId: number | undefined;
  /** Usually the Call-ID, where the sender knows it. */
  readonly correlationId: string | undefined;
  readonly payload: Uint8Array;
  /** The payload is deflated (chunk 16). */
  readonly isCompressed: boolean;
}

const MAGIC = [0x48, 0x45, 0x50, 0x33] as const;
const HEAD = 6;
const FAMILY_V4 = 2;
const FAMILY_V6 = 10;
const UTF8 = new TextEncoder();
const TEXT = new TextDecoder();

/** A datagram's packet; undefined for what is no HEPv3, is cut short, or has no payload. Never throws. */
export function decodeHep(datagram: Uint8Array): HepPacket | undefined {
  if (datagram.length < HEAD || MAGIC.some((octet, at) => datagram[at] !== octet)) return undefined;
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  const total = view.getUint16(4);
  if (total > datagram.length) return undefined;
  const chunks = new Map<number, Uint8Array>();
  let at = HEAD;
  while (at < total) {
    if (at + HEAD > total) return undefined;
    const length = view.getUint16(at + 4);
    if (length < HEAD || at + length > total) return undefined;
    // Chunks of other vendors are skipped; of two of a kind the first counts.
    if (view.getUint16(at) === 0 && !chunks.has(view.getUint16(at + 2))) {
      chunks.set(view.getUint16(at + 2), datagram.subarray(at + HEAD, at + length));
    }
    at += length;
  }
  const plain = chunks.get(15);
  const payload = plain ?? chunks.get(16);
  if (payload === undefined) return undefined;
  const correlation = chunks.get(17);
  return {
    ipProtocol: numberOf(chunks.get(2)),
    source: endpointOf(chunks.get(3), chunks.get(5), chunks.get(7)),
    destination: endpointOf(chunks.get(4), chunks.get(6), chunks.get(8)),
    timeMs: timeOf(chunks.get(9), chunks.get(10)),
    payloadProtocol: numberOf(chunks.get(11)) ?? 1,
    captureId: numberOf(chunks.get(12)),
    correlationId: correlation === undefined ? undefined : TEXT.decode(correlation),
    payload,
    isCompressed: plain === undefined,
  };
}

/**
 * A datagram of a packet, chunks in the order of their types. @throws RangeError beyond 65,535 octets, or for an
 * address that is none
 */
export function encodeHep(packet: HepPacket): Uint8Array {
  const { source, destination, timeMs, correlationId } = packet;
  const isV6 = (source ?? destination)?.address.includes(':') === true;
  const chunks: (readonly [type: number, value: Uint8Array])[] = [
    [1, octets(isV6 ? FAMILY_V6 : FAMILY_V4, 1)],
    ...(packet.ipProtocol === undefined ? [] : [[2, octets(packet.ipProtocol, 1)] as const]),
    ...(source === undefined ? [] : [[isV6 ? 5 : 3, octetsOfAddress(source.address)] as const]),
    ...(destination === undefined ? [] : [[isV6 ? 6 : 4, octetsOfAddress(destination.address)] as const]),
    ...(source?.port === undefined ? [] : [[7, octets(source.port, 2)] as const]),
    ...(destination?.port === undefined ? [] : [[8, octets(destination.port, 2)] as const]),
    ...(timeMs === undefined
      ? []
      : ([
          [9, octets(Math.floor(timeMs / 1000), 4)],
          [10, octets(Math.round((timeMs % 1000) * 1000), 4)],
        ] as const)),
    [11, octets(packet.payloadProtocol, 1)],
    ...(packet.captureId === undefined ? [] : [[12, octets(packet.captureId, 4)] as const]),
    [packet.isCompressed ? 16 : 15, packet.payload],
    ...(correlationId === undefined ? [] : [[17, UTF8.encode(correlationId)] as const]),
  ];
  const total = chunks.reduce((sum, [, value]) => sum + HEAD + value.length, HEAD);
  if (total > 0xffff) throw new RangeError(`a HEP packet has at most 65535 octets, and this one would have ${total}`);
  const datagram = new Uint8Array(total);
  const view = new DataView(datagram.buffer);
  datagram.set(MAGIC);
  view.setUint16(4, total);
  let at = HEAD;
  for (const [type, value] of chunks) {
    view.setUint16(at + 2, type);
    view.setUint16(at + 4, HEAD + value.length);
    datagram.set(value, at + HEAD);
    at += HEAD + value.length;
  }
  return datagram;
}

function numberOf(value: Uint8Array | undefined): number | undefined {
  if (value === undefined || value.length === 0 || value.length > 4) return undefined;
  return value.reduce((number, octet) => number * 256 + octet, 0);
}

function octets(number: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => Math.floor(number / 256 ** (length - 1 - at)) % 256);
}

function timeOf(seconds: Uint8Array | undefined, micros: Uint8Array | undefined): number | undefined {
  const whole = numberOf(seconds);
  return whole === undefined ? undefined : whole * 1000 + Math.min(999_999, numberOf(micros) ?? 0) / 1000;
}

function endpointOf(
  v4: Uint8Array | undefined,
  v6: Uint8Array | undefined,
  port: Uint8Array | undefined,
): SipEndpoint | undefined {
  const address = v4?.length === 4 ? v4.join('.') : v6?.length === 16 ? textOfV6(v6) : undefined;
  return address === undefined ? undefined : { address, port: numberOf(port) };
}

/** RFC 5952: the first longest run of zero groups, of two at least, becomes `::`. */
function textOfV6(octets: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, at) => (octets[2 * at]! << 8) | octets[2 * at + 1]!);
  let start = 0;
  let length = 0;
  for (let from = 0; from < 8; from++) {
    let to = from;
    while (groups[to] === 0) to++;
    if (to - from > length) [start, length] = [from, to - from];
  }
  const text = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  return length < 2 ? text(groups) : `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}

function octetsOfAddress(address: string): Uint8Array {
  if (!address.includes(':')) {
    const parts = address.split('.').map(Number);
    if (parts.length !== 4 || parts.some((part) => !(part >= 0 && part <= 255))) {
      throw new RangeError(`${JSON.stringify(address)} is no IP address`);
    }
    return Uint8Array.from(parts);
  }
  const [head = '', tail] = address.split('::');
  const groups = (text: string | undefined): number[] =>
    text === undefined || text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const before = groups(head);
  const after = groups(tail);
  const gap = 8 - before.length - after.length;
  if (gap < 0 || (tail === undefined && gap > 0)) throw new RangeError(`${JSON.stringify(address)} is no IP address`);
  return Uint8Array.from(
    [...before, ...Array<number>(gap).fill(0), ...after].flatMap((group) => [group >> 8, group & 255]),
  );
}
