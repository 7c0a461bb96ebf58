// Durable append in batches of 512 against the same rows in the same tables with the same pragmas and duplicate check, but
// without salt, digest, hash, chain, tree, read-back, signature and head. Both in one run, in turns.
// node bench/append.mjs [ENTRIES=200000]
import { randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ledger, packSpans } from '@infrafabric/ledger';
import { unpackSpans } from '../packages/ledger/dist/pack-spans.js';
import { benchSpan } from './make-ledger.mjs';
import { PlainRows, packPlain, unpackPlain } from './plain-rows.mjs';

const BATCH = 512;
const entries = Number(process.argv[2] ?? 200_000);
const directory = mkdtempSync(join(tmpdir(), 'bench-append-'));

const ledger = await Ledger.open({ home: directory, longLived: true, backfill: true });
const rows = new PlainRows(join(directory, 'plain.db'), { backfill: true });
const contenders = {
  signed: (spans) => ledger.appendPrepared(unpackSpans(packSpans(spans, undefined, randomFillSync).packed)),
  plain: (spans) => rows.append(unpackPlain(packPlain(spans, undefined, 0))),
};
const ms = { signed: 0, plain: 0 };
const ratios = [];
const ids = Buffer.alloc(32 * BATCH);

async function timed(name, from) {
  randomFillSync(ids);
  const spans = Array.from({ length: BATCH }, (_, i) => benchSpan(from + i, ids.subarray(32 * i, 32 * i + 32)));
  const start = performance.now();
  await contenders[name](spans);
  const took = performance.now() - start;
  ms[name] += took;
  // The log thread's answers come by the event loop.
  await new Promise(setImmediate);
  return took;
}

for (let done = 0; done < entries; done += BATCH) {
  const signed = await timed('signed', done);
  const plain = await timed('plain', done);
  ratios.push(plain / signed);
}
await ledger.close();
await rows.close();
rmSync(directory, { recursive: true });
ratios.sort((x, y) => x - y);
const rate = (name) => Math.round((entries / ms[name]) * 1000).toLocaleString('en');
console.log(
  `${cpus()[0].model}, ${cpus().length} cores, Node ${process.version}; ${entries} entries in batches of ${BATCH}`,
);
console.log(`plain rows     ${rate('plain')} a second`);
console.log(`signed ledger  ${rate('signed')} a second`);
console.log(
  `signed / plain ${(ms.plain / ms.signed).toFixed(2)} x the rate (median batch ${ratios[ratios.length >> 1].toFixed(2)})`,
);
