/**
 * Writes a bundle: entries of a ledger, their payloads, and the hashes that tie them to the newest checkpoint, line by line and
 * in bounded memory. The same ledger and the same selection give the same octets. docs/format.md §Bundle.
 */
import {
  type BundleHeader,
  type BundleLine,
  bytesOfHex,
  decodeSpanPayload,
  encodeBundleLine,
  leafHashHex,
  MerkleFrontier,
  parseCheckpoint,
  parseNote,
  utf8Of,
} from '@infrafabric/format';
import { LedgerError } from '../ledger-error.js';
import { LedgerTree } from '../ledger-tree.js';
import type { LedgerReader } from '../reader.js';
import { type Cosigned, cosignedToWrite, withCosignatures } from './cosigned-notes.js';
import { everySeq, seqsToWrite } from './needed-entries.js';

/** What to write. */
export interface BundleRequest {
  /** Seqs of entries, without order; undefined for all. What is needed to judge them comes along by itself. */
  readonly seqs: Iterable<number> | undefined;
  /** How they were selected, for whoever reads it. */
  readonly selection: BundleHeader['selection'];
  /** The newest checkpoint note, and the vkey that signed it: both already checked. */
  readonly note: Uint8Array;
  readonly vkey: string;
  /** Sizes of anchors that the bundle shall be comparable with; those beyond the ledger are passed over. */
  readonly anchorSizes?: readonly number[];
  /** False: entries only, of which none can then be shown whole. */
  readonly payloads?: boolean;
  readonly onProgress?: (entries: number) => void;
}

/** What was written. */
export interface WrittenBundle {
  readonly entries: number;
  readonly payloads: number;
  /** Entries that were not asked for, and are needed to judge the others. */
  readonly added: number;
  readonly size: number;
}

/**
 * Writes it, its last line only when entries and hashes give the root that was signed. The reader must see one state.
 * @throws LedgerError `tampered` where they do not, or an entry is missing.
 */
export function writeBundle(
  reader: LedgerReader,
  request: BundleRequest,
  write: (text: string) => void,
): WrittenBundle {
  return new BundleWriter(reader, request, write).run();
}

class BundleWriter {
  readonly #reader: LedgerReader;
  readonly #request: BundleRequest;
  readonly #write: (line: BundleLine) => void;
  readonly #tree: LedgerTree;
  readonly #frontier = new MerkleFrontier();
  readonly #contexts = new Set<string>();
  /** Sizes at which the tree over the lines shall have its root: no hash may cover both sides. */
  #cuts: readonly number[] = [];
  #cosigned: Cosigned = new Map();
  /** Sizes of the older checkpoints that come along. */
  #checkpoints: ReadonlySet<number> = new Set();
  #entries = 0;
  #payloads = 0;

  constructor(reader: LedgerReader, request: BundleRequest, write: (text: string) => void) {
    this.#reader = reader;
    this.#request = request;
    this.#write = (line) => write(encodeBundleLine(line));
    this.#tree = new LedgerTree(reader);
  }

  run(): WrittenBundle {
    const { seqs, selection, note, vkey } = this.#request;
    const { origin, size, rootHex } = parseCheckpoint(parseNote(note).text);
    this.#cosigned = cosignedToWrite(this.#reader, origin, size);
    const checkpoint = withCosignatures(note, this.#cosigned.get(size));
    this.#write({ line: 'header', origin, key: vkey, checkpoint, selection });
    const asked = seqs === undefined ? undefined : new Set(seqs);
    const rotations = new Set([...this.#reader.entriesOfType('rotation')].map(({ seq }) => seq));
    const older = [...this.#cosigned.keys(), ...[...rotations].map((seq) => seq + 1)].filter((at) => at < size);
    this.#checkpoints = new Set(older);
    this.#cuts = [...older, ...(this.#request.anchorSizes ?? [])].sort((a, b) => a - b);
    for (const seq of asked === undefined ? everySeq(size) : seqsToWrite(this.#reader, asked, rotations, size)) {
      this.#hashesUpTo(seq);
      this.#entry(seq);
      this.#request.onProgress?.(this.#entries);
    }
    this.#hashesUpTo(size);
    if (this.#frontier.rootHex() !== rootHex) throw tampered('its entries do not give the root that was signed');
    this.#write({ line: 'end', entries: this.#entries });
    const added = asked === undefined ? 0 : this.#entries - asked.size;
    return { entries: this.#entries, payloads: this.#payloads, added, size };
  }

  /** Complete subtrees, each as large as it can be, up to the next entry that is written. */
  #hashesUpTo(to: number): void {
    for (let from = this.#frontier.size; from < to; from = this.#frontier.size) {
      const limit = this.#cuts.find((cut) => cut > from && cut < to) ?? to;
      let level = 0;
      while (from % 2 ** (level + 1) === 0 && from + 2 ** (level + 1) <= limit) level++;
      const width = 2 ** level;
      const hashHex = this.#tree.hashOf(from, from + width);
      this.#write({ line: 'hash', from, to: from + width, hashHex });
      this.#frontier.pushSubtree(level, hashHex);
      this.#olderCheckpoint();
    }
  }

  #entry(seq: number): void {
    const text = this.#reader.entryText(seq);
    if (text === undefined) throw tampered(`entry ${seq} is missing`);
    const payload = this.#request.payloads === false ? undefined : this.#reader.payload(seq);
    if (payload !== undefined) {
      this.#payloads++;
      this.#contextsOf(payload.payload);
    }
    this.#write({ line: 'entry', seq, entry: utf8Of(text), ...(payload === undefined ? {} : { payload }) });
    this.#frontier.push(leafHashHex(text));
    this.#entries++;
    this.#olderCheckpoint();
  }

  /** What a payload that names contexts needs, each once. Others name nothing that is stored. */
  #contextsOf(payload: Uint8Array): void {
    const names = decodeSpanPayload(payload);
    if (names === undefined) return;
    for (const [kind, digest] of [
      ['resource', names.resourceDigestHex],
      ['scope', names.scopeDigestHex],
    ] as const) {
      if (this.#contexts.has(digest)) continue;
      const context = this.#reader.context(bytesOfHex(digest));
      if (context === undefined) continue;
      this.#contexts.add(digest);
      this.#write({ line: 'context', kind, context });
    }
  }

  #olderCheckpoint(): void {
    const { size } = this.#frontier;
    if (!this.#checkpoints.has(size)) return;
    const note = this.#reader.noteOfSize(size) ?? undefined;
    if (note === undefined)
      throw tampered(`the checkpoint of size ${size}, which a rotation or a witness needs, is missing`);
    this.#write({ line: 'checkpoint', size, checkpoint: withCosignatures(note, this.#cosigned.get(size)) });
  }
}

function tampered(what: string): LedgerError {
  return new LedgerError('tampered', `the ledger cannot be bundled: ${what}`, { hint: 'run if-witness verify' });
}
