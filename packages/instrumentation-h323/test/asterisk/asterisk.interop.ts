/**
 * Asterisk with its H.323 channel (ooh323) at our small gatekeeper: it finds it, registers, calls itself through it, and is
 * refused an unknown number. As root, with the root that get-asterisk.sh makes; ports 1719 (its gatekeeper's, always) and 1741.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { expect, test, vi } from 'vitest';
import { peerFile } from '../../../../test/interop/peer-programs.js';
import { Stage } from '../../../../test/interop/stage.js';
import { peer } from '../../../../test/peers.js';
import { type DatagramInfo, decodeRas, RasObserver, SmallGatekeeper } from '../../dist/index.js';

vi.setConfig({ testTimeout: 120_000 });

const root = peerFile('asterisk');
const asteriskPeer = peer('Asterisk with ooh323', ['chroot', root, 'asterisk', '-V']);

test('Asterisk registers with the small gatekeeper and calls through it', async (context) => {
  asteriskPeer.need(context);
  const exporter = new InMemorySpanExporter();
  const observer = new RasObserver({
    tracerProvider: new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
  });
  const messages: string[] = [];
  const gatekeeper = new SmallGatekeeper({
    port: 1719,
    onDatagram: (datagram: Uint8Array, info: DatagramInfo) => {
      observer.observe(datagram, info);
      messages.push(decodeRas(datagram).name);
    },
  });
  const stage = new Stage();
  const folder = mkdtempSync(join(root, 'tmp/h323-'));
  try {
    await gatekeeper.start();
    const inside = folder.slice(root.length);
    const files = readFileSync(new URL('configuration.txt', import.meta.url), 'utf8')
      .split(/^== (.*)\n/m)
      .slice(1);
    for (let i = 0; i < files.length; i += 2) {
      writeFileSync(join(folder, files[i]!), files[i + 1]!.replaceAll('FOLDER', inside));
    }
    const asterisk = ['chroot', root, 'asterisk', '-C', `${inside}/asterisk.conf`];
    const running = stage.start([...asterisk, '-f', '-n', '-vvv']);
    await running.until(() => running.output.includes('Asterisk Ready') && gatekeeper.registrations === 1);

    const originate = (number: string): void => {
      const command = `channel originate OOH323/${number} extension s@caller`;
      expect(spawnSync(asterisk[0]!, [...asterisk.slice(1), '-rx', command], { encoding: 'utf8' }).status).toBe(0);
    };
    const ended = (): number => exporter.getFinishedSpans().filter(({ name }) => name === 'h323.call').length;
    originate('4001');
    await running.until(() => ended() === 1);
    originate('9999');
    await running.until(() => ended() === 2);
  } finally {
    await stage.close();
    await gatekeeper.close();
    observer.close();
    rmSync(folder, { recursive: true, force: true });
  }

  expect(messages.filter((name) => name.endsWith('Request'))).toEqual([
    'gatekeeperRequest',
    'registrationRequest',
    'admissionRequest',
    'admissionRequest',
    'disengageRequest',
    'disengageRequest',
    'admissionRequest',
  ]);
  const spans = exporter.getFinishedSpans();
  const [call, refused] = spans.filter(({ name }) => name === 'h323.call').map(({ attributes }) => attributes);
  expect(call).toMatchObject({
    'call.end_reason': 'completed',
    // The side that answers hangs up, after three seconds.
    'call.hangup_party': 'callee',
    'call.last_code': 'normalDrop',
  });
  expect(call!['call.duration_ms']).toBeGreaterThanOrEqual(2_000);
  expect(refused).toMatchObject({ 'call.end_reason': 'rejected', 'call.last_code': 'calledPartyNotRegistered' });
  const complete = spans.find(({ name }) => name === 'h323_call_complete')!;
  expect(complete.attributes).toMatchObject({ 'witness.units.call': '1' });
  expect(observer.counts).toMatchObject({ malformed: 0, unpaired: 0 });
});
