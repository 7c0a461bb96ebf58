// The SIP observer against the parser of the npm package `sip` alone, on the same messages, in turns.
// node bench/sip.mjs [CALLS=1000] [ROUNDS=30]
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { parseSipMessage, SipObserver } from '../packages/instrumentation-sip/dist/index.js';

const sip = createRequire(new URL('../packages/instrumentation-sip/package.json', import.meta.url))('sip');
const calls = Number(process.argv[2] ?? 1_000);
const rounds = Number(process.argv[3] ?? 30);

/** A call of JsSIP through Kamailio to SIPp, both hops of each message, as Kamailio sent them by HEP. */
const recorded = readFileSync(
  new URL('../packages/instrumentation-sip/test/data/proxied-call.jsonl', import.meta.url),
  'utf8',
)
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));

/** The same call again and again, each time with ids of its own. */
const messages = Array.from({ length: calls }, (_, call) =>
  recorded.map(({ sip: text, source, destination }) => ({
    octets: Buffer.from(
      text
        .replace(/^(Call-ID: .*)$/m, `$1-${call}`)
        .replace(/branch=z9hG4bK/g, `branch=z9hG4bK${call}.`)
        .replace(/tag=(?!.*ftag)/g, `tag=${call}-`),
    ),
    hop: { direction: 'passing', transport: 'udp', local: source, peer: destination },
  })),
).flat();
let ended = 0;
const counter = { onStart() {}, onEnd: () => void ended++, forceFlush: async () => {}, shutdown: async () => {} };

function observeAll(tracerProvider) {
  const observer = new SipObserver(tracerProvider === undefined ? {} : { tracerProvider });
  for (const { octets, hop } of messages) observer.observe(octets, hop);
  observer.close();
}

/** Spans that say they are recorded and keep nothing: what the observer itself costs. */
const span = { isRecording: () => true, setAttribute() {}, setAttributes() {}, setStatus() {}, addLink() {}, end() {} };
span.spanContext = () => ({ traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 });
const keepsNothing = { getTracer: () => ({ startSpan: () => span }) };

const subjects = {
  'sip package, parse': () => messages.forEach(({ octets }) => void sip.parse(octets)),
  'our parser': () => messages.forEach(({ octets }) => void parseSipMessage(octets)),
  'observer, not sampled': () => observeAll(),
  observer: () => observeAll(keepsNothing),
  'observer and SDK': () => observeAll(new BasicTracerProvider({ spanProcessors: [counter] })),
};

const times = Object.fromEntries(Object.keys(subjects).map((name) => [name, []]));
for (let round = -2; round < rounds; round++) {
  for (const [name, run] of Object.entries(subjects)) {
    const start = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(start);
    const us = (user + system) / messages.length;
    // Two rounds to warm up.
    if (round >= 0) times[name].push(us);
  }
}
if (ended !== (rounds + 2) * calls * (recorded.length + 2)) throw new Error(`${ended} spans ended`);

// Whatever else the machine does only adds.
const best = (values) => Math.min(...values);
const base = best(times['sip package, parse']);
console.log(
  `${cpus()[0].model}, ${cpus().length} cores, Node ${process.version}; ${messages.length} messages, best of ${rounds}`,
);
for (const name of Object.keys(subjects)) {
  const us = best(times[name]);
  console.log(`${name.padEnd(22)} ${us.toFixed(2).padStart(6)} µs CPU a message   ${(us / base).toFixed(2)} x`);
}
