import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CandidateTally } from '../dist/candidates.js';
import { parseCandidate } from '../dist/index.js';

describe('parseCandidate', () => {
  test.each([
    // RFC 8839 §5.1.
    [
      'candidate:1 1 UDP 1694498815 203.0.113.141 8998 typ srflx raddr 192.0.2.33 rport 8998',
      'srflx',
      'udp',
      '203.0.113.141',
    ],
    // Chromium.
    [
      'candidate:842163049 1 udp 1677729535 b2.local 54400 typ host generation 0 ufrag x network-id 1',
      'host',
      'udp',
      'b2.local',
    ],
    ['candidate:3 1 tcp 1518280447 fd00::2 9 typ host tcptype active', 'host', 'tcp', 'fd00::2'],
    // node-datachannel.
    ['a=candidate:1 1 UDP 2114977791 127.0.0.1 39954 typ host', 'host', 'udp', '127.0.0.1'],
    ['candidate:4 1 udp 41885439 192.0.2.1 50000 typ relay raddr 0.0.0.0 rport 0', 'relay', 'udp', '192.0.2.1'],
  ])('reads %s', (text, type, protocol, address) => {
    expect(parseCandidate(text)).toMatchObject({ type, protocol, address });
  });

  test.each(['', 'a=end-of-candidates'])('says that %j is the end', (text) => {
    expect(parseCandidate(text)).toBeUndefined();
  });

  test.each(['candidate:', 'candidate:1 1 udp x 1.2.3.4 5 typ host', 'typ host', `candidate:${'1'.repeat(5_000)}`])(
    'counts %.40s as unknown',
    (text) => expect(parseCandidate(text)).toMatchObject({ type: 'unknown' }),
  );

  test('never throws and is bounded, whatever it reads', () => {
    const piece = fc.constantFrom(
      'candidate:',
      'a=',
      ' 1',
      ' udp',
      ' typ',
      ' host',
      ' relay',
      ' 9'.repeat(30),
      '\ud800',
      '\n',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(piece).map((pieces) => pieces.join('')),
    );
    fc.assert(
      fc.property(text, (any) => {
        const candidate = parseCandidate(any);
        if (candidate === undefined) return;
        expect(['host', 'srflx', 'prflx', 'relay', 'unknown']).toContain(candidate.type);
        expect(candidate.address.length).toBeLessThanOrEqual(253);
        expect(candidate.port).toBeLessThanOrEqual(65_535);
        expect(candidate.address.isWellFormed()).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a tally', () => {
  test('counts a candidate once, from events and from a description', () => {
    const tally = new CandidateTally();
    const text = 'candidate:1 1 udp 2113937151 192.0.2.1 5000 typ host';
    expect(tally.add(parseCandidate(text)!)).toBe(true);
    expect(tally.add(parseCandidate(`${text} generation 0`)!)).toBe(false);
    tally.addFromSdp(`v=0\r\na=${text}\r\na=candidate:2 1 udp 1 192.0.2.1 5001 typ relay\r\na=end-of-candidates\r\n`);
    expect(tally.byType()).toEqual({ host: 1, relay: 1 });
    expect(tally.total).toBe(2);
  });

  test('does not grow without end', () => {
    const tally = new CandidateTally();
    for (let port = 0; port < 2_000; port++) {
      tally.add({ type: 'host', protocol: 'udp', address: '192.0.2.1', port, priority: 1 });
    }
    expect(tally.total).toBe(2_000);
    expect(tally.byType()).toEqual({ host: 512, unknown: 1_488 });
  });
});
