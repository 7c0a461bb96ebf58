/**
 * The RAS codec, per datagram: `node bench/ras.mjs` after a build. The recorded datagrams of real gatekeepers and endpoints
 * are decoded, and encoded again; beside them the same messages as JSON text are parsed, and written, by the engine itself.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { decodeRas, encodeRas, RasObserver } from '../packages/instrumentation-h323/dist/index.js';

const BAR_US = 15;
const ROUNDS = 15;
const ROUND_MS = 60;
const DATA = new URL('../packages/instrumentation-h323/test/recordings/', import.meta.url);

const recorded = readdirSync(DATA)
  .filter((file) => file.startsWith('ras-'))
  .flatMap((file) => readFileSync(new URL(file, DATA), 'utf8').trimEnd().split('\n'))
  .map((line) => JSON.parse(line));
const datagrams = recorded.map(({ hex }) => new Uint8Array(Buffer.from(hex, 'hex')));
const messages = datagrams.map(decodeRas);
const texts = messages.map((message) =>
  JSON.stringify(message, (_, value) => (value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value)),
);
const plain = texts.map((text) => JSON.parse(text));

let observer = new RasObserver({ sweepIntervalMs: 0 });
let second = 0;
const cases = {
  decode: () => {
    for (const datagram of datagrams) decodeRas(datagram);
  },
  'JSON.parse of the same': () => {
    for (const text of texts) JSON.parse(text);
  },
  encode: () => {
    for (const message of messages) encodeRas(message);
  },
  'JSON.stringify of the same': () => {
    for (const message of plain) JSON.stringify(message);
  },
  'observe, without an SDK': () => {
    // Another hour each time, so that nothing is a retransmission of what was there before.
    second += 3_600;
    for (const [i, { from, to, t }] of recorded.entries()) {
      observer.observe(datagrams[i], { direction: 'sent', local: from, peer: to, time: (second + t) * 1000 });
    }
  },
};

// Side by side, so that a busy machine is busy for all of them.
const best = Object.fromEntries(Object.keys(cases).map((name) => [name, Number.POSITIVE_INFINITY]));
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, run] of Object.entries(cases)) {
    observer = new RasObserver({ sweepIntervalMs: 0 });
    const begin = performance.now();
    let count = 0;
    while (performance.now() - begin < ROUND_MS) {
      run();
      count += datagrams.length;
    }
    best[name] = Math.min(best[name], ((performance.now() - begin) * 1000) / count);
  }
}

console.log(`${datagrams.length} datagrams, best of ${ROUNDS} rounds, µs per datagram`);
for (const [name, us] of Object.entries(best)) console.log(`  ${name.padEnd(28)} ${us.toFixed(2).padStart(6)}`);
console.log(`decode / JSON.parse ${(best.decode / best['JSON.parse of the same']).toFixed(2)}`);
console.log(`encode / JSON.stringify ${(best.encode / best['JSON.stringify of the same']).toFixed(2)}`);
const slowest = Math.max(best.decode, best.encode);
console.log(`${slowest <= BAR_US ? 'within' : 'ABOVE'} ${BAR_US} µs per datagram`);
process.exitCode = slowest <= BAR_US ? 0 : 1;
