/**
 * What witnessing a span costs the application's own event loop, beside what the OTLP exporter costs it.
 *
 *   node bench/exporter-loop.mjs [--rounds 3] [--seconds 3] [--rate 5000]
 *
 * Every contender gets the same spans at the same pace in a process of its own, the rounds interleaved; the OTLP exporter
 * sends to an HTTP server in another process that answers at once. Cost is CPU time of the main thread (Linux: schedstat;
 * elsewhere the loop's active time), so neither the ledger's thread nor the HTTP server counts. Build first.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { WitnessSpanProcessor } from '@infrafabric/exporter';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';

const CONTENDERS = ['none', 'batch', 'otlp', 'witness'];
const WARM_UP_SECONDS = 1;
const TICK_MS = 10;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    rate: { type: 'string', default: '5000' },
    role: { type: 'string' },
    url: { type: 'string' },
  },
});

/** Runs all contenders and prints the table. */
async function compare() {
  const server = fork(fileURLToPath(import.meta.url), ['--role', 'server']);
  const [{ url }] = await once(server, 'message');
  const results = Object.fromEntries(CONTENDERS.map((name) => [name, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const name of CONTENDERS) {
      const child = fork(fileURLToPath(import.meta.url), [...process.argv.slice(2), '--role', name, '--url', url]);
      const [result] = await Promise.race([once(child, 'message'), once(child, 'exit')]);
      if (typeof result !== 'object' || result === null) throw new Error(`${name} ended without a result`);
      results[name].push(result);
    }
  }
  server.disconnect();
  const median = (name, field) =>
    results[name].map((result) => result[field]).sort((a, b) => a - b)[results[name].length >> 1];
  const none = median('none', 'microsPerSpan');
  console.log(`${values.rate} spans/s, medians of ${values.rounds} rounds of ${values.seconds} s\n`);
  console.log('contender  µs of main thread a span   over no processor   p99 loop delay ms   spans kept');
  for (const name of CONTENDERS) {
    const micros = median(name, 'microsPerSpan');
    const kept = results[name].every(({ lost }) => lost === 0) ? 'all' : `LOST ${median(name, 'lost')}`;
    console.log(
      [
        name.padEnd(9),
        micros.toFixed(2).padStart(27),
        (micros - none).toFixed(2).padStart(19),
        median(name, 'p99DelayMs').toFixed(2).padStart(19),
        kept.padStart(12),
      ].join(' '),
    );
  }
  const cost = (name) => median(name, 'microsPerSpan') - none;
  console.log(`\nwitness / otlp, from the span's end on: ${(cost('witness') / cost('otlp')).toFixed(2)}`);
  console.log(
    `witness / otlp exporter without its batch processor: ${(cost('witness') / (cost('otlp') - cost('batch'))).toFixed(2)}`,
  );
}

/** The no-op backend. */
function serve() {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end());
  });
  server.listen(0, '127.0.0.1', () => process.send({ url: `http://127.0.0.1:${server.address().port}/v1/traces` }));
  process.on('disconnect', () => process.exit());
}

/** One contender, in this process. */
async function measure(name) {
  const home = mkdtempSync(join(tmpdir(), 'exporter-loop-'));
  let lost = () => 0;
  const processor = {
    none: () => new BatchNothing(),
    batch: () => batching({ export: (_spans, done) => done({ code: 0 }), shutdown: async () => undefined }),
    otlp: () => batching(new OTLPTraceExporter({ url: values.url })),
    witness: () => {
      const witness = new WitnessSpanProcessor({ home });
      lost = () => witness.counts.lost + witness.counts.rejected + witness.counts.spooled;
      return witness;
    },
  }[name]();
  const provider = new BasicTracerProvider({ resource: resourceFromAttributes(RESOURCE), spanProcessors: [processor] });
  const tracer = provider.getTracer('bench', '1.0.0');
  await load(tracer, WARM_UP_SECONDS);
  await provider.forceFlush();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const before = mainThreadMicros();
  const spans = await load(tracer, Number(values.seconds));
  await provider.forceFlush();
  const micros = mainThreadMicros() - before;
  delay.disable();
  const result = { microsPerSpan: micros / spans, p99DelayMs: delay.percentile(99) / 1e6 - 1, lost: lost() };
  await provider.shutdown();
  rmSync(home, { recursive: true });
  return result;
}

/** Takes the spans and does nothing. */
class BatchNothing {
  onStart() {}
  onEnd() {}
  async forceFlush() {}
  async shutdown() {}
}

function batching(exporter) {
  // The default queue drops spans beyond 2,048, which would make it look cheaper than it is.
  return new BatchSpanProcessor(exporter, { maxQueueSize: 1_000_000, scheduledDelayMillis: 500 });
}

async function load(tracer, seconds) {
  const perTick = (Number(values.rate) * TICK_MS) / 1000;
  const ticks = (seconds * 1000) / TICK_MS;
  const start = performance.now();
  for (let tick = 0; tick < ticks; tick++) {
    for (let i = 0; i < perTick; i++) makeSpan(tracer, tick * perTick + i);
    const wait = start + (tick + 1) * TICK_MS - performance.now();
    if (wait > 0) await sleep(wait);
  }
  return ticks * perTick;
}

function makeSpan(tracer, i) {
  const span = tracer.startSpan('GET /orders/:id', {
    kind: SpanKind.SERVER,
    attributes: {
      'http.request.method': 'GET',
      'url.path': `/orders/${i}`,
      'url.scheme': 'https',
      'http.route': '/orders/:id',
      'http.response.status_code': 200,
      'server.address': 'shop.example.org',
      'server.port': 443,
      'user_agent.original': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
      'client.address': '203.0.113.7',
      'app.cart.value': 12.5,
    },
  });
  span.addEvent('cache.miss', { 'cache.key': `order:${i}`, 'cache.tier': 2 });
  span.setStatus({ code: SpanStatusCode.OK });
  span.end();
}

const RESOURCE = {
  'service.name': 'shop',
  'service.version': '4.2.0',
  'service.instance.id': '627cc493-f310-47de-96bd-71410b7dec09',
  'deployment.environment.name': 'production',
  'host.name': 'node-17',
  'process.pid': 4711,
  'process.runtime.name': 'nodejs',
  'process.runtime.version': '20.20.2',
  'telemetry.sdk.language': 'nodejs',
  'telemetry.sdk.name': 'opentelemetry',
};

function mainThreadMicros() {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1000;
  } catch {
    return performance.eventLoopUtilization().active * 1000;
  }
}

if (values.role === undefined) await compare();
else if (values.role === 'server') serve();
else process.send(await measure(values.role), () => process.disconnect());
