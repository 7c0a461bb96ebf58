/** The entries of a bundle: what each says of itself and of others that are here, and their payloads. docs/format.md §Bundle. */
import {
  type BundleEntry,
  concatBytes,
  type Entry,
  encodeCanonicalJson,
  FORMAT_VERSION,
  FormatError,
  isKnownType,
  parseCanonicalJson,
  parseEntry,
  sha256Hex,
  spanIn,
  textOfUtf8,
} from '@infrafabric/format';
import { BundleIndexes, type IndexFindings } from './bundle-indexes.js';
import { BundlePayloads, type KnownEntry, type PayloadState } from './bundle-payloads.js';
import { type BundleProblemCode, BundleProblems } from './bundle-report.js';
import { type CardOf, spanChargeProblems } from './judge-charges.js';
import { type ImportFindings, ImportJudge } from './judge-imports.js';

/** An entry as read. */
export interface JudgedEntry {
  readonly seq: number;
  /** Leaf hash. */
  readonly hashHex: string;
  /** Undefined where the octets are none of an entry. */
  readonly entry: Entry | undefined;
  readonly payload: PayloadState;
  /** The payload's octets, where they are those that the entry binds. */
  readonly payloadOctets: Uint8Array | undefined;
}

/** What stands before an entry. */
export interface Before {
  /** Leaf hash of the entry before; undefined where that is not known here. */
  readonly prevHex: string | undefined;
  /** SHA-256 of the checkpoint note of all entries before, hex, where it is here. */
  readonly noteHashBefore: string | undefined;
}

/** Judges entries in order of seq. */
export class BundleEntries {
  readonly #problems: BundleProblems;
  readonly #deep: boolean;
  readonly #cardOf: CardOf | undefined;
  readonly #known = new Map<number, KnownEntry>();
  readonly payloads: BundlePayloads;
  /** What breaks the rules of imports and indexes: said where all entries are what was signed, of which it would else be a sequel. */
  readonly #sequels = new BundleProblems();
  readonly #imports: ImportJudge;
  readonly #indexes = new BundleIndexes(this.#sequels);
  /** The usage of spans that imports hold, by seq of the first part. */
  readonly #held = new Map<number, { readonly usage: unknown }>();
  readonly #rotations: { seq: number; vkey: unknown }[] = [];
  readonly #notUnderstood: Record<string, number> = {};
  #previous: { readonly seq: number; readonly at: string } | undefined;
  /** Seq of an entry whose link to the one before does not hold, which of the two is not said yet. */
  #openBreak: number | undefined;
  #genesis: { readonly key: unknown } | undefined;
  #criticalNotUnderstood = false;
  #spansKnownLost = 0;
  #named = 0;
  /** As the header says. */
  origin = '';

  constructor(problems: BundleProblems, { deep, cardOf }: { readonly deep?: boolean; readonly cardOf?: CardOf }) {
    this.#problems = problems;
    this.payloads = new BundlePayloads(problems);
    this.#deep = deep === true;
    this.#cardOf = cardOf;
    this.#imports = new ImportJudge(this.#sequels, (seq, text) => {
      const span = spanIn(parseEntry(text));
      if (span !== undefined) this.#held.set(seq, { usage: span.body.usage });
    });
  }

  get count(): number {
    return this.#known.size;
  }

  get genesis(): { readonly key: unknown } | undefined {
    return this.#genesis;
  }

  get rotations(): readonly { readonly seq: number; readonly vkey: unknown }[] {
    return this.#rotations;
  }

  get notUnderstood(): Readonly<Record<string, number>> {
    return this.#notUnderstood;
  }

  get criticalNotUnderstood(): boolean {
    return this.#criticalNotUnderstood;
  }

  get spansKnownLost(): number {
    return this.#spansKnownLost;
  }

  get imported(): ImportFindings {
    return this.#imports.findings;
  }

  get indexes(): IndexFindings {
    return this.#indexes.findings;
  }

  /** Some entry is said to have changed, which explains that the root is another. */
  get namesAny(): boolean {
    return this.#named > 0 || this.#openBreak !== undefined;
  }

  /** Entries up to this seq are not here. */
  gap(to: number): void {
    this.#imports.end();
    this.#indexes.gap(to);
  }

  /** Judges an entry by what stands before it. */
  add(line: BundleEntry, before: Before): JudgedEntry {
    const { seq } = line;
    // RFC 6962 §2.1: of the octets as they are, whatever they decode to.
    const hashHex = sha256Hex(concatBytes(Uint8Array.of(0), line.entry));
    const entry = this.#read(seq, line.entry);
    if (entry !== undefined) {
      this.#link(seq, entry, before);
      this.#place(seq, entry);
      this.#type(seq, entry);
    } else {
      this.#previous = undefined;
      this.gap(seq + 1);
    }
    const payload = this.payloads.take(line, entry);
    this.#known.set(seq, {
      hashHex,
      type: entry?.type ?? '',
      hasDigest: entry?.payload !== undefined,
      hasPayload: line.payload !== undefined,
      usage: entry?.type === 'span' ? entry.body.usage : undefined,
    });
    return { seq, hashHex, entry, payload, payloadOctets: payload === 'present' ? line.payload?.payload : undefined };
  }

  /** What can only be said once all are here: where they never were, less. */
  conclude(areAllHere: boolean): void {
    if (this.#openBreak !== undefined) this.#broken(this.#openBreak - 1);
    if (!areAllHere) return;
    if (this.#genesis === undefined && this.#known.size > 0)
      this.#add('genesis.missing', 'the genesis entry, which says whose ledger this is, is not here', 0);
    this.payloads.conclude(this.#known);
    this.#imports.end();
    if (!this.#problems.anyInvalid) this.#problems.addAll(this.#sequels);
  }

  #read(seq: number, octets: Uint8Array): Entry | undefined {
    let text: string;
    try {
      text = textOfUtf8(octets);
    } catch {
      this.#add('entry.octets', `entry ${seq} has octets that are not UTF-8`, seq);
      return undefined;
    }
    try {
      // Canonical JSON escapes all of these; a decoder elsewhere might drop or forgive them.
      if (/[\0-\x1f]/.test(text)) throw new FormatError('entry.malformed', 'a raw control character');
      if (this.#deep) encodeCanonicalJson(parseCanonicalJson(text));
      return parseEntry(text);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      const code = error.code === 'entry.malformed' ? 'entry.malformed' : 'entry.not-canonical';
      this.#add(code, `entry ${seq}: ${error.message}`, seq);
      return undefined;
    }
  }

  /** One broken link means that the entry before is another; two in a row mean that the one between them is. */
  #link(seq: number, entry: Entry, { prevHex, noteHashBefore }: Before): void {
    if (noteHashBefore !== undefined && entry.checkpoint !== noteHashBefore)
      this.#add('checkpoint.altered', `the checkpoint of size ${seq} is not the one that entry ${seq} names`, seq);
    const follows = this.#previous?.seq === seq - 1;
    if (prevHex === undefined || prevHex === entry.prev) {
      if (this.#openBreak !== undefined) this.#broken(this.#openBreak - 1);
      this.#openBreak = undefined;
    } else if (this.#openBreak === seq - 1) {
      this.#broken(seq - 1);
      this.#openBreak = undefined;
    } else if (follows) this.#openBreak = seq;
    else this.#broken(seq);
  }

  #broken(seq: number): void {
    this.#named++;
    this.#add(
      'entry.prev',
      `Hash chain broken at entry ${seq}: its bytes are not those that its neighbours are bound to`,
      seq,
    );
  }

  #place(seq: number, { seq: said, at, clock }: Entry): void {
    if (said !== seq) this.#add('entry.seq', `the entry at ${seq} says that it is entry ${said}`, seq);
    if (this.#previous?.seq === seq - 1) {
      const before = this.#previous.at;
      const backwards = at.length < before.length || (at.length === before.length && at < before);
      if (backwards !== (clock === 'backwards'))
        this.#add('entry.clock', `entry ${seq} does not say truly whether the clock went backwards`, seq);
    }
    this.#previous = { seq, at };
  }

  #type(seq: number, entry: Entry): void {
    const { type, body } = entry;
    if (seq === 0) this.#openGenesis(entry);
    else if (type === 'genesis') this.#add('genesis.malformed', `entry ${seq} is a second genesis entry`, seq);
    if (type === 'rotation') this.#rotations.push({ seq, vkey: body.key });
    if (type === 'redaction') this.payloads.redact(seq, entry, this.#known);
    if (type === 'adjustment') this.#adjustment(seq, body);
    if (type === 'import') this.#imports.take(seq, entry);
    else this.#imports.end();
    this.#indexes.take(seq, entry);
    if (type === 'gap' && typeof body.count === 'number') this.#spansKnownLost += body.count;
    if (type === 'span')
      for (const problem of spanChargeProblems(entry, this.#cardOf))
        this.#add('entry.charge', `the charge of entry ${seq}: ${problem}`, seq);
    if (isKnownType(type)) return;
    this.#notUnderstood[type] = (this.#notUnderstood[type] ?? 0) + 1;
    if (entry.critical === true) this.#criticalNotUnderstood = true;
  }

  #openGenesis({ type, body, checkpoint }: Entry): void {
    const { format, key, origin } = body;
    if (type !== 'genesis' || typeof origin !== 'string' || typeof key !== 'string' || typeof format !== 'number') {
      this.#add('genesis.malformed', 'entry 0 is not a genesis entry', 0);
      return;
    }
    if (checkpoint !== undefined) this.#add('checkpoint.missing', 'entry 0 names a checkpoint before it', 0);
    if (origin !== this.origin) this.#add('checkpoint.origin', `genesis is that of ${origin}`, 0);
    if (format !== FORMAT_VERSION) this.#criticalNotUnderstood = true;
    this.#genesis = { key };
  }

  #adjustment(seq: number, { target, leaf, charge }: Entry['body']): void {
    const known = this.#known.get(target as number);
    const isEarlier = typeof target === 'number' && target < seq;
    if (isEarlier && known === undefined) return;
    const problems = !isEarlier
      ? ['its target is no earlier entry']
      : known!.hashHex !== leaf
        ? ['it is not bound to the bytes of its target']
        : known!.type === 'span'
          ? spanChargeProblems({ body: adjusted(known!.usage, charge) }, this.#cardOf)
          : [];
    for (const problem of problems) this.#add('adjustment.charge', adjustmentText(seq, problem), seq);
    if (known?.type === 'import' && problems.length === 0) this.#adjustmentOfImport(seq, target as number, charge);
  }

  #adjustmentOfImport(seq: number, target: number, charge: unknown): void {
    const held = this.#held.get(target);
    const problems =
      held === undefined
        ? ['the import that it names holds no span']
        : spanChargeProblems({ body: adjusted(held.usage, charge) }, this.#cardOf);
    for (const problem of problems)
      this.#sequels.add({ code: 'adjustment.charge', seq, message: adjustmentText(seq, problem) });
  }

  #add(code: BundleProblemCode, message: string, seq?: number): void {
    this.#problems.add(seq === undefined ? { code, message } : { code, seq, message });
  }
}

function adjustmentText(seq: number, problem: string): string {
  return `the adjustment in entry ${seq}: ${problem}`;
}

/** An adjustment prices by a card of its own time, so without the span's start. */
function adjusted(usage: unknown, charge: unknown): Entry['body'] {
  return { usage, charge } as Entry['body'];
}
