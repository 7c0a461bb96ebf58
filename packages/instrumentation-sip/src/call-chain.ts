/**
 * The chain within a call: `event_hash` is SHA-256 of the event's canonical payload (RFC 8785) without the two hashes,
 * `chain_hash` is HMAC-SHA256 of the same, keyed with the hex text of the previous event's `event_hash`; null for the
 * first. It shows a lost, moved or edited event of an export. Its keys are public: whoever edits can hash again. The
 * ledger proves, this orders.
 */
import type { Payload } from '@infrafabric/events';
import { sha256Hex } from '@infrafabric/format';
import { canonicalPayload } from './canonical-payload.js';
import { hmacKeyedWithHash } from './hash-keyed-hmac.js';

/** The two links of an event, hex. */
export interface ChainLinks {
  readonly event_hash: string;
  readonly chain_hash: string | null;
}

/** Grows with a call. */
export class CallChain {
  #lastEventHash: string | undefined;
  #length = 0;

  /** `event_hash` of the last event. */
  get lastEventHash(): string | undefined {
    return this.#lastEventHash;
  }

  /** Events so far. */
  get length(): number {
    return this.#length;
  }

  /** Links the next event. @param payload canonical text of it, without the two hashes */
  append(payload: string): ChainLinks {
    const links = linksOf(payload, this.#lastEventHash);
    this.#lastEventHash = links.event_hash;
    this.#length++;
    return links;
  }
}

/** What a look at the events of one call found. */
export interface CallChainReport {
  readonly isIntact: boolean;
  /** Events looked at. */
  readonly events: number;
  /** Place (from 0) of the first event that does not follow from the one before; undefined when intact. */
  readonly firstBroken: number | undefined;
}

/**
 * Recomputes the chain of a call from its payloads, in order, as `witness.payload` has them. Compare the last
 * `event_hash` with the call's `sip.last_event_hash` to see a missing end. Never throws.
 */
export function verifyCallChain(payloads: readonly Payload[]): CallChainReport {
  let previous: string | undefined;
  for (const [at, payload] of payloads.entries()) {
    const { event_hash, chain_hash, ...content } = payload;
    const expected = linksOf(canonicalPayload(content), previous);
    if (event_hash !== expected.event_hash || chain_hash !== expected.chain_hash) {
      return { isIntact: false, events: payloads.length, firstBroken: at };
    }
    previous = expected.event_hash;
  }
  return { isIntact: true, events: payloads.length, firstBroken: undefined };
}

/** A payload's canonical text with its links put behind its last member: what `witness.payload` holds. */
export function withLinks(payload: string, links: ChainLinks): string {
  const chainHash = links.chain_hash === null ? 'null' : `"${links.chain_hash}"`;
  return `${payload.slice(0, -1)},"event_hash":"${links.event_hash}","chain_hash":${chainHash}}`;
}

function linksOf(payload: string, previous: string | undefined): ChainLinks {
  return {
    event_hash: sha256Hex(payload),
    chain_hash: previous === undefined ? null : hmacKeyedWithHash(previous, payload),
  };
}
