import { describe, expect, test } from 'vitest';
import { estimateMos } from '../dist/index.js';
import { qualityAttributes, qualityPayload } from '../dist/quality.js';
import { readStats, rttUnitOf } from '../dist/stats.js';

/** Entries as Chromium 156 gives them, shortened. */
function report(audio: Record<string, unknown>, more: readonly Record<string, unknown>[] = []): Map<string, unknown> {
  const entries: Record<string, unknown>[] = [
    {
      id: 'T01',
      type: 'transport',
      selectedCandidatePairId: 'P2',
      bytesSent: 5_000,
      bytesReceived: 6_000,
      dtlsState: 'connected',
    },
    { id: 'P1', type: 'candidate-pair', nominated: false, state: 'succeeded', currentRoundTripTime: 9 },
    { id: 'P2', type: 'candidate-pair', localCandidateId: 'L', remoteCandidateId: 'R', currentRoundTripTime: 0.05 },
    {
      id: 'L',
      type: 'local-candidate',
      candidateType: 'relay',
      relayProtocol: 'tls',
      address: '192.0.2.1',
      port: 4,
      protocol: 'UDP',
    },
    { id: 'R', type: 'remote-candidate', candidateType: 'srflx', ip: '192.0.2.2', port: 5 },
    { id: 'IA', type: 'inbound-rtp', kind: 'audio', ...audio },
    ...more,
  ];
  return new Map(entries.map((entry) => [String(entry.id), entry]));
}

describe('statistics', () => {
  test('the selected pair is the transport’s, with both ends', () => {
    const sample = readStats(report({ packetsReceived: 1 }), 's')!;
    expect(sample.pair).toEqual({
      localType: 'relay',
      localAddress: '192.0.2.1',
      localPort: 4,
      remoteType: 'srflx',
      remoteAddress: '192.0.2.2',
      remotePort: 5,
      protocol: 'udp',
      relayProtocol: 'tls',
    });
    expect(sample).toMatchObject({ rttMs: 50, bytesSent: 5_000, bytesReceived: 6_000, dtlsState: 'connected' });
  });

  test('round trips are milliseconds, whatever the stack’s unit', () => {
    const entries = [{ id: 'P', type: 'candidate-pair', nominated: true, state: 'succeeded', currentRoundTripTime: 3 }];
    const stats = new Map(entries.map((entry) => [entry.id, entry]));
    expect(readStats(stats, 'ms')!.rttMs).toBe(3);
    expect(readStats(stats, 's')!.rttMs).toBe(3_000);
    expect(rttUnitOf({ ext_maxMessageSize: 262_144 })).toBe('ms');
    expect(rttUnitOf({})).toBe('s');
  });

  test('what is no report is none, and what has other types is absent', () => {
    for (const none of [undefined, null, 7, 'x', [], new Map(), { forEach: 'x' }])
      expect(readStats(none, 's')).toBeUndefined();
    const odd = new Map([
      ['a', { id: 'a', type: 'transport', bytesSent: 'many', dtlsState: 7, selectedCandidatePairId: {} }],
    ]);
    expect(readStats(odd, 's')).toMatchObject({ bytesSent: undefined, dtlsState: undefined, pair: undefined });
    expect(
      readStats(
        {
          forEach: () => {
            throw new Error('no');
          },
        },
        's',
      ),
    ).toBeUndefined();
  });
});

describe('quality', () => {
  test('an interval’s loss is what was lost in it', () => {
    const before = readStats(report({ packetsReceived: 1_000, packetsLost: 100, jitter: 0.02 }), 's')!;
    const after = readStats(report({ packetsReceived: 1_490, packetsLost: 110, jitter: 0.02 }), 's')!;
    expect(qualityPayload(after, before)).toMatchObject({
      rtt_ms: 50,
      bytes_sent: 0,
      received: { audio: { packets: 490, packets_lost: 10, loss_percent: 2, jitter_ms: 20 } },
    });
    expect(qualityAttributes(after)).toMatchObject({ 'call.quality.loss_percent': 6.88, 'call.quality.jitter_ms': 20 });
  });

  test('what was sent is judged by what the other end reports', () => {
    const sent = [
      { id: 'OA', type: 'outbound-rtp', kind: 'audio', packetsSent: 200 },
      { id: 'RA', type: 'remote-inbound-rtp', kind: 'audio', packetsLost: 20, jitter: 0.01, roundTripTime: 0.1 },
    ];
    const payload = qualityPayload(readStats(report({ packetsReceived: 0 }, sent), 's')!);
    expect(payload.sent).toMatchObject({ audio: { packets: 200, packets_lost: 20, loss_percent: 10, jitter_ms: 10 } });
  });

  test('without jitter or round trip nothing is estimated', () => {
    const payload = qualityPayload(readStats(report({ packetsReceived: 10, packetsLost: 0 }), 's')!);
    expect(payload.received).toMatchObject({ audio: { loss_percent: 0, mos_estimated: undefined } });
  });
});

describe('MOS', () => {
  test.each([
    // L = 10 ms: R = 92.95.
    [0, 0, 0, 4.4],
    // L = 200/2 + 2·20 + 10 = 150 ms, R = 93.2 − 3.75 − 2.5 = 86.95.
    [200, 20, 1, 4.26],
    // L = 400/2 + 2·30 + 10 = 270 ms, R = 93.2 − 15 − 12.5 = 65.7.
    [400, 30, 5, 3.39],
    [1_000, 100, 30, 1],
    [100_000, 0, 100, 1],
  ])('of %d ms round trip, %d ms jitter, %d %% loss is %d', (rttMs, jitterMs, lossPercent, mos) => {
    expect(estimateMos({ rttMs, jitterMs, lossPercent })).toBeCloseTo(mos, 1);
  });

  test('falls when anything gets worse, and stays within 1 and 4.5', () => {
    for (const worse of [{ rttMs: 40 }, { jitterMs: 5 }, { lossPercent: 1 }]) {
      let quality = { rttMs: 0, jitterMs: 0, lossPercent: 0 };
      for (let last = 4.5, i = 0; i < 200; i++) {
        const mos = estimateMos(quality);
        expect(mos).toBeLessThanOrEqual(last);
        expect(mos).toBeGreaterThanOrEqual(1);
        last = mos;
        quality = { ...quality };
        for (const [name, step] of Object.entries(worse)) quality[name as keyof typeof quality] += step;
      }
    }
  });
});
