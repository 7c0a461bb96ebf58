/**
 * What watching costs a peer connection: set-ups of two werift peers on loopback (offer, answer, ICE, DTLS, a data channel open,
 * a message, close), in turns in one process: bare, wrapped without an SDK (nothing takes the spans), and watched with one.
 *
 *   node bench/webrtc.mjs [SET-UPS=1000] [HOLD=0]
 *
 * HOLD keeps each connection for so many milliseconds: from 100 on, watching also asks werift for statistics, twice. Cost is
 * CPU time of the process, user and system. Watched peers have a real SDK whose batch processor's exporter only counts. Bar:
 * the wrapper at most 1.1 × bare; what an SDK adds for 22 spans is shown beside it. Build first.
 */

import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { instrumentPeerConnection } from '@infrafabric/instrumentation-webrtc';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';

// werift is a dependency of the package's tests, not of this folder.
const require = createRequire(new URL('../packages/instrumentation-webrtc/package.json', import.meta.url));
const { RTCPeerConnection } = require('werift');

const SET_UPS = Number(process.argv[2] ?? 1_000);
const HOLD_MS = Number(process.argv[3] ?? 0);
const ROUND = Math.max(1, Math.min(25, Math.floor(SET_UPS / 4)));
/** A set-up takes some tens of milliseconds. */
const SETUP_LIMIT_MS = 10_000;
let stuck = 0;
const WARM_UP = Math.min(50, SET_UPS);
const CONFIGURATION = { iceServers: [], iceUseIpv6: false, iceAdditionalHostAddresses: ['127.0.0.1'] };

let spans = 0;
const exporter = {
  export(batch, done) {
    spans += batch.length;
    done({ code: 0 });
  },
  shutdown: async () => {},
};
const tracerProvider = new BasicTracerProvider({
  spanProcessors: [new BatchSpanProcessor(exporter, { maxQueueSize: 65_536, scheduledDelayMillis: 200 })],
});

const contenders = {
  bare: () => undefined,
  wrapped: (pc) => instrumentPeerConnection(pc).ended,
  watched: (pc) => instrumentPeerConnection(pc, { tracerProvider }).ended,
};

async function setUp(watch) {
  const [a, b] = [new RTCPeerConnection(CONFIGURATION), new RTCPeerConnection(CONFIGURATION)];
  const ended = [watch(a), watch(b)];
  a.addEventListener('icecandidate', ({ candidate }) => candidate && b.addIceCandidate(candidate).catch(() => {}));
  b.addEventListener('icecandidate', ({ candidate }) => candidate && a.addIceCandidate(candidate).catch(() => {}));
  const channel = a.createDataChannel('bench');
  const message = new Promise((resolve) => {
    b.addEventListener('datachannel', ({ channel: other }) => other.addEventListener('message', resolve));
  });
  channel.addEventListener('open', () => channel.send('hello'));
  await a.setLocalDescription(await a.createOffer());
  await b.setRemoteDescription(a.localDescription);
  await b.setLocalDescription(await b.createAnswer());
  await a.setRemoteDescription(b.localDescription);
  // Now and then a pair of werift peers does not connect, whoever watches: it is said, and another is made.
  const isThere = await Promise.race([message.then(() => true), sleep(SETUP_LIMIT_MS, false, { ref: false })]);
  if (!isThere) stuck++;
  if (HOLD_MS > 0) await sleep(HOLD_MS);
  await Promise.all([a.close(), b.close(), ...ended]);
}

/** CPU milliseconds of some set-ups. */
async function cpuMs(name, count) {
  const before = process.cpuUsage();
  for (let i = 0; i < count; i++) await setUp(contenders[name]);
  if (name === 'watched') await tracerProvider.forceFlush();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

const names = Object.keys(contenders);
for (const name of names) await cpuMs(name, WARM_UP);
spans = 0;
const total = { bare: 0, wrapped: 0, watched: 0 };
const ratios = { wrapped: [], watched: [] };
let done = 0;
for (let round = 0; done < SET_UPS; round++) {
  const count = Math.min(ROUND, SET_UPS - done);
  const taken = {};
  // Who comes first changes: heap and clock favour nobody.
  for (const name of names.map((_, i) => names[(i + round) % names.length])) {
    taken[name] = await cpuMs(name, count);
    total[name] += taken[name];
  }
  for (const name of Object.keys(ratios)) ratios[name].push(taken[name] / taken.bare);
  done += count;
}
console.log(
  `${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}, ${done} set-ups of each, in turns of ${ROUND}`,
);
for (const name of names) console.log(`${name.padEnd(8)} ${(total[name] / done).toFixed(2)} ms CPU a set-up`);
if (stuck > 0) console.log(`stuck    ${stuck} set-ups did not connect within ${SETUP_LIMIT_MS / 1_000} s`);
console.log(`spans    ${(spans / done).toFixed(1)} a set-up`);
for (const [name, all] of Object.entries(ratios)) {
  all.sort((x, y) => x - y);
  const at = (share) => all[Math.floor((all.length - 1) * share)].toFixed(3);
  const ofSums = (total[name] / total.bare).toFixed(3);
  console.log(`${name.padEnd(8)} ${ofSums} × bare, of the sums; of the turns ${at(0.1)} … ${at(0.5)} … ${at(0.9)}`);
}
process.exit(total.wrapped / total.bare <= 1.1 ? 0 : 1);
