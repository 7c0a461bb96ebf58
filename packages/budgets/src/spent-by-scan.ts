/**
 * What was spent, by reading every entry: slow to start on a large ledger, and obviously right. It counts each span that has
 * a charge; whether a span repeats what another says is not its question.
 */

import { labelsOf } from '@infrafabric/accounting';
import { isInScope, type Scope, type Spent } from '@infrafabric/accounting/budgets';
import { type CanonicalObject, decodeSpanPayload, type SpanBody, spanOfEntry } from '@infrafabric/format';
import type { LedgerView } from '@infrafabric/ledger/reader';
import { decodeResourceContext, decodeScopeContext, decodeSpan, type KeyValue } from '@infrafabric/otlp';
import type { SpentSource } from './spent-source.js';

/** What it reads of a ledger; `LedgerReader` is one. */
export type ScannedLedger = Pick<LedgerView, 'entriesFrom' | 'entryText' | 'payload' | 'context' | 'entryCount'>;

interface Call {
  readonly seq: number;
  readonly startUnixNano: bigint;
  readonly scope: Scope;
  readonly isUnknown: boolean;
  source: string | undefined;
  /** US dollars; undefined when unpriced or in another currency. */
  pico: bigint | undefined;
}

/** The tenant that a span, or else its resource, names. */
const TENANT = 'tenant.id';
const NOTHING: Uint8Array = new Uint8Array();

/** Keeps a line for each span that has usage or a charge. */
export class SpentByScan implements SpentSource {
  readonly #ledger: ScannedLedger;
  readonly #calls = new Map<number, Call>();
  /** Parent flows of business trace ids. */
  readonly #parents = new Map<string, string>();
  readonly #private = new Map<number, Scope>();
  #size = 0;

  constructor(ledger: ScannedLedger) {
    this.#ledger = ledger;
    this.catchUp();
  }

  get size(): number {
    return this.#size;
  }

  catchUp(): void {
    if (this.#ledger.entryCount() === this.#size) return;
    for (const { seq, entry } of this.#ledger.entriesFrom(this.#size)) {
      const span = spanOfEntry(entry, (at) => this.#ledger.entryText(at));
      if (span !== undefined) this.#takeSpan(seq, span.body as unknown as SpanBody);
      else if (entry.type === 'adjustment') this.#takeAdjustment(entry.body);
      this.#size = seq + 1;
    }
  }

  spent(scope: Scope, sinceUnixNano: bigint | undefined, untilUnixNano: bigint | undefined): Spent {
    let pico = 0n;
    let estimatedPico = 0n;
    let unpriced = 0;
    let unknown = 0;
    for (const call of this.#calls.values()) {
      if (sinceUnixNano !== undefined && call.startUnixNano < sinceUnixNano) continue;
      if (untilUnixNano !== undefined && call.startUnixNano >= untilUnixNano) continue;
      if (!this.#isIn(scope, call)) continue;
      if (call.isUnknown) unknown++;
      if (call.source === 'unpriced') unpriced++;
      pico += call.pico ?? 0n;
      if (call.source === 'estimated') estimatedPico += call.pico ?? 0n;
    }
    return { pico, estimatedPico, unpriced, unknown };
  }

  #takeSpan(seq: number, body: SpanBody): void {
    const { usage, charge, business, business_parent, component, service } = body;
    if (business !== undefined && business_parent !== undefined) this.#parents.set(business, business_parent);
    if (charge === undefined || body.conflict !== undefined) return;
    const isUnknown = usage?.marks?.includes('unknown') === true;
    if (!isUnknown && usage?.tokens === undefined && charge.cost === undefined) return;
    const texts = { business, component, model: usage?.model, provider: usage?.provider, service };
    this.#calls.set(seq, {
      seq,
      startUnixNano: BigInt(body.start),
      scope: Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== undefined)),
      isUnknown,
      source: charge.source,
      pico: charge.currency === 'USD' && charge.cost !== undefined ? BigInt(charge.cost) : undefined,
    });
  }

  #takeAdjustment({ target, charge }: CanonicalObject): void {
    const call = this.#calls.get(Number(target));
    const { cost, currency, source } = (charge ?? {}) as CanonicalObject;
    if (call === undefined) return;
    call.source = String(source);
    call.pico = currency === 'USD' && typeof cost === 'string' ? BigInt(cost) : undefined;
  }

  #isIn({ business, session, tenant, user, ...clear }: Scope, call: Call): boolean {
    if (!isInScope(clear, call.scope)) return false;
    if (business !== undefined && !this.#isUnder(business, call.scope.business)) return false;
    if (session === undefined && tenant === undefined && user === undefined) return true;
    const hidden = Object.fromEntries(
      Object.entries({ session, tenant, user }).filter(([, text]) => text !== undefined),
    );
    return isInScope(hidden, this.#privateOf(call.seq));
  }

  #isUnder(ancestor: string, business: string | undefined): boolean {
    const passed = new Set<string>();
    for (let flow = business; flow !== undefined && !passed.has(flow); flow = this.#parents.get(flow)) {
      if (flow === ancestor) return true;
      passed.add(flow);
    }
    return false;
  }

  /** From the payload, which is read only for budgets that ask. Once erased, a span is nobody's. */
  #privateOf(seq: number): Scope {
    let scope = this.#private.get(seq);
    if (scope === undefined) {
      scope = this.#readPrivate(seq);
      this.#private.set(seq, scope);
    }
    return scope;
  }

  #readPrivate(seq: number): Scope {
    const payload = this.#ledger.payload(seq)?.payload;
    const parts = payload === undefined ? undefined : decodeSpanPayload(payload);
    if (parts === undefined) return {};
    const context = (digestHex: string): Uint8Array => this.#ledger.context(Buffer.from(digestHex, 'hex')) ?? NOTHING;
    const resource = decodeResourceContext(context(parts.resourceDigestHex));
    const span = decodeSpan(parts.span, resource, decodeScopeContext(context(parts.scopeDigestHex)));
    const { session, user } = labelsOf(span.attributes);
    const tenant = textOf(span.attributes) ?? textOf(resource.attributes);
    return {
      ...(session === undefined ? {} : { session }),
      ...(user === undefined ? {} : { user }),
      ...(tenant === undefined ? {} : { tenant }),
    };
  }
}

function textOf(attributes: readonly KeyValue[]): string | undefined {
  const value = attributes.find(([key]) => key === TENANT)?.[1];
  return typeof value === 'string' ? value : undefined;
}
