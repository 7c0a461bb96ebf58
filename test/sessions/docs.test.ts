/** docs/sessions.md held against the packages: its tables of events, and its snippets. */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { H323Witness, limitBandwidth } from '@infrafabric/instrumentation-h323';
import { NdiWitnessPublisher } from '@infrafabric/instrumentation-ndi';
import { SipWitness } from '@infrafabric/instrumentation-sip';
import { WebRtcWitness } from '@infrafabric/instrumentation-webrtc';
import type { TracerProvider } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/sessions.md'), 'utf8');

/** A row of a table of events. */
interface Row {
  readonly event: string;
  readonly members: readonly string[];
  readonly tokens: string;
  readonly cost: string;
}

function rowsOf(heading: string): Row[] {
  const section = page.slice(page.indexOf(`\n### ${heading}\n`) + 1);
  const table = section.slice(0, section.indexOf('\n#', 1));
  return [...table.matchAll(/^\| `(\w+)` \| [^|]+ \| ([^|]+) \|([^|]*)\|([^|]*)\|$/gm)].map(
    ([, event, members, tokens, cost]) => ({
      event: event!,
      members: [...members!.matchAll(/`(\w+)`/g)].map(([, name]) => name!),
      tokens: tokens!.trim(),
      cost: cost!.trim(),
    }),
  );
}

/** What events a class records when all its methods are called, sessions' own spans left out. */
async function recorded(run: (tracerProvider: TracerProvider) => void | Promise<void>): Promise<ReadableSpan[]> {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  await run(provider);
  await provider.forceFlush();
  return exporter.getFinishedSpans().filter(({ attributes }) => attributes['witness.payload'] !== undefined);
}

const CLASSES: Readonly<Record<string, (tracerProvider: TracerProvider) => void | Promise<void>>> = {
  NDI: (tracerProvider) => {
    const publisher = new NdiWitnessPublisher({ tracerProvider });
    publisher.publishBatch([Buffer.alloc(3_999)], 1);
    publisher.close();
  },
  WebRTC: (tracerProvider) => {
    const peer = new WebRtcWitness('p', { tracerProvider });
    peer.logSdpOffer('v=0\r\n', { audio: true });
    peer.logSdpAnswer('v=0\r\n');
    peer.logIceCandidate({ type: 'host' });
    peer.logIceCandidatesSummary([{ type: 'host' }]);
    peer.logConnectionStateChange('checking', 'connected');
    peer.logMediaStreamReady(true, true);
    peer.logConnectionError('ice_failed', 'no path');
    peer.close();
  },
  'H.323': (tracerProvider) => {
    const options = { endpointId: 'ep', gatekeeper: 'gk:1719', tracerProvider };
    const endpoint = new H323Witness({ ...options, admissionPolicy: limitBandwidth(2_000_000) });
    endpoint.requestAdmission('a', 2_000_000, 60);
    endpoint.requestAdmission('b', 2_000_000, 60);
    endpoint.closeCall('a', 45, 2_000_000);
  },
  SIP: async (tracerProvider) => {
    const call = new SipWitness({ localUri: 'sip:a@example.com', remoteUri: 'sip:b@example.com', tracerProvider });
    call.sendInvite('v=0\r\n');
    call.receive100Trying();
    call.receive180Ringing();
    call.receive200Ok('v=0\r\n');
    call.sendAck();
    call.dialogEstablished();
    call.sendBye(300);
    await call.verifyCallIntegrity();
  },
};
/** Members that are told of beside the tables. */
const EVERYWHERE = new Set(['timestamp', 'event_hash', 'chain_hash']);

describe('docs/sessions.md', () => {
  test.each(Object.keys(CLASSES))('has the events of %s with what they carry', async (heading) => {
    const spans = await recorded(CLASSES[heading]!);
    const rows = rowsOf(heading);
    expect(new Set(rows.map(({ event }) => event))).toEqual(new Set(spans.map(({ name }) => name)));
    for (const { name, attributes } of spans) {
      const row = rows.find(({ event }) => event === name)!;
      const payload = JSON.parse(String(attributes['witness.payload'])) as object;
      const members = Object.keys(payload).filter((member) => !EVERYWHERE.has(member));
      // What is not known, is not there.
      if (name !== 'sip_hash_verified') expect(members.toSorted()).toEqual(row.members.toSorted());
      else expect(row.members).toEqual(expect.arrayContaining(members));
      expect([name, usageOf(attributes)]).toEqual([name, expectedUsage(row)]);
    }
  });

  test('marks whatever it costs by hand as estimated', async () => {
    for (const run of Object.values(CLASSES))
      for (const { attributes } of await recorded(run))
        expect(attributes['witness.cost.estimated']).toBe(
          attributes['witness.cost.usd'] === undefined ? undefined : true,
        );
  });

  const snippets = [...page.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(([, text]) => text!);
  test.each(snippets.map((text, i) => [i + 1, text] as const))('snippet %d runs', (i, text) => {
    // In the repository, so that its imports resolve as they would for a reader.
    const file = join(root, `sessions-snippet-${i}-${process.pid}.mjs`);
    writeFileSync(file, text);
    try {
      const { status, stderr } = spawnSync(process.execPath, [file], { cwd: root, encoding: 'utf8' });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    } finally {
      rmSync(file);
    }
  });
});

function usageOf(attributes: ReadableSpan['attributes']): readonly unknown[] {
  const { 'gen_ai.usage.input_tokens': tokensIn, 'gen_ai.usage.output_tokens': tokensOut } = attributes;
  return [tokensIn, tokensOut, attributes['witness.cost.usd'], attributes['gen_ai.request.model']];
}

function expectedUsage({ event, tokens, cost }: Row): readonly unknown[] {
  if (tokens === '') return [undefined, undefined, undefined, undefined];
  const model = 'claude-haiku-4.5';
  // 3,999 octets: 50 + 3 in, 20 out, $0.00001 each.
  if (event === 'ndi_frame_published') return [53, 20, '0.00073', model];
  const [tokensIn, tokensOut] = tokens.split(', ').map(Number);
  return [tokensIn, tokensOut, cost.slice(1), model];
}
