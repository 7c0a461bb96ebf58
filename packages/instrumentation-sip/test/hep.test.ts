import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { decodeHep, encodeHep, type HepPacket, HepReceiver, verifyCallChain } from '../dist/index.js';
import { ends, feed, observing, payloadOf, until, wholeCall } from './support.js';

const plain: HepPacket = {
  ipProtocol: 17,
  source: ends.local,
  destination: ends.peer,
  timeMs: 1_700_000_000_123.456,
  payloadProtocol: 1,
  captureId: 2001,
  correlationId: undefined,
  payload: new Uint8Array(Buffer.from(wholeCall()[0]![1])),
  isCompressed: false,
};

const port = fc.nat(65_535);
const packet = fc.boolean().chain((isV6) => {
  const endpoint = fc.record({ address: isV6 ? fc.ipV6().filter((ip) => !ip.includes('.')) : fc.ipV4(), port });
  return fc.record({
    ipProtocol: fc.option(fc.nat(255), { nil: undefined }),
    source: fc.option(endpoint, { nil: undefined }),
    destination: fc.option(endpoint, { nil: undefined }),
    timeMs: fc.option(
      fc.nat(2 ** 32 - 1).map((seconds) => seconds * 1000 + 0.25),
      { nil: undefined },
    ),
    payloadProtocol: fc.nat(255),
    captureId: fc.option(fc.nat(2 ** 32 - 1), { nil: undefined }),
    correlationId: fc.option(
      fc.string().map((text) => text.toWellFormed()),
      { nil: undefined },
    ),
    payload: fc.uint8Array({ maxLength: 2_000 }),
    isCompressed: fc.boolean(),
  });
});

/** The same address, however it is written. */
const normal = (address: string): string =>
  isIP(address) === 6 ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;

describe('HEPv3', () => {
  test('is decoded as it was encoded', () => {
    fc.assert(
      fc.property(packet, (sent) => {
        const got = decodeHep(encodeHep(sent))!;
        const settle = ({ source, destination, ...rest }: HepPacket): unknown => ({
          ...rest,
          source: source && { ...source, address: normal(source.address) },
          destination: destination && { ...destination, address: normal(destination.address) },
        });
        expect(settle({ ...got, payload: new Uint8Array(got.payload) })).toEqual(settle(sent));
        // Ours writes addresses as everyone does.
        if (got.source !== undefined) expect(got.source.address).toBe(normal(got.source.address));
      }),
    );
  });

  test('is on the wire what the protocol says', () => {
    const octets = Buffer.from(encodeHep({ ...plain, payload: new Uint8Array([0x41]) })).toString('hex');
    expect(octets).toBe(
      [
        ...[
          '48455033',
          '0064',
          '0000 0001 0007 02',
          '0000 0002 0007 11',
          '0000 0003 000a 0a000001',
          '0000 0004 000a 0a000002',
        ],
        ...['0000 0007 0008 13c4', '0000 0008 0008 13c4', '0000 0009 000a 6553f100', '0000 000a 000a 0001e240'],
        ...['0000 000b 0007 01', '0000 000c 000a 000007d1', '0000 000f 0007 41'],
      ]
        .join('')
        .replaceAll(' ', ''),
    );
  });

  test('cut short at any octet, or with any octet flipped, never throws', () => {
    const whole = encodeHep({ ...plain, correlationId: 'call-1@here' });
    for (let length = 0; length < whole.length; length++) expect(decodeHep(whole.subarray(0, length))).toBeUndefined();
    for (let at = 0; at < whole.length; at++) {
      for (const mask of [1, 0x80, 0xff]) decodeHep(whole.with(at, whole[at]! ^ mask));
    }
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        (rest) => void decodeHep(new Uint8Array([0x48, 0x45, 0x50, 0x33, 0, 6 + rest.length, ...rest])),
      ),
    );
  });

  test('refuses to encode what does not fit', () => {
    expect(() => encodeHep({ ...plain, payload: new Uint8Array(65_530) })).toThrow(RangeError);
    expect(() => encodeHep({ ...plain, source: { address: 'example.com' } })).toThrow('is no IP address');
    expect(() => encodeHep({ ...plain, source: { address: '1:2:3' } })).toThrow('is no IP address');
  });
});

test('a recorded call through Kamailio: one call, both hops of each message, though some copies came out of order', () => {
  const { observer, names, call, payloads, spans } = observing();
  const hep = new HepReceiver(observer);
  const lines = readFileSync(new URL('data/proxied-call.jsonl', import.meta.url), 'utf8')
    .trim()
    .split('\n');
  for (const line of lines) {
    const { sip, ...told } = JSON.parse(line) as HepPacket & { readonly sip: string };
    hep.receive(encodeHep({ ...plain, ...told, payload: Buffer.from(sip) }));
  }
  const events = ['invite_sent', '100_trying', '180_ringing', '200_ok', 'ack_sent', 'bye_sent'].map(
    (name) => `sip_${name}`,
  );
  for (const name of [...events, 'sip_response'])
    expect(
      names().filter((other) => other === name),
      name,
    ).toHaveLength(2);
  expect(names()).toHaveLength(15);
  expect(call()).toMatchObject({
    'call.end_reason': 'hangup',
    'call.hangup_party': 'caller',
    'sip.events': 15,
    'sip.retransmissions': 0,
  });
  expect(Number(call()['call.setup_time_ms'])).toBeGreaterThan(300);
  expect(verifyCallChain(payloads())).toMatchObject({ isIntact: true, events: 15 });
  const columns = spans().flatMap(({ attributes }) => [attributes['call.ladder.from'], attributes['call.ladder.to']]);
  expect(new Set(columns.filter((column) => column !== undefined)).size).toBe(3);
});

describe('a receiver of HEP', () => {
  const toClose: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of toClose.splice(0)) await close();
  });

  async function listening() {
    const { observer, ...written } = observing();
    const hep = new HepReceiver(observer);
    const { port } = await hep.listen({ port: 0 });
    toClose.push(() => hep.close());
    const socket = createSocket('udp4');
    toClose.push(() => new Promise((resolve) => socket.close(resolve)));
    const send = (datagram: Uint8Array): Promise<void> =>
      new Promise((resolve) => socket.send(datagram, port, '127.0.0.1', () => resolve()));
    return { ...written, hep, send, observer };
  }

  test('sees the call that was captured, at the times of the capture', async () => {
    const { calls, call, names, hep, send } = await listening();
    let timeMs = plain.timeMs!;
    for (const [arrow, text] of wholeCall()) {
      const [source, destination] = arrow === '>' ? [ends.local, ends.peer] : [ends.peer, ends.local];
      await send(encodeHep({ ...plain, source, destination, timeMs, payload: Buffer.from(text) }));
      timeMs += 1_000;
    }
    await until('the call ended', () => calls().length === 1);
    expect(names()).toHaveLength(8);
    expect(call()).toMatchObject({
      'call.setup_time_ms': 3_000,
      'call.duration_ms': 2_000,
      'network.transport': 'udp',
    });
    expect(call()['call.direction']).toBe('passing');
    // Microseconds since 1970, also of what was captured long before this process began.
    expect(calls()[0]!.startTime).toEqual([1_700_000_000, 123_456_000]);
    expect(calls()[0]!.endTime).toEqual([1_700_000_006, 123_456_000]);
    expect(hep.counts).toEqual({ datagrams: 7, undecodable: 0, otherProtocols: 0 });
  });

  test('inflates what is deflated, up to a limit', async () => {
    const { hep, send, observer } = await listening();
    await send(encodeHep({ ...plain, isCompressed: true, payload: deflateSync(plain.payload) }));
    await send(encodeHep({ ...plain, isCompressed: true, payload: deflateSync(Buffer.alloc(10_000_000)) }));
    await send(encodeHep({ ...plain, isCompressed: true, payload: Buffer.from('not deflated') }));
    await send(Buffer.from('no HEP at all'));
    await send(encodeHep({ ...plain, payloadProtocol: 34 }));
    await until('all arrived', () => hep.counts.datagrams === 5);
    expect(hep.counts).toEqual({ datagrams: 5, undecodable: 3, otherProtocols: 1 });
    expect(observer.counts).toMatchObject({ messages: 1, callsBegun: 1 });
  });

  test('takes the quality of a call from RTCP reports', async () => {
    const { event, hep, send, observer } = await listening();
    feed(observer, wholeCall().slice(0, 5));
    const timeMs = 1_700_000_000_500;
    const ntp = Math.round((timeMs / 1000 + 2_208_988_800) * 65_536) % 2 ** 32;
    // Sent a second ago, held for 900 ms there: 100 ms on the way.
    const block = {
      fraction_lost: 64,
      ia_jitter: 160,
      lsr: (ntp - 65_536 + 2 ** 32) % 2 ** 32,
      dlsr: Math.round(0.9 * 65_536),
    };
    const report = (content: unknown): Uint8Array =>
      encodeHep({
        ...plain,
        timeMs,
        payloadProtocol: 5,
        correlationId: 'call-1@here',
        payload: Buffer.from(JSON.stringify(content)),
      });
    await send(report({ type: 200, report_blocks: [block] }));
    for (const nonsense of [null, 7, {}, { report_blocks: [null, 7, {}, { fraction_lost: 'x', ia_jitter: -1 }] }])
      await send(report(nonsense));
    await until('all arrived', () => hep.counts.datagrams === 5);
    expect(payloadOf(event('sip_media_quality')).rtt_ms).toBeCloseTo(100, 1);
    expect(payloadOf(event('sip_media_quality'))).toMatchObject({
      loss_percent: 25,
      jitter_ms: 20,
      mos_is_estimated: true,
    });
  });

  test('listens once', async () => {
    const { hep } = await listening();
    await expect(hep.listen({ port: 0 })).rejects.toThrow(TypeError);
  });
});
