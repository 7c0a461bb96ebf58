import { createHmac } from 'node:crypto';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hmacKeyedWithHash } from '../dist/hash-keyed-hmac.js';
import { audioCodecOf, canonicalPayload, endpointOf, endpointText, estimateMos } from '../dist/index.js';

describe('the estimated MOS', () => {
  test.each([
    // By hand: L = 10, R = 92.95; L = 24, R = 92.6; L = 190, R = 93.2 − 7 − 12.5 = 73.7.
    [{ lossPercent: 0, jitterMs: 0 }, 4.404],
    [{ lossPercent: 0, jitterMs: 2, rttMs: 20 }, 4.397],
    [{ lossPercent: 5, jitterMs: 40, rttMs: 200 }, 3.765],
    [{ lossPercent: 100, jitterMs: 0 }, 1],
  ])('of %o is %d', (quality, mos) => {
    expect(estimateMos(quality)).toBeCloseTo(mos, 3);
  });

  test('is between 1 and 4.5 and never better for more of anything bad', () => {
    const bad = fc.double({ min: 0, max: 100, noNaN: true });
    fc.assert(
      fc.property(bad, bad, bad, fc.double({ min: 0, max: 50, noNaN: true }), (lossPercent, jitterMs, rttMs, more) => {
        const quality = { lossPercent, jitterMs, rttMs };
        const mos = estimateMos(quality);
        expect(mos).toBeGreaterThanOrEqual(1);
        expect(mos).toBeLessThanOrEqual(4.5);
        expect(estimateMos({ ...quality, lossPercent: lossPercent + more })).toBeLessThanOrEqual(mos + 1e-9);
        expect(estimateMos({ ...quality, jitterMs: jitterMs + more })).toBeLessThanOrEqual(mos + 1e-9);
      }),
    );
    expect(estimateMos({ lossPercent: Number.NaN, jitterMs: 0 })).toBe(1);
  });
});

test('a payload is written as RFC 8785 says, by another implementation as well', () => {
  const value = fc.jsonValue({ noUnicodeString: false, maxDepth: 3 });
  fc.assert(
    fc.property(fc.dictionary(fc.string(), value), (payload) => {
      expect(canonicalPayload(payload as never)).toBe(canonicalize(payload));
    }),
    { numRuns: 500 },
  );
  expect(canonicalPayload({ b: undefined, a: '\ud800', c: [-0.5, null, { z: 1, y: 2 }] })).toBe(
    '{"a":"\ufffd","c":[-0.5,null,{"y":2,"z":1}]}',
  );
  expect(canonicalPayload({ 10: 'x', 9: 'y' })).toBe('{"10":"x","9":"y"}');
});

test('an HMAC keyed with a hash is HMAC-SHA256', () => {
  const hash = fc.stringMatching(/^[0-9a-f]{64}$/);
  fc.assert(
    fc.property(hash, fc.string({ unit: 'grapheme' }), (key, text) => {
      const wellFormed = text.toWellFormed();
      expect(hmacKeyedWithHash(key, wellFormed)).toBe(createHmac('sha256', key).update(wellFormed).digest('hex'));
    }),
  );
});

test.each([
  ['m=audio 4000 RTP/AVP 8 0\r\n', 'PCMA'],
  [
    'm=video 1 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\na=rtpmap:111 opus/48000/2\r\n',
    'opus',
  ],
  ['m=audio 4000 RTP/AVP 97\r\n', undefined],
  ['m=video 4000 RTP/AVP 97\r\n', undefined],
  ['', undefined],
])('the codec of %j is %s', (sdp, codec) => {
  expect(audioCodecOf(`v=0\r\n${sdp}`)).toBe(codec);
});

test.each([
  ['10.0.0.1:5060', { address: '10.0.0.1', port: 5060 }],
  ['[2001:db8::1]:5060', { address: '2001:db8::1', port: 5060 }],
  ['example.com', { address: 'example.com' }],
])('an endpoint is written and read: %s', (text, endpoint) => {
  expect(endpointOf(text)).toEqual(endpoint);
  expect(endpointText(endpoint)).toBe(text);
});
