/** Ledgers put together from docs/format.md alone, so that bundles can hold what no honest writer would sign. */
import { createHash, createPrivateKey, sign } from 'node:crypto';
import {
  type BundleLine,
  type CanonicalObject,
  contextDigestHex,
  encodeBody,
  encodeBundleLine,
  encodeCheckpoint,
  encodeEntry,
  encodeNote,
  encodeVkey,
  keyIdHexOf,
  leafHashHex,
  MerkleFrontier,
  nodeHashHex,
  parseVkey,
  payloadDigestHex,
  sha256Hex,
  utf8Of,
  type VerifierKey,
  ZERO_HASH_HEX,
} from '@infrafabric/format';

export const ORIGIN = 'if-witness/00112233445566778899';
/** RFC 8410: PKCS #8 of an Ed25519 seed. */
const PKCS8 = '302e020100300506032b657004220420';

/** A key that a test holds both halves of. */
export class HandKey {
  readonly #seed: Buffer;
  readonly origin: string;
  readonly vkey: string;
  readonly key: VerifierKey;

  constructor(fill: number, origin = ORIGIN) {
    this.origin = origin;
    this.#seed = Buffer.alloc(32, fill);
    const x = this.#private().export({ format: 'jwk' }).x!;
    this.vkey = encodeVkey(origin, Buffer.from(x, 'base64url'));
    this.key = parseVkey(this.vkey);
  }

  line(text: string) {
    const { origin: name, key } = this;
    return { name, keyIdHex: keyIdHexOf(name, key.publicKey), signature: sign(null, utf8Of(text), this.#private()) };
  }

  #private() {
    return createPrivateKey({
      key: Buffer.from(PKCS8 + this.#seed.toString('hex'), 'hex'),
      format: 'der',
      type: 'pkcs8',
    });
  }
}

/** What an entry is made from. */
export interface HandDraft {
  readonly type: string;
  readonly body: CanonicalObject;
  readonly payload?: Uint8Array;
  readonly critical?: true;
  /** In place of what is true. */
  readonly prev?: string;
  readonly seq?: number;
  readonly clock?: 'backwards';
}

interface HandEntry {
  readonly text: string;
  readonly payload: { readonly salt: Uint8Array; readonly payload: Uint8Array } | undefined;
}

export const RESOURCE: Uint8Array = utf8Of('a resource');
export const SCOPE: Uint8Array = utf8Of('a scope');

/** Payload of a span that names {@link RESOURCE} and {@link SCOPE}. */
export function spanPayload(text: string): Uint8Array {
  const digest = (kind: 'resource' | 'scope', context: Uint8Array) =>
    Buffer.from(contextDigestHex(kind, context), 'hex');
  return Buffer.concat([digest('resource', RESOURCE), digest('scope', SCOPE), Buffer.from(text)]);
}

/** A span entry. */
export function spanOf(n: number, more: CanonicalObject = {}): HandDraft {
  const body = {
    end: String(2_000 + n),
    event: `event ${n}`,
    kind: 1,
    span: String(n + 1).padStart(16, '0'),
    start: String(1_000 + n),
    status: 0,
    trace: 'a'.repeat(32),
    ...more,
  };
  return { type: 'span', body, payload: spanPayload(`span ${n}`) };
}

/** A ledger in memory. */
export class HandLedger {
  readonly entries: HandEntry[] = [];
  readonly leaves: string[] = [];
  readonly notes = new Map<number, string>();
  readonly #first: HandKey;
  #at = 1_700_000_000_000_000_000n;

  constructor(first: HandKey, genesis: CanonicalObject = {}) {
    this.#first = first;
    this.batch([first], { type: 'genesis', body: { format: 1, key: first.vkey, origin: ORIGIN, ...genesis } });
  }

  /** Appends entries and a checkpoint over all, with lines of these keys. */
  batch(keys: readonly HandKey[], ...drafts: readonly HandDraft[]): this {
    this.#at += 1_000_000n;
    const previous = this.notes.get(this.entries.length);
    drafts.forEach(({ type, body, payload, critical, prev, seq, clock }, i) => {
      const salt = createHash('sha256').update(`salt ${this.entries.length}`).digest();
      const text = encodeEntry(
        {
          at: String(this.#at),
          ...(i === 0 && previous !== undefined ? { checkpoint: sha256Hex(utf8Of(previous)) } : {}),
          ...(clock === undefined ? {} : { clock }),
          ...(critical === undefined ? {} : { critical }),
          ...(payload === undefined ? {} : { payload: payloadDigestHex(salt, payload) }),
          prev: prev ?? this.leaves.at(-1) ?? ZERO_HASH_HEX,
          seq: seq ?? this.entries.length,
          type,
        },
        encodeBody(body),
      );
      this.entries.push({ text, payload: payload === undefined ? undefined : { salt, payload } });
      this.leaves.push(leafHashHex(text));
    });
    const text = encodeCheckpoint({ origin: ORIGIN, size: this.entries.length, rootHex: this.rootHex() });
    this.notes.set(
      this.entries.length,
      encodeNote(
        text,
        keys.map((key) => key.line(text)),
      ),
    );
    return this;
  }

  get size(): number {
    return this.entries.length;
  }

  rootHex(): string {
    const frontier = new MerkleFrontier();
    for (const leaf of this.leaves) frontier.push(leaf);
    return frontier.rootHex();
  }

  /** Lines of a bundle with these entries; `closing` are sizes of older checkpoints that it carries. */
  lines(seqs: readonly number[] = [...this.entries.keys()], closing: readonly number[] = []): BundleLine[] {
    const lines: BundleLine[] = [
      {
        line: 'header',
        origin: ORIGIN,
        key: this.#first.vkey,
        checkpoint: this.notes.get(this.size)!,
        selection: {},
      },
    ];
    let contexts = false;
    let at = 0;
    for (const seq of [...seqs, this.size]) {
      for (; at < seq; at = (lines.at(-1) as { to: number }).to) lines.push(this.#subtree(at, seq));
      if (seq === this.size) break;
      const { text, payload } = this.entries[seq]!;
      if (payload !== undefined && !contexts) {
        lines.push({ line: 'context', kind: 'resource', context: RESOURCE });
        lines.push({ line: 'context', kind: 'scope', context: SCOPE });
        contexts = true;
      }
      lines.push({ line: 'entry', seq, entry: utf8Of(text), ...(payload === undefined ? {} : { payload }) });
      at = seq + 1;
      if (closing.includes(at)) lines.push({ line: 'checkpoint', size: at, checkpoint: this.notes.get(at)! });
    }
    lines.push({ line: 'end', entries: seqs.length });
    return lines;
  }

  #subtree(from: number, limit: number): BundleLine {
    let width = 1;
    while (from % (2 * width) === 0 && from + 2 * width <= limit) width *= 2;
    const hash = (start: number, count: number): string =>
      count === 1 ? this.leaves[start]! : nodeHashHex(hash(start, count / 2), hash(start + count / 2, count / 2));
    return { line: 'hash', from, to: from + width, hashHex: hash(from, width) };
  }
}

/** The octets of a bundle. */
export function octetsOf(lines: readonly BundleLine[]): Uint8Array {
  return utf8Of(lines.map(encodeBundleLine).join(''));
}
