/** The four classes by hand in one trace and one ledger: every event is there, and every cost counts. */

import { withBusinessIds } from '@infrafabric/events';
import { WitnessSpanExporter } from '@infrafabric/exporter';
import { H323Witness } from '@infrafabric/instrumentation-h323';
import { NdiWitnessPublisher } from '@infrafabric/instrumentation-ndi';
import { SipWitness } from '@infrafabric/instrumentation-sip';
import { WebRtcWitness } from '@infrafabric/instrumentation-webrtc';
import { BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { expect, test } from 'vitest';
import { Home } from '../cli/run.js';

interface Report {
  readonly totals: { readonly calls: number; readonly unpriced: number };
  readonly groups: readonly {
    readonly component: string;
    readonly totals: {
      readonly calls: number;
      readonly tokens: { readonly input: number; readonly output: number };
      readonly cost_estimated_usd: string;
      readonly cost_reported_usd: string;
    };
  }[];
}

/** The guide's flows, by its own methods, with its constants. */
function everyFlow(tracerProvider: BasicTracerProvider, traceId: string): void {
  const publisher = new NdiWitnessPublisher({ traceId, tracerProvider });
  publisher.publishFrame(Buffer.alloc(250_000));
  publisher.publishFrame(Buffer.alloc(250_000));
  publisher.close();

  const peer = new WebRtcWitness('p', { traceId, tracerProvider });
  peer.logSdpOffer('v=0\r\n');
  peer.logSdpAnswer('v=0\r\n');
  peer.logIceCandidatesSummary([]);
  peer.logConnectionStateChange('connecting', 'connected');
  peer.logMediaStreamReady(true, true);
  peer.close();

  const endpoint = new H323Witness({ endpointId: 'ep', gatekeeper: 'gk:1719', tracerProvider });
  endpoint.requestAdmission('c', 2_000_000, 60, traceId);
  endpoint.closeCall('c', 45, 2_000_000, traceId);

  const call = new SipWitness({
    localUri: 'sip:a@example.com',
    remoteUri: 'sip:b@example.com',
    traceId,
    tracerProvider,
  });
  call.sendInvite('v=0\r\n');
  call.receive100Trying();
  call.receive180Ringing();
  call.receive200Ok('v=0\r\n');
  call.sendAck();
  call.dialogEstablished();
  call.sendBye(300);
}

test.each(['component, from one trace', 'component, from the whole ledger'])(
  'in a report by %s, none is lost',
  async (of) => {
    const home = new Home();
    const exporter = new WitnessSpanExporter({ home: home.path });
    const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
    everyFlow(provider, 'req-1');
    await provider.shutdown();

    const flags = of.endsWith('trace') ? ['--trace-id', 'req-1'] : [];
    const report = JSON.parse(home.optimise(['report', ...flags, '--json']).stdout) as Report;
    const groups = report.groups.map(({ component, totals }) => [
      component,
      totals.calls,
      [totals.tokens.input, totals.tokens.output],
      totals.cost_estimated_usd,
    ]);
    expect(new Set(groups)).toEqual(
      new Set([
        ['IF.witness.ndi-publisher', 2, [600, 40], '0.0064'],
        ['IF.witness.sip', 7, [1_050, 525], '0.0019'],
        ['IF.witness.webrtc', 6, [750, 375], '0.0017'],
        ['IF.witness.h323', 3, [1_000, 500], '0.0007'],
      ]),
    );
    expect(report.totals).toMatchObject({ calls: 18, unpriced: 0 });
    expect(home.witness(['verify']).exitCode).toBe(0);
  },
);

test('a flow below another is a child of it, whoever says so', async () => {
  const home = new Home();
  const provider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(new WitnessSpanExporter({ home: home.path }))],
  });
  const peer = new WebRtcWitness('p', { traceId: 'webrtc-1', parentTraceId: 'req-2', tracerProvider: provider });
  peer.close();
  provider
    .getTracer('app')
    .startSpan('request', {}, withBusinessIds({ traceId: 'req-2' }))
    .end();
  await provider.shutdown();
  const { entries } = home.trace('req-2');
  expect(entries.map(({ event }) => event)).toEqual(
    expect.arrayContaining([
      'request',
      'webrtc_connection_started',
      'webrtc_connection_closed',
      'webrtc.peer_connection',
    ]),
  );
});
