/** Entries, payloads and contexts octet for octet, as a JSON export has them beside their meaning so that `import` can restore them. */
import { base64Of, decodeSpanPayload, hexOf, textOfUtf8, utf8Of } from '@infrafabric/format';
import type { LedgerReader, StoredPayload } from '@infrafabric/ledger/reader';
import type { JsonOut } from '../json-text.js';

/** Reads one ledger, and remembers which resources and scopes were named. */
export class StoredOctets {
  readonly #reader: LedgerReader;
  readonly #resources = new Set<string>();
  readonly #scopes = new Set<string>();

  constructor(reader: LedgerReader) {
    this.#reader = reader;
  }

  /** Octets of an entry in base64; of its payload too, with the salt in hex, where it is there. */
  of(seq: number): { readonly [member: string]: string | undefined } {
    const text = this.#reader.entryText(seq) ?? '';
    const stored = this.#reader.payload(seq);
    this.#note(stored);
    return {
      // Of octets that are no UTF-8 the decoder kept nothing that could be restored.
      entry: isExact(text, this.#reader, seq) ? base64Of(utf8Of(text)) : undefined,
      salt: stored && hexOf(stored.salt),
      payload: stored && base64Of(stored.payload),
    };
  }

  /** Resources and scopes that the payloads named so far, each once. */
  *contexts(): Generator<{ readonly [member: string]: JsonOut }> {
    for (const [kind, digests] of [
      ['resource', this.#resources],
      ['scope', this.#scopes],
    ] as const) {
      for (const digest of digests) {
        const octets = this.#reader.context(Buffer.from(digest, 'hex'));
        if (octets instanceof Uint8Array) yield { kind, digest, octets: base64Of(octets) };
      }
    }
  }

  #note(stored: StoredPayload | undefined): void {
    if (!(stored?.payload instanceof Uint8Array)) return;
    const parts = decodeSpanPayload(stored.payload);
    if (parts === undefined) return;
    this.#resources.add(parts.resourceDigestHex);
    this.#scopes.add(parts.scopeDigestHex);
  }
}

function isExact(text: string, reader: LedgerReader, seq: number): boolean {
  if (!text.includes('\ufffd')) return text !== '';
  try {
    return textOfUtf8(reader.entryOctets(seq).entry) === text;
  } catch {
    return false;
  }
}
