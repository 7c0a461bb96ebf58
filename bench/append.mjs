// Durable append in batches of 512 against the same rows in the same tables with the same pragmas and duplicate check, but
// without salt, digest, hash, chain, tree, read-back and signature. Both in one run, in turns.
// node bench/append.mjs [ENTRIES=200000]
import { randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesOfHex, encodeEntry, encodeSpanBody, MerkleFrontier, ZERO_HASH_HEX } from '@infrafabric/format';
import { draftSpan, Ledger } from '@infrafabric/ledger';
import { createSchema, openForWriting } from '../packages/ledger/dist/database.js';
import { Duplicates } from '../packages/ledger/dist/duplicates.js';
import { insertBatch } from '../packages/ledger/dist/insert.js';
import { benchSpan } from './make-ledger.mjs';

const BATCH = 512;
const entries = Number(process.argv[2] ?? 200_000);
const directory = mkdtempSync(join(tmpdir(), 'bench-append-'));

class PlainTable {
  #db = openForWriting(join(directory, 'plain.db'), 100);
  #duplicates = new Duplicates(true);
  #size = 0;
  #salt = new Uint8Array(32);
  #contexts = new Map();

  constructor() {
    this.#db.exec('BEGIN');
    createSchema(this.#db);
    this.#db.exec('COMMIT');
  }

  async append(drafts) {
    const prepared = drafts.map((draft) => this.#prepare(draft));
    this.#db.exec('BEGIN IMMEDIATE');
    const fresh = prepared.filter((item) => this.#duplicates.find(this.#db, this.#size, item) === undefined);
    const at = String(BigInt(Date.now()) * 1_000_000n);
    const sealed = fresh.map((item, i) => {
      const envelope = { at, payload: ZERO_HASH_HEX, prev: ZERO_HASH_HEX, seq: this.#size + i, type: 'span' };
      return { seq: this.#size + i, text: encodeEntry(envelope, item.bodyJson), hashHex: '', prepared: item };
    });
    insertBatch(this.#db, { entries: sealed, nodes: [], frontier: new MerkleFrontier(), prevHex: '', at: 0n });
    this.#db.exec('COMMIT');
    for (const { seq, prepared: item } of sealed) this.#duplicates.add(seq, item.ids);
    this.#size += sealed.length;
    this.#duplicates.addedUpTo(this.#size);
  }

  #prepare(draft) {
    const ids = { traceId: bytesOfHex(draft.body.trace), spanId: bytesOfHex(draft.body.span) };
    const contexts = [
      this.#context('resource', draft.resourceContext, '11'),
      this.#context('scope', draft.scopeContext, '22'),
    ];
    const payload = Buffer.concat([Buffer.alloc(64), draft.span]);
    return { draft, bodyJson: encodeSpanBody(draft.body), ids, contexts, salt: this.#salt, payload, digestHex: '' };
  }

  #context(kind, bytes, hex) {
    if (!this.#contexts.has(kind)) this.#contexts.set(kind, { kind, bytes, digestHex: hex.repeat(32) });
    return this.#contexts.get(kind);
  }

  async close() {
    this.#db.close();
  }
}

const signed = await Ledger.open({ home: directory, longLived: true });
const plain = new PlainTable();
const ms = { signed: 0, plain: 0 };
const ratios = [];
const ids = Buffer.alloc(32 * BATCH);
const drafts = (from) => {
  randomFillSync(ids);
  return Array.from({ length: BATCH }, (_, i) => draftSpan(benchSpan(from + i, ids.subarray(32 * i, 32 * i + 32))));
};
const timed = async (name, target, from) => {
  const batch = drafts(from);
  const start = performance.now();
  await target.append(batch);
  const took = performance.now() - start;
  ms[name] += took;
  return took;
};
for (let done = 0; done < entries; done += BATCH) {
  const a = await timed('signed', signed, done);
  const b = await timed('plain', plain, done);
  ratios.push(b / a);
}
await signed.close();
await plain.close();
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
