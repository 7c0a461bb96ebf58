/**
 * `node write.mjs HOME FIRST BATCHES SIZE`: appends BATCHES batches of SIZE spans, numbered from FIRST, and prints
 * `FIRST LAST` of each batch on a line of its own as soon as it is acknowledged, or `failed CODE`. The n-th span has the
 * span id n. With LONG_LIVED=1 it keeps filters in memory; with GATE=1 it says `loaded` and waits for a line on stdin before it
 * touches anything, and takes a lock that stays for an error.
 */
import { readSync, writeSync } from 'node:fs';
import { draftSpan, Ledger, LedgerError } from '@infrafabric/ledger';
import { Sqlite } from '../../sqlite.mjs';

const gated = process.env.GATE === '1';
const [home, first, batches, size] = [process.argv[2], ...process.argv.slice(3).map(Number)];
const resource = { attributes: [['service.name', 'child']], droppedAttributesCount: 0, entityRefs: [], schemaUrl: '' };
const scope = { name: 'child', version: '', attributes: [], droppedAttributesCount: 0, schemaUrl: '' };

/** @param {number} n */
function draftOf(n) {
  return draftSpan({
    traceId: (1 + (n % 1000)).toString(16).padStart(32, '0'),
    spanId: n.toString(16).padStart(16, '0'),
    parentSpanId: '',
    traceState: '',
    flags: 1,
    name: `event ${n}`,
    kind: 1,
    startUnixNano: 1_753_000_000_000_000_000n + BigInt(n),
    endUnixNano: 1_753_000_001_000_000_000n + BigInt(n),
    attributes: [['witness.trace.id', `flow-${n % 100}`]],
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    status: { code: 0, message: '' },
    resource,
    scope,
    lossy: [],
  });
}

const say = (/** @type {string} */ line) => writeSync(1, `${line}\n`);

/** @param {() => Promise<unknown>} attempt what a busy peer may keep from succeeding */
async function persist(attempt) {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof LedgerError && error.code === 'locked' && !gated) continue;
      throw error;
    }
  }
}

if (gated) {
  // The first database loads the native module.
  new Sqlite(':memory:').close();
  say('loaded');
  readSync(0, Buffer.alloc(1));
}
try {
  const ledger = await persist(() =>
    Ledger.open({ home, longLived: process.env.LONG_LIVED === '1', timeoutMs: gated ? 500 : 5_000 }),
  );
  say('open');
  for (let from = first; from < first + batches * size; from += size) {
    const drafts = Array.from({ length: size }, (_, i) => draftOf(from + i));
    await persist(() => ledger.append(drafts));
    say(`${from} ${from + size - 1}`);
  }
  await ledger.close();
} catch (error) {
  say(`failed ${error instanceof LedgerError ? error.code : error}`);
  process.exitCode = 1;
}
