// The load of ingest.mjs, in a process of its own: OTLP/HTTP protobuf over plain sockets, bodies encoded beforehand, fresh
// ids in each. Prints what it saw as JSON.
// Arguments: one JSON object { port, spans, requestSpans, connections, promptOctets, ratePerSecond, seconds }
import { randomFillSync } from 'node:crypto';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeTraceRequest } from '@infrafabric/otlp';
import { benchSpan } from './make-ledger.mjs';

const options = JSON.parse(process.argv[2]);
const { port, requestSpans, connections, promptOctets } = options;
const POOL = 8;

/** A request whose ids are replaced before each sending. */
function template(n) {
  const ids = randomFillSync(Buffer.alloc(32 * requestSpans));
  const spans = Array.from({ length: requestSpans }, (_, i) => {
    const span = benchSpan(n * requestSpans + i, ids.subarray(32 * i, 32 * i + 32));
    if (promptOctets > 0 && i % 2 === 1) {
      // Words, quotes and line ends, as prompts have them.
      const prompt = 'You are a careful assistant.\nAnswer in "JSON" only: {"answer": …}. '
        .repeat(200)
        .slice(0, promptOctets);
      span.attributes.push(['gen_ai.prompt', prompt]);
    }
    return span;
  });
  const body = encodeTraceRequest(spans);
  const head = Buffer.from(
    `POST /v1/traces HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/x-protobuf\r\nContent-Length: ${body.length}\r\n\r\n`,
  );
  const request = Buffer.concat([head, body]);
  let from = head.length;
  const places = spans.map((_, i) => {
    const at = request.indexOf(ids.subarray(32 * i, 32 * i + 16), from);
    from = at;
    return at;
  });
  return { request, places };
}

const templates = Array.from({ length: POOL }, (_, n) => template(n));
let made = 0;

function nextRequest() {
  const { request, places } = templates[made++ % POOL];
  const copy = Buffer.from(request);
  const random = randomFillSync(new Uint8Array(24 * places.length));
  for (let i = 0; i < places.length; i++) {
    copy.set(random.subarray(24 * i, 24 * i + 16), places[i]);
    copy.set(random.subarray(24 * i + 16, 24 * i + 24), places[i] + 18);
  }
  return copy;
}

/** One connection; a request at a time. */
async function openConnection() {
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  let settle;
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
    const end = text.indexOf('\r\n\r\n');
    if (end === -1) return;
    const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
    if (text.length < end + 4 + length) return;
    const status = Number(text.slice(9, 12));
    text = text.slice(end + 4 + length);
    settle(status);
  });
  socket.on('error', () => settle?.(0));
  return {
    send: (request) =>
      new Promise((resolve) => {
        settle = resolve;
        socket.write(request);
      }),
    close: () => socket.destroy(),
  };
}

const latencies = [];
const statuses = {};
let accepted = 0;
const started = performance.now();
const endAt = options.seconds === undefined ? Number.POSITIVE_INFINITY : started + options.seconds * 1000;
let left = options.spans ?? Number.POSITIVE_INFINITY;

async function drive() {
  const connection = await openConnection();
  const gapMs = options.ratePerSecond === undefined ? 0 : (1000 * connections) / options.ratePerSecond;
  let due = performance.now() + Math.random() * gapMs;
  while (left > 0 && performance.now() < endAt) {
    left -= requestSpans;
    const request = nextRequest();
    if (gapMs > 0) {
      await sleep(Math.max(0, due - performance.now()));
      due += gapMs;
    }
    const start = performance.now();
    const status = await connection.send(request);
    statuses[status] = (statuses[status] ?? 0) + 1;
    if (status === 200) {
      latencies.push(performance.now() - start);
      accepted += requestSpans;
    } else if (status === 0) break;
    // A sender that is told to come back later does so, a little earlier than it is asked to.
    else await sleep(100 + Math.random() * 100);
  }
  connection.close();
}

await Promise.all(Array.from({ length: connections }, drive));
const seconds = (performance.now() - started) / 1000;
latencies.sort((a, b) => a - b);
const quantile = (q) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * q))] ?? 0;
const { user, system } = process.cpuUsage();
console.log(
  JSON.stringify({
    spansPerSecond: accepted / seconds,
    accepted,
    seconds,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    maxMs: quantile(1),
    statuses,
    cpuMicros: user + system,
  }),
);
