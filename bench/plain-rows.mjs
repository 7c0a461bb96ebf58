// The baseline of the ingest and append benches: the same rows in the same tables with the same pragmas, threads, columns,
// indexes, triggers, duplicate check and payloads, but without salt, digest, hash, chain, tree, read-back, checkpoint, head.
import { encodeSpanBody } from '@infrafabric/format';
import { encodeResourceContext, encodeScopeContext, ProtoWriter, writeSpan } from '@infrafabric/otlp/encode';
import { createSchema, isEmpty, openForWriting } from '../packages/ledger/dist/database.js';
import { Duplicates } from '../packages/ledger/dist/duplicates.js';
import { insertBatch } from '../packages/ledger/dist/insert.js';
import { planBatch } from '../packages/ledger/dist/plan-batch.js';
import { spanBodyOf } from '../packages/ledger/dist/span-body-of.js';
import { WalBackfill } from '../packages/ledger/dist/wal-backfill.js';

const ZERO = '0'.repeat(64);
const PLACES = 7;
const SALT = new Uint8Array(32);

/** What packSpans does, without salt and digest. */
export function packPlain(spans, pricing, guessOctets) {
  const writer = new ProtoWriter(guessOctets + spans.length * 1024);
  const places = new Uint32Array(spans.length * PLACES);
  const texts = [];
  const numbers = new Map([[undefined, 0]]);
  const numberOf = (text) => {
    if (!numbers.has(text)) numbers.set(text, texts.push(text));
    return numbers.get(text);
  };
  const contexts = [];
  const known = new Map();
  const contextOf = (record, kind, encode) => {
    if (!known.has(record)) {
      const bytes = encode(record);
      // A stand-in for its digest: as short, and different for different lengths.
      const digestHex = `${kind === 'resource' ? '11' : '22'}${bytes.length.toString(16)}`.padEnd(64, '0');
      known.set(record, contexts.push({ kind, bytes, digestHex }) - 1);
    }
    return known.get(record);
  };
  const blank = new Uint8Array(64);
  spans.forEach((record, i) => {
    const body = spanBodyOf(record, pricing);
    const start = writer.pos;
    writer.utf8(encodeSpanBody(body));
    const bodyEnd = writer.pos;
    writer.raw(blank);
    writeSpan(writer, record);
    places.set(
      [
        start,
        bodyEnd,
        writer.pos,
        numberOf(body.business),
        numberOf(body.business_parent),
        contextOf(record.resource, 'resource', encodeResourceContext),
        contextOf(record.scope, 'scope', encodeScopeContext),
      ],
      i * PLACES,
    );
  });
  return { count: spans.length, octets: writer.bytes.subarray(0, writer.pos), places, texts, contexts };
}

/** What unpackSpans does. */
export function unpackPlain({ count, octets, places, texts, contexts }) {
  let pair;
  return Array.from({ length: count }, (_, i) => {
    const [start, payload, end, business, parent, resource, scope] = places.subarray(i * PLACES, (i + 1) * PLACES);
    if (pair?.[0] !== contexts[resource] || pair[1] !== contexts[scope]) pair = [contexts[resource], contexts[scope]];
    return {
      type: 'span',
      body: octets.subarray(start, payload),
      ids: {
        traceId: octets.subarray(payload + 66, payload + 82),
        spanId: octets.subarray(payload + 84, payload + 92),
      },
      business: texts[business - 1],
      businessParent: texts[parent - 1],
      contexts: pair,
      salt: SALT,
      payload: octets.subarray(payload, end),
      digestHex: ZERO,
    };
  });
}

/** The table, open for appending. */
export class PlainRows {
  #db;
  #wal;
  #duplicates = new Duplicates(true);
  #size = 0;

  constructor(path, { backfill = false } = {}) {
    this.#db = openForWriting(path, 100);
    if (isEmpty(this.#db)) {
      this.#db.exec('BEGIN');
      createSchema(this.#db);
      this.#db.exec('COMMIT');
    }
    if (backfill) this.#wal = new WalBackfill(this.#db, path);
  }

  append(prepared) {
    this.#db.exec('BEGIN IMMEDIATE');
    const { toSeal } = planBatch(this.#db, prepared, this.#size, this.#duplicates);
    const at = String(BigInt(Date.now()) * 1_000_000n);
    const entries = toSeal.map(({ prepared: item }, i) => {
      const seq = this.#size + i;
      const head = `{"at":"${at}","body":`;
      const tail = `,"payload":"${ZERO}","prev":"${ZERO}","seq":${seq},"type":"span"}`;
      const octets = Buffer.allocUnsafe(head.length + item.body.length + tail.length);
      octets.write(head, 0, 'latin1');
      octets.set(item.body, head.length);
      octets.write(tail, head.length + item.body.length, 'latin1');
      return { seq, octets, hashHex: '', prepared: item };
    });
    insertBatch(this.#db, { entries, nodes: [] });
    this.#db.exec('COMMIT');
    this.#size += entries.length;
    this.#duplicates.addedUpTo(this.#size);
    this.#wal?.committed(
      entries.reduce((sum, { octets, prepared: item }) => sum + octets.length + item.payload.length, 0),
    );
  }

  async close() {
    await this.#wal?.close();
    this.#db.close();
  }
}
