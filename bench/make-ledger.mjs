// Makes a ledger of N spans for the other benches: entries of about 600 octets, payloads of about 1 kB, batches of 500.
// node bench/make-ledger.mjs HOME N
import { randomFillSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { draftSpan, Ledger } from '@infrafabric/ledger';

const BATCH = 500;
const resource = {
  attributes: [
    ['service.name', 'checkout'],
    ['service.version', '1.4.2'],
    ['host.name', 'node-17.example'],
  ],
  droppedAttributesCount: 0,
  entityRefs: [],
  schemaUrl: '',
};
const scope = {
  name: '@opentelemetry/instrumentation-http',
  version: '0.223.0',
  attributes: [],
  droppedAttributesCount: 0,
  schemaUrl: '',
};

/** A span as an instrumented HTTP service emits it; every eighth carries model usage. */
export function benchSpan(i, ids) {
  const start = 1_763_856_000_000_000_000n + BigInt(i) * 1_000_000n;
  const model =
    i % 8 === 0
      ? [
          ['gen_ai.response.model', 'claude-haiku-4.5'],
          ['gen_ai.provider.name', 'anthropic'],
          ['gen_ai.usage.input_tokens', 100n],
          ['gen_ai.usage.output_tokens', 50n],
        ]
      : [];
  return {
    traceId: ids.subarray(0, 16).toString('hex'),
    spanId: ids.subarray(16, 24).toString('hex'),
    parentSpanId: i % 4 === 0 ? '' : ids.subarray(24, 32).toString('hex'),
    traceState: '',
    flags: 0x101,
    name: 'POST /v1/orders/:id/confirm',
    kind: 2,
    startUnixNano: start,
    endUnixNano: start + 42_317_000n,
    attributes: [
      ['witness.trace.id', `session-flow-${i >> 4}`],
      ['witness.component', 'IF.witness.checkout'],
      ['http.request.method', 'POST'],
      ['url.path', `/v1/orders/${i}/confirm`],
      ['url.scheme', 'https'],
      ['http.response.status_code', 200n],
      ['server.address', 'shop.example'],
      ['server.port', 443n],
      [
        'user_agent.original',
        'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36',
      ],
      ['network.protocol.version', '1.1'],
      ['order.note', 'x'.repeat(480)],
      ...model,
    ],
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    status: { code: 0, message: '' },
    resource,
    scope,
    lossy: [],
  };
}

/** Makes the ledger at `home` unless it is there already, of `spanOf(i, ids)` for each i. */
export async function makeLedger(home, entries, spanOf = benchSpan) {
  if (existsSync(join(home, 'witness.db'))) return;
  const ledger = await Ledger.open({ home, longLived: true });
  const ids = Buffer.alloc(32 * BATCH);
  for (let done = 0; done < entries - 1; ) {
    const count = Math.min(BATCH, entries - 1 - done);
    randomFillSync(ids);
    await ledger.append(
      Array.from({ length: count }, (_, i) => draftSpan(spanOf(done + i, ids.subarray(32 * i, 32 * i + 32)))),
    );
    done += count;
  }
  await ledger.close();
}

if (import.meta.filename === process.argv[1]) {
  const [home, entries] = process.argv.slice(2);
  await makeLedger(home, Number(entries));
}
