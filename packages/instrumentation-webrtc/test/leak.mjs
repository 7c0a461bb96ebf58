// Run by leak.test.ts: `node --expose-gc leak.mjs SET-UPS`. Prints how many of the watches are still in memory after as many
// set-ups as given, two for each.
import { setTimeout as delay } from 'node:timers/promises';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { RTCPeerConnection } from 'werift';
import { instrumentPeerConnection } from '../dist/index.js';

const CONFIGURATION = { iceServers: [], iceUseIpv6: false, iceAdditionalHostAddresses: ['127.0.0.1'] };
const tracerProvider = new BasicTracerProvider();
const references = [];

async function setUp() {
  const [a, b] = [new RTCPeerConnection(CONFIGURATION), new RTCPeerConnection(CONFIGURATION)];
  const watches = [a, b].map((pc) => instrumentPeerConnection(pc, { tracerProvider }));
  references.push(...watches.map((watch) => new WeakRef(watch)));
  const channel = a.createDataChannel('leak');
  const open = new Promise((resolve) => channel.addEventListener('open', resolve));
  await a.setLocalDescription(await a.createOffer());
  await b.setRemoteDescription(a.localDescription);
  await b.setLocalDescription(await b.createAnswer());
  await a.setRemoteDescription(b.localDescription);
  await open;
  await Promise.all([a.close(), b.close(), ...watches.map(({ ended }) => ended)]);
  for (const pc of [a, b]) {
    for (const type of ['signalingstatechange', 'iceconnectionstatechange', 'icecandidate', 'track', 'datachannel']) {
      if (pc.listenerCount(type) > 0) throw new Error(`a listener of ${type} is left`);
    }
  }
}

for (let i = 0; i < Number(process.argv[2]); i++) await setUp();
for (let i = 0; i < 5; i++) {
  await delay(200);
  globalThis.gc();
}
console.log(references.filter((reference) => reference.deref() !== undefined).length);
process.exit(0);
