/**
 * `node forward-child.mjs HOME URL FIRST`: forwards HOME's ledger to URL and appends batches of 100 spans to it, numbered
 * from FIRST, until it is killed; prints the number of spans appended after each batch. With FIRST `none` it appends
 * nothing, and prints its counts until the queue is empty.
 */
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { draftSpan, Ledger } from '@infrafabric/ledger';
import { Forwarder } from '../dist/forward/forwarder.js';

const [, , home, url, first] = process.argv;
const forwarder = new Forwarder({
  home,
  targets: [
    {
      name: 'test',
      url: String(url),
      headers: {},
      contentType: 'application/x-protobuf',
      compression: 'none',
      timeoutMs: 5_000,
      maxBehind: 1_000_000,
      maxRequestBytes: 4 * 1024 * 1024,
    },
  ],
  onLog: () => undefined,
  backoff: { firstMs: 20, longestMs: 50 },
});

/** @param {number} n */
function draftOf(n) {
  return draftSpan({
    traceId: (1 + (n % 1000)).toString(16).padStart(32, '0'),
    spanId: (n + 1).toString(16).padStart(16, '0'),
    parentSpanId: '',
    traceState: '',
    flags: 1,
    name: String(n),
    kind: 1,
    startUnixNano: 1_753_000_000_000_000_000n,
    endUnixNano: 1_753_000_001_000_000_000n,
    attributes: [],
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    status: { code: 0, message: '' },
    resource: { attributes: [], droppedAttributesCount: 0, entityRefs: [], schemaUrl: '' },
    scope: { name: '', version: '', attributes: [], droppedAttributesCount: 0, schemaUrl: '' },
    lossy: [],
  });
}

if (first === 'none') {
  do {
    await sleep(50);
    writeSync(1, `${JSON.stringify(forwarder.counts()[0])}\n`);
  } while (forwarder.counts()[0]?.queueSize !== 0);
  await forwarder.close(5_000);
} else {
  const ledger = await Ledger.open({ home });
  for (let n = Number(first); ; n += 100) {
    await ledger.append(Array.from({ length: 100 }, (_, i) => draftOf(n + i)));
    writeSync(1, `${n + 100}\n`);
    forwarder.wake();
  }
}
