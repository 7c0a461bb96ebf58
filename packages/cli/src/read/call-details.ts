/** What a call's span says beside its entry: attributes, and members of `witness.payload`. Foreign text, bounded here. */
import type { AnyValue, SpanRecord } from '@infrafabric/otlp';
import { WITNESS_PAYLOAD } from '@infrafabric/semconv';
import type { SpanPayloads, WholeSpan } from './span-payloads.js';

/** Longer names, ids and reasons are cut: they are kept for every call of a ledger. */
const MAX_CHARACTERS = 1_000;

/** Looks things up, never throws. A span whose payload is gone says nothing. */
export class CallDetails {
  readonly #attributes = new Map<string, AnyValue>();
  readonly #members: Readonly<Record<string, unknown>>;
  /** Seq of the redaction entry that erased the payload, so that nothing is said. */
  readonly erasedBy: number | undefined;

  /** Of an entry. @throws LedgerError */
  static of(payloads: SpanPayloads, seq: number): CallDetails {
    const span = payloads.spanOf(seq);
    return new CallDetails(span, span === 'erased' ? payloads.erasedBy(seq) : undefined);
  }

  private constructor(span: WholeSpan, erasedBy: number | undefined) {
    this.erasedBy = erasedBy;
    if (typeof span !== 'string') keepFirst(this.#attributes, span);
    this.#members = membersOf(this.#attributes.get(WITNESS_PAYLOAD));
  }

  /** The first of these attributes that is there, as text: not empty, no composite. */
  attribute(...names: readonly string[]): string | undefined {
    for (const name of names) {
      const text = plainText(this.#attributes.get(name));
      if (text !== undefined) return text;
    }
    return undefined;
  }

  /** The first of these payload members that is there, as text. */
  member(...names: readonly string[]): string | undefined {
    for (const name of names) {
      const text = Object.hasOwn(this.#members, name) ? plainText(this.#members[name]) : undefined;
      if (text !== undefined) return text;
    }
    return undefined;
  }

  /** The first text of a payload member that is a list. */
  firstOf(name: string): string | undefined {
    const list = Object.hasOwn(this.#members, name) ? this.#members[name] : undefined;
    return Array.isArray(list) ? plainText(list[0]) : undefined;
  }

  /** A payload member as a number; undefined unless it is a finite one. */
  number(name: string): number | undefined {
    const value = Object.hasOwn(this.#members, name) ? this.#members[name] : undefined;
    return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
  }
}

function keepFirst(into: Map<string, AnyValue>, { attributes }: SpanRecord): void {
  for (const [key, value] of attributes) if (!into.has(key)) into.set(key, value);
}

function membersOf(payload: AnyValue | undefined): Readonly<Record<string, unknown>> {
  if (typeof payload !== 'string') return {};
  try {
    const value: unknown = JSON.parse(payload);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function plainText(value: unknown): string | undefined {
  const isPlain = ['string', 'number', 'bigint', 'boolean'].includes(typeof value);
  const text = isPlain ? String(value) : '';
  return text === '' ? undefined : text.slice(0, MAX_CHARACTERS);
}
