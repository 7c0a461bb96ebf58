/** Payloads of a bundle: by the digests in their entries, with the contexts that they name, and what was erased. */
import {
  type BundleEntry,
  type ContextKind,
  type Entry,
  FormatError,
  hexOf,
  payloadDigestHex,
  utf8Of,
} from '@infrafabric/format';
import type { BundleProblemCode, BundleProblems } from './bundle-report.js';

/** `damaged`: not what the entry binds. `absent`: erased or left out; the report counts which. */
export type PayloadState = 'present' | 'damaged' | 'absent' | 'none';

/** What later entries may refer to. */
export interface KnownEntry {
  readonly hashHex: string;
  readonly type: string;
  readonly hasDigest: boolean;
  readonly hasPayload: boolean;
  /** Of spans that used something. */
  readonly usage: unknown;
}

/** What a span's payload starts with: the digests of its resource and its scope. */
const NAMES_OCTETS = 64;
/** How the payload of an imported budget begins, which names none. */
const BUDGET_PAYLOAD = utf8Of('{"scope":{');

/** Judges payloads, in order of their entries. */
export class BundlePayloads {
  readonly #problems: BundleProblems;
  readonly #contexts = new Map<string, { readonly kind: ContextKind; named: boolean }>();
  /** Seq of the first redaction by its target. */
  readonly #redactedBy = new Map<number, number>();
  #present = 0;
  #erased = 0;
  #missing = 0;

  constructor(problems: BundleProblems) {
    this.#problems = problems;
  }

  get counts(): { readonly present: number; readonly erased: number; readonly missing: number } {
    return { present: this.#present, erased: this.#erased, missing: this.#missing };
  }

  /** A context, before who names it. @throws FormatError `bundle.malformed` when it was there. */
  addContext(kind: ContextKind, digestHex: string): void {
    if (this.#contexts.has(digestHex))
      throw new FormatError('bundle.malformed', 'not a whole bundle: it holds the same context twice');
    this.#contexts.set(digestHex, { kind, named: false });
  }

  /** Judges what came with an entry; undefined where that cannot be read. */
  take({ seq, payload }: BundleEntry, entry: Entry | undefined): PayloadState {
    const digest = entry?.payload;
    if (payload === undefined) return digest === undefined ? 'none' : 'absent';
    if (entry === undefined) return 'damaged';
    if (digest === undefined) {
      this.#add('payload.unexpected', `there is a payload of entry ${seq}, which has none`, seq);
      return 'damaged';
    }
    if (payloadDigestHex(payload.salt, payload.payload) !== digest) {
      this.#add('payload.digest', `the payload of entry ${seq} is not the one that was signed`, seq);
      return 'damaged';
    }
    this.#names(seq, entry.type, payload.payload);
    return 'present';
  }

  /** A span's payload names its resource and its scope, and so does that of an imported one. */
  #names(seq: number, type: string, payload: Uint8Array): void {
    const isBudget = type === 'import' && BUDGET_PAYLOAD.every((octet, i) => payload[i] === octet);
    if ((type !== 'span' && type !== 'import') || isBudget || payload.length < NAMES_OCTETS) return;
    for (const [i, kind] of (['resource', 'scope'] as const).entries()) {
      const context = this.#contexts.get(hexOf(payload.subarray(32 * i, 32 * i + 32)));
      if (context?.kind === kind) context.named = true;
      else this.#add('context.missing', `the ${kind} that the payload of entry ${seq} names is not here`, seq);
    }
  }

  /** What is said of a target that is not here is not judged. */
  redact(seq: number, { body, critical }: Entry, known: ReadonlyMap<number, KnownEntry>): void {
    const { target, leaf, reason } = body;
    const bad = (code: BundleProblemCode, what: string): void =>
      this.#add(code, `the redaction in entry ${seq} ${what}`, seq);
    if (typeof target !== 'number' || typeof leaf !== 'string' || typeof reason !== 'string' || critical !== true) {
      bad('redaction.malformed', 'is not critical, or lacks its target, leaf or reason');
      return;
    }
    const entry = known.get(target);
    if (target >= seq) bad('redaction.target', `names entry ${target}, which does not come before it`);
    else if (entry === undefined) return;
    else if (!entry.hasDigest) bad('redaction.target', `names entry ${target}, which has no payload`);
    else if (entry.hashHex !== leaf) bad('redaction.leaf', `is not bound to the bytes of entry ${target}`);
    else if (!this.#redactedBy.has(target)) this.#redactedBy.set(target, seq);
  }

  /** What can only be said once all entries are here. */
  conclude(known: ReadonlyMap<number, KnownEntry>): void {
    for (const [digest, { named }] of this.#contexts)
      if (!named) this.#add('context.unreferenced', `no payload names the context ${digest}`);
    for (const [seq, { hasDigest, hasPayload }] of known) if (hasDigest) this.#count(seq, hasPayload);
  }

  #count(seq: number, hasPayload: boolean): void {
    const redaction = this.#redactedBy.get(seq);
    if (hasPayload) this.#present++;
    else if (redaction !== undefined) this.#erased++;
    else {
      this.#missing++;
      this.#add('payload.missing', `the payload of entry ${seq} is not here, and no redaction entry says why`, seq);
    }
    if (hasPayload && redaction !== undefined)
      this.#add(
        'payload.returned',
        `the payload of entry ${seq} is here although entry ${redaction} says it was erased`,
        seq,
      );
  }

  #add(code: BundleProblemCode, message: string, seq?: number): void {
    this.#problems.add(seq === undefined ? { code, message } : { code, seq, message });
  }
}
