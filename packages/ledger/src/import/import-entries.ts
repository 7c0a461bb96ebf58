/**
 * Writes another ledger into a fresh one: heads, entries, and the prices that its adjustments gave, batch by batch, in
 * bounded memory. docs/format.md §import.
 */
import {
  type CanonicalObject,
  encodeBody,
  fitText,
  heldEntry,
  leafHashHex,
  parseEntry,
  utf8Of,
  ZERO_HASH_HEX,
} from '@infrafabric/format';
import type { Ledger } from '../ledger.js';
import type { Prepared, PreparedImport } from '../prepare.js';
import type { LedgerView } from '../reader.js';
import type { ForeignEntry, ForeignLedger, ForeignRun } from './foreign-ledger.js';
import { ImportPreparer, prepareHead } from './prepare-import.js';
import { SeqMap } from './seq-map.js';

/** What was imported. */
export interface Imported {
  /** Entries of the other ledger, heads and parts not counted. */
  readonly entries: number;
  readonly unverified: number;
  /** Spans among them, also those that the other ledger had imported. */
  readonly spans: number;
  readonly payloads: number;
  /** Entries whose payload the other ledger had erased. */
  readonly payloadsErased: number;
  /** Other entries whose payload did not come along, by their seq in the other ledger: the first hundred, and how many in all. */
  readonly payloadsMissing: LostPayloads;
  /** Those whose payload came along and is not what the entry binds, or names a resource or scope that did not come along. */
  readonly payloadsRefused: LostPayloads;
  /** Adjustments written here because those of the other ledger act on nothing here. */
  readonly adjustments: number;
}

/** Entries without a payload. */
export interface LostPayloads {
  readonly count: number;
  readonly first: readonly number[];
}

const BATCH_ENTRIES = 512;
const BATCH_OCTETS = 8 * 1024 * 1024;
const LISTED = 100;
const MAX_REASON_OCTETS = 4_096;

/** Appends everything. Not atomic: see import-ledger.ts. @throws LedgerError, FormatError for an entry that is none. */
export async function importEntries(
  ledger: Ledger,
  foreign: ForeignLedger,
  onProgress?: (entries: number) => void,
): Promise<Imported> {
  const importer = new Importer(ledger, foreign, onProgress);
  for (const run of foreign.runs) await importer.run(run);
  await importer.finish();
  return importer.result;
}

class Importer {
  readonly #ledger: Ledger;
  readonly #foreign: ForeignLedger;
  readonly #preparer: ImportPreparer;
  readonly #onProgress: ((entries: number) => void) | undefined;
  readonly #places = new SeqMap();
  /** Seq in the other ledger → the import here that holds the newest adjustment of it. */
  readonly #adjustments = new Map<number, number>();
  readonly #missing = { count: 0, first: [] as number[] };
  readonly #refused = { count: 0, first: [] as number[] };
  #batch: Prepared[] = [];
  #octets = 0;
  /** Seq that the next import gets. */
  #next = 1;
  #entries = 0;
  #unverified = 0;
  #spans = 0;
  #payloads = 0;
  #erased = 0;
  #adjusted = 0;

  constructor(ledger: Ledger, foreign: ForeignLedger, onProgress: ((entries: number) => void) | undefined) {
    this.#ledger = ledger;
    this.#foreign = foreign;
    this.#preparer = new ImportPreparer(foreign);
    this.#onProgress = onProgress;
  }

  get result(): Imported {
    return {
      entries: this.#entries,
      unverified: this.#unverified,
      spans: this.#spans,
      payloads: this.#payloads,
      payloadsErased: this.#erased,
      payloadsMissing: this.#missing,
      payloadsRefused: this.#refused,
      adjustments: this.#adjusted,
    };
  }

  async run(run: ForeignRun): Promise<void> {
    let head: number | undefined;
    let [last, leaf] = [-1, ZERO_HASH_HEX];
    for (const foreign of run.entries()) {
      // Under one head entries follow each other. What nobody verified may not, and then is a head further.
      const breaks = run.vkey === undefined && !follows(foreign, last, leaf);
      if (head === undefined || breaks) head = this.#put(prepareHead(run));
      await this.#entry(foreign, head, run);
      last = foreign.seq;
      leaf = leafHashHex(foreign.text);
    }
    // Nothing of it is left, and that it was there is worth an entry.
    if (head === undefined) this.#put(prepareHead(run));
  }

  async finish(): Promise<void> {
    await this.#flush();
    if (this.#adjustments.size === 0) return;
    const view = await this.#ledger.view();
    for (const [target, by] of this.#adjustments) {
      const body = this.#adjustment(view, target, by);
      if (body === undefined) continue;
      this.#put({ type: 'adjustment', critical: undefined, body: utf8Of(encodeBody(body)) });
      this.#adjusted++;
      if (this.#batch.length >= BATCH_ENTRIES) await this.#flush();
    }
    await this.#flush();
  }

  async #entry(foreign: ForeignEntry, head: number, { origin, vkey }: ForeignRun): Promise<void> {
    const { entry, imports, payload } = this.#preparer.prepare(foreign, head, origin);
    const at = this.#next;
    for (const each of imports) this.#put(each);
    this.#places.add(foreign.seq, at);
    this.#entries++;
    if (vkey === undefined) this.#unverified++;
    if (imports[0]!.held !== undefined) this.#spans++;
    if (payload === 'kept') this.#payloads++;
    else if (payload === 'missing' && this.#foreign.erased.has(foreign.seq)) this.#erased++;
    else if (payload === 'missing') list(this.#missing, foreign.seq);
    else if (payload === 'refused') list(this.#refused, foreign.seq);
    if (entry.type === 'adjustment' && typeof entry.body.target === 'number') {
      // The newest counts: it also comes last.
      this.#adjustments.delete(entry.body.target);
      this.#adjustments.set(entry.body.target, at);
    }
    if (this.#batch.length >= BATCH_ENTRIES || this.#octets >= BATCH_OCTETS) await this.#flush();
  }

  #put(prepared: PreparedImport | Prepared): number {
    this.#batch.push(prepared);
    this.#octets += prepared.body.length + ('payload' in prepared ? (prepared.payload?.length ?? 0) : 0);
    return this.#next++;
  }

  /** Parts are put together before this is asked for, so that no commit ends between them. */
  async #flush(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    this.#octets = 0;
    if (batch.length > 0) await this.#ledger.appendPrepared(batch);
    this.#onProgress?.(this.#entries);
  }

  /** What an adjustment of the other ledger says, said of the import here; undefined where its target did not come along. */
  #adjustment(view: LedgerView, target: number, by: number): CanonicalObject | undefined {
    const at = this.#places.placeOf(target);
    const said = heldAt(view, by);
    const priced = at === undefined ? undefined : heldAt(view, at);
    if (at === undefined || said === undefined || priced?.entry.seq !== target) return undefined;
    const { charge, leaf, reason } = said.entry.body;
    if (leaf !== leafHashHex(priced.text) || charge === undefined) return undefined;
    const text = `as entry ${said.entry.seq} of ${said.origin} says: ${typeof reason === 'string' ? reason : ''}`;
    const importLeaf = leafHashHex(view.entryText(at)!);
    return { charge, leaf: importLeaf, reason: fitText(text, MAX_REASON_OCTETS).text, target: at };
  }
}

function heldAt(view: LedgerView, seq: number): ReturnType<typeof heldEntry> {
  const stored = view.entry(seq);
  return stored === undefined ? undefined : heldEntry(stored.entry, (at) => view.entryText(at));
}

function follows({ seq, text }: ForeignEntry, last: number, leaf: string): boolean {
  return seq > last && (seq > last + 1 || parseEntry(text).prev === leaf);
}

function list(lost: { count: number; first: number[] }, seq: number): void {
  lost.count++;
  if (lost.first.length < LISTED) lost.first.push(seq);
}
