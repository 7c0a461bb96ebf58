/**
 * Takes entries into the accounts: stores the calls, asks `countCalls` which of all that could be the same call count, and
 * moves the sums by what changed. A parent may arrive after its children, so calls that were counted can be taken back.
 */
import { type CountableSpan, countCalls, labelsOf, type ParentOf } from '@infrafabric/accounting';
import { decodeSpanPayload, heldSpan, parseEntry } from '@infrafabric/format';
import { decodeSpan, type ResourceRecord, type ScopeRecord } from '@infrafabric/otlp';
import { type Connection, statement } from '../database.js';
import type { Call, Flow, Price, Relevant } from './call-of-entry.js';
import type { Belongs, CallStore, StoredCall, StoredVerdict } from './call-store.js';
import type { EntrySource } from './entry-source.js';
import { BUCKET_NANO } from './schema.js';
import { addCall, addSums, decodeSums, encodeSums, noSums, SUM_MEMBERS, type Sums } from './sums.js';

const NO_RESOURCE: ResourceRecord = { attributes: [], droppedAttributesCount: 0, entityRefs: [], schemaUrl: '' };
const NO_SCOPE: ScopeRecord = { name: '', version: '', attributes: [], droppedAttributesCount: 0, schemaUrl: '' };

/** One chunk of entries. Call inside a write transaction. */
export class Recount {
  readonly #db: Connection;
  readonly #calls: CallStore;
  readonly #source: EntrySource;
  readonly #added = new Set<number>();
  /** Traces to be counted anew, with the seqs of calls that are new or have a new price. */
  readonly #touched = new Map<string, number[]>();
  readonly #linked = new Set<string>();
  readonly #adjusted = new Map<number, Price>();
  readonly #deltas = new Map<string, { readonly key: RollupKey; readonly sums: Sums }>();

  constructor(db: Connection, calls: CallStore, source: EntrySource) {
    this.#db = db;
    this.#calls = calls;
    this.#source = source;
  }

  take(relevant: Relevant): void {
    switch (relevant.kind) {
      case 'call':
        this.#call(relevant.call);
        this.#flow(relevant.flow);
        return;
      case 'span':
        this.#linked.add(relevant.traceHex);
        this.#flow(relevant.flow);
        return;
      case 'flow':
        this.#flow(relevant.flow);
        return;
      case 'adjustment': {
        this.#adjusted.set(relevant.target, relevant.price);
        return;
      }
      case 'redaction':
        this.#calls.forget(relevant.target);
    }
  }

  /** Counts anew what these entries may have changed. */
  finish(): void {
    for (const traceHex of this.#linked) if (this.#calls.hasTrace(traceHex)) this.#touch(traceHex);
    for (const seq of this.#adjusted.keys()) {
      const call = this.#calls.get(seq);
      if (call !== undefined) this.#touch(call.traceId, seq);
    }
    const { calls, related } = this.#closure();
    for (const call of calls) if (!this.#added.has(call.seq)) this.#contribute(call, -1n);
    const repriced = calls.map((call) => this.#reprice(call));
    const verdicts = this.#count(repriced, related);
    for (const call of repriced) {
      const verdict = verdicts.get(call.seq);
      if (JSON.stringify(verdict) !== JSON.stringify(call.verdict)) this.#calls.setVerdict(call.seq, verdict);
      this.#contribute({ ...call, verdict }, 1n);
    }
    this.#flush();
  }

  #call(call: Call): void {
    this.#calls.insert(call, this.#calls.groupId(call), this.#belongs(call.seq));
    this.#added.add(call.seq);
    this.#touch(call.traceId, call.seq);
  }

  #touch(traceHex: string, ...seqs: readonly number[]): void {
    this.#touched.set(traceHex, [...(this.#touched.get(traceHex) ?? []), ...seqs]);
  }

  /** Session and user may have to be erased, so they are in the payload alone. */
  #belongs(seq: number): Belongs {
    const stored = this.#source.payload(seq);
    const parts = stored === undefined ? undefined : decodeSpanPayload(stored.payload);
    if (parts === undefined) return { session: undefined, user: undefined };
    try {
      const { session, user } = labelsOf(decodeSpan(parts.span, NO_RESOURCE, NO_SCOPE).attributes);
      return { session, user };
    } catch {
      // A damaged payload is the verifier's matter; the call counts as what was signed of it.
      return { session: undefined, user: undefined };
    }
  }

  #flow(flow: Flow | undefined): void {
    if (flow === undefined) return;
    statement(this.#db, 'INSERT OR IGNORE INTO flows (business, parent) VALUES (?, ?)').run(flow.business, flow.parent);
  }

  /** All calls of the traces in question, and of traces in which the same calls may be told once more. */
  #closure(): Closure {
    const calls = new Map<number, StoredCall>();
    const related = new Set<string>();
    const traces = new Set(this.#touched.keys());
    for (const traceHex of traces) {
      // A flow of many events would be read again with each of them; where they are plain, the new ones alone will do.
      const isPlain = !related.has(traceHex) && this.#calls.isPlain(traceHex);
      const ofTrace = isPlain ? this.#newIn(traceHex) : this.#calls.ofTrace(traceHex);
      if (!isPlain && ofTrace.length > 1) related.add(traceHex);
      for (const call of ofTrace) {
        calls.set(call.seq, call);
        for (const partner of this.#calls.tracesOfPartners(call)) {
          related.add(partner).add(traceHex);
          traces.add(partner);
        }
      }
      if (isPlain && related.has(traceHex)) for (const call of this.#calls.ofTrace(traceHex)) calls.set(call.seq, call);
    }
    return { calls: [...calls.values()], related };
  }

  /** Calls of a trace that are new or have a new price. */
  #newIn(traceHex: string): StoredCall[] {
    const seqs = this.#touched.get(traceHex) ?? [];
    return seqs.map((seq) => this.#calls.get(seq)).filter((call) => call !== undefined);
  }

  #reprice(call: StoredCall): StoredCall {
    const price = this.#adjusted.get(call.seq);
    return price === undefined ? call : this.#calls.reprice(call, price);
  }

  /** The only call of a trace, with none like it elsewhere, counts: its parents need not be looked up. */
  #count(calls: readonly StoredCall[], related: ReadonlySet<string>): ReadonlyMap<number, StoredVerdict> {
    const verdicts = new Map<number, StoredVerdict>();
    const countable = calls.filter(({ traceId }) => related.has(traceId)).map(countableOf);
    if (countable.length < 2) return verdicts;
    const parentOf = this.#parents(calls);
    const { notCounted, costFrom } = countCalls(countable, parentOf);
    for (const [seq, { why, by }] of notCounted) verdicts.set(seq, { why, by });
    for (const [seq, from] of costFrom) verdicts.set(seq, { costFrom: from });
    return verdicts;
  }

  /** Parents of any span; those of calls are at hand, and a trace is read for others only when one of them is asked for. */
  #parents(calls: readonly StoredCall[]): ParentOf {
    const ofCalls = new Map(calls.map(({ traceId, spanId, parent }) => [traceId + spanId, parent]));
    const ofTraces = new Map<string, ReadonlyMap<string, string>>();
    return (traceId, spanId) => {
      const id = traceId + spanId;
      if (ofCalls.has(id)) return ofCalls.get(id);
      let ofTrace = ofTraces.get(traceId);
      if (ofTrace === undefined) {
        ofTrace = this.#parentsIn(traceId);
        ofTraces.set(traceId, ofTrace);
      }
      return ofTrace.get(spanId);
    };
  }

  #parentsIn(traceHex: string): ReadonlyMap<string, string> {
    const parents = new Map<string, string>();
    for (const seq of this.#source.seqsOfTrace(traceHex)) {
      const text = this.#spanText(seq);
      const parent = /"parent":"([0-9a-f]{16})"/.exec(text)?.[1];
      const span = /"span":"([0-9a-f]{16})"/.exec(text)?.[1];
      if (parent !== undefined && span !== undefined && !parents.has(span)) parents.set(span, parent);
    }
    return parents;
  }

  #spanText(seq: number): string {
    const text = this.#source.entryText(seq) ?? '';
    if (!text.endsWith(',"type":"import"}')) return text;
    return heldSpan(parseEntry(text), (at) => this.#source.entryText(at))?.text ?? '';
  }

  #contribute(call: StoredCall, times: bigint): void {
    const facts = this.#calls.contribution(call);
    if (facts === undefined) return;
    const key = { bucket: Number(call.startUnixNano / BUCKET_NANO), group: call.group, currency: facts.currency };
    const id = `${key.bucket} ${key.group} ${key.currency}`;
    const delta = this.#deltas.get(id) ?? { key, sums: noSums() };
    this.#deltas.set(id, delta);
    addCall(delta.sums, facts, times);
  }

  #flush(): void {
    const read = statement(this.#db, 'SELECT sums FROM rollup WHERE bucket = ? AND grp = ? AND currency = ?').pluck();
    const write = statement(
      this.#db,
      'INSERT OR REPLACE INTO rollup (bucket, grp, currency, sums) VALUES (?, ?, ?, ?)',
    );
    const remove = statement(this.#db, 'DELETE FROM rollup WHERE bucket = ? AND grp = ? AND currency = ?');
    for (const { key, sums } of this.#deltas.values()) {
      if (isNothing(sums)) continue;
      const stored = read.get(key.bucket, key.group, key.currency) as string | undefined;
      const total = stored === undefined ? noSums() : decodeSums(stored);
      addSums(total, sums);
      // A row of nothing would still name the rate card that its calls had before they were repriced.
      if (isNothing(total)) remove.run(key.bucket, key.group, key.currency);
      else write.run(key.bucket, key.group, key.currency, encodeSums(total));
    }
  }
}

interface Closure {
  readonly calls: readonly StoredCall[];
  /** Traces with several calls, or with calls that could be those of another trace. */
  readonly related: ReadonlySet<string>;
}

interface RollupKey {
  readonly bucket: number;
  readonly group: number;
  readonly currency: string;
}

function isNothing(sums: Readonly<Sums>): boolean {
  return SUM_MEMBERS.every((member) => sums[member] === 0n);
}

function countableOf(call: StoredCall): CountableSpan {
  return { ...call, cost: call.pico === undefined || call.source === 'unpriced' ? 'none' : (call.source ?? 'none') };
}
