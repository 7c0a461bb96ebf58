import { hexOf } from '@infrafabric/format';
import { describe, expect, test } from 'vitest';
import { decodeRas, encodeRas, MAX_DATAGRAM_OCTETS, PerError, type RasMessage } from '../dist/index.js';
import { rasMessage } from '../dist/ras/codec.js';
import { randomValue, seeded } from './random-values.js';
import { allDatagrams, RAS_FILES, rasRecording } from './recordings.js';

/** An LRQ for so many names. */
function locationOf(names: number): RasMessage {
  const destinationInfo = Array.from({ length: names }, () => ({ name: 'dialedDigits' as const, value: '1' }));
  const replyAddress = { name: 'ipAddress' as const, value: { ip: new Uint8Array(4), port: 1719 } };
  return { name: 'locationRequest', value: { requestSeqNum: 1, destinationInfo, replyAddress } };
}

/** Undefined for octets that are refused as they should be. */
function decodeOrRefuse(octets: Uint8Array): RasMessage | undefined {
  try {
    return decodeRas(octets);
  } catch (error) {
    if (error instanceof PerError) return undefined;
    throw error;
  }
}

describe.each(RAS_FILES)('%s', (file) => {
  test.each(rasRecording(file).map((datagram, i) => [i, datagram.tshark, datagram] as const))(
    'datagram %i is %s, with nothing left undecoded',
    (_, name, { octets }) => {
      const message = decodeRas(octets);
      expect(message.name).toBe(name);
      expect(JSON.stringify(message)).not.toContain('"additions"');
    },
  );
});

test('what GnuGk and H323Plus sent is encoded to the same octets', () => {
  const theirs = [...rasRecording('ras-gnugk-call'), ...rasRecording('ras-gnugk-bandwidth')];
  expect(theirs).toHaveLength(54);
  for (const { octets } of theirs) expect(hexOf(encodeRas(decodeRas(octets)))).toBe(hexOf(octets));
});

test("of Asterisk's, only lists of absent extensions are encoded shorter, and mean the same", () => {
  const theirs = rasRecording('ras-asterisk-call');
  const different = theirs.filter(({ octets }) => hexOf(encodeRas(decodeRas(octets))) !== hexOf(octets));
  expect(different.map(({ tshark }) => tshark)).toEqual([
    'registrationRequest',
    'admissionRequest',
    'admissionRequest',
    'infoRequestResponse',
    'infoRequestResponse',
    'disengageRequest',
    'disengageRequest',
    'admissionRequest',
  ]);
  for (const { octets } of different) {
    const message = decodeRas(octets);
    const shorter = encodeRas(message);
    expect(shorter.length).toBeLessThanOrEqual(octets.length);
    expect(decodeRas(shorter)).toEqual(message);
  }
});

test('every message that is encoded is decoded to itself', () => {
  const random = seeded(225);
  for (let i = 0; i < 3_000; i++) {
    const message = randomValue(rasMessage, random) as RasMessage;
    expect(decodeRas(encodeRas(message))).toEqual(message);
  }
});

test('extensions that are not decoded, or not known, are kept and encoded again', () => {
  const message: RasMessage = {
    name: 'disengageConfirm',
    value: {
      requestSeqNum: 7,
      usageInformation: { nonStandardUsageFields: [], endTime: 1_795_347_999 },
      additions: { tokens: Uint8Array.of(1, 2, 3), '#70': Uint8Array.of(9) },
    },
  };
  expect(decodeRas(encodeRas(message))).toEqual(message);
});

test('a truncated datagram is refused, or says what its octets say', () => {
  for (const { octets } of allDatagrams) {
    for (let length = 0; length < octets.length; length++) {
      const message = decodeOrRefuse(octets.subarray(0, length));
      // An end within the last open type is the only one that could pass, and it does not.
      expect(message, `${hexOf(octets)} to ${length}`).toBeUndefined();
    }
  }
});

test('a datagram with a flipped bit is refused, or decoded to something that encodes and decodes to itself', () => {
  let refused = 0;
  let decoded = 0;
  for (const { octets } of allDatagrams) {
    for (let bit = 0; bit < octets.length * 8; bit += 3) {
      const flipped = octets.slice();
      flipped[bit >> 3]! ^= 0x80 >> (bit & 7);
      const message = decodeOrRefuse(flipped);
      if (message === undefined) refused++;
      else {
        decoded++;
        expect(decodeRas(encodeRas(message))).toEqual(message);
      }
    }
  }
  expect(refused).toBeGreaterThan(1_000);
  expect(decoded).toBeGreaterThan(1_000);
});

test('noise is refused or decoded, and takes no longer than its length', () => {
  const random = seeded(1719);
  const begin = performance.now();
  for (let i = 0; i < 5_000; i++) {
    decodeOrRefuse(Uint8Array.from({ length: Math.floor(random() * 300) }, () => Math.floor(random() * 256)));
  }
  for (const octet of [0x00, 0x5a, 0xff, 0x27]) decodeOrRefuse(new Uint8Array(MAX_DATAGRAM_OCTETS).fill(octet));
  expect(performance.now() - begin).toBeLessThan(10_000);
});

test.each([
  ['nothing', '', 'truncated'],
  ['a list of more items than are read', hexOf(encodeRas(locationOf(300))), 'limit'],
  ['more octets than are read', '00'.repeat(MAX_DATAGRAM_OCTETS + 1), 'limit'],
])('%s is refused by code', (_, hex, code) => {
  try {
    decodeRas(new Uint8Array(Buffer.from(hex, 'hex')));
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(PerError);
    expect((error as PerError).code).toBe(code);
  }
});

test.each<[string, unknown, string]>([
  ['a number out of range', { name: 'disengageConfirm', value: { requestSeqNum: 0 } }, 'requestSeqNum must be a whole'],
  ['a missing member', { name: 'bandwidthConfirm', value: { requestSeqNum: 1 } }, 'bandWidth is missing'],
  ['a message that there is not', { name: 'hello', value: {} }, 'must be one of gatekeeperRequest'],
  [
    'digits that are none',
    {
      name: 'locationRequest',
      value: {
        requestSeqNum: 1,
        destinationInfo: [{ name: 'dialedDigits', value: '12a' }],
        replyAddress: { name: 'ipAddress', value: { ip: new Uint8Array(4), port: 1 } },
      },
    },
    'destinationInfo[0].dialedDigits must have only',
  ],
])('encoding says what is wrong and where: %s', (_, message, text) => {
  expect(() => encodeRas(message as RasMessage)).toThrow(text);
});
