/**
 * Entries of another ledger as `import` entries, ready to be sealed. A payload comes along only where it is the one that the
 * entry binds, and all that it names came too. docs/format.md §import.
 */
import {
  bytesOfHex,
  type ContextKind,
  contextDigestHex,
  decodeSpanPayload,
  type Entry,
  encodeBody,
  encodeNote,
  importBodies,
  parseEntry,
  parseNote,
  payloadDigestHex,
  SALT_OCTETS,
  spanIn,
  utf8Of,
} from '@infrafabric/format';
import type { Context, HeldIds, PreparedImport } from '../prepare.js';
import type { ForeignEntry, ForeignLedger, ForeignRun } from './foreign-ledger.js';

/** An entry of the other ledger, prepared. */
export interface PreparedEntry {
  readonly entry: Entry;
  /** One, or the parts of it. */
  readonly imports: readonly PreparedImport[];
  /** What became of its payload. */
  readonly payload: 'none' | 'kept' | 'missing' | 'refused';
}

/** Contexts kept in memory; a ledger rarely has more. */
const MAX_CACHED = 1_000;
/** How the payload of a budget begins; that of a span begins with a digest. */
const BUDGET_PAYLOAD = utf8Of('{"scope":{');

/** The head of a run. @throws FormatError for what is no note. */
export function prepareHead({ origin, note, vkey }: ForeignRun): PreparedImport {
  const { text, signatures } = parseNote(note);
  // Cosigners may be so many that the note would not fit.
  const own = signatures.filter(({ name }) => name === origin);
  const body = { key: vkey, note: encodeNote(text, own.length > 0 ? own : signatures.slice(0, 1)), origin };
  return { type: 'import', critical: undefined, body: utf8Of(encodeBody(body)), held: undefined, contexts: [] };
}

/** Prepares entries of one other ledger. */
export class ImportPreparer {
  readonly #foreign: ForeignLedger;
  readonly #contexts = new Map<string, readonly Context[]>();

  constructor(foreign: ForeignLedger) {
    this.#foreign = foreign;
  }

  /** @param head seq of the head that it belongs to. @throws FormatError for what is no entry. */
  prepare({ seq, text, payload }: ForeignEntry, head: number, origin: string): PreparedEntry {
    const entry = parseEntry(text);
    const held = idsOfHeld(entry);
    const bodies = importBodies(utf8Of(text), { head, origin, seq });
    const contexts = payload === undefined ? undefined : this.#fitting(entry, payload);
    const kept =
      contexts === undefined ? {} : { salt: payload!.salt, payload: payload!.payload, digestHex: entry.payload! };
    return {
      entry,
      imports: bodies.map((body, part): PreparedImport => {
        const json = utf8Of(encodeBody(body));
        if (part > 0) return { type: 'import', critical: undefined, body: json, held: undefined, contexts: [] };
        return { type: 'import', critical: undefined, body: json, held, contexts: contexts ?? [], ...kept };
      }),
      payload:
        entry.payload === undefined
          ? 'none'
          : contexts !== undefined
            ? 'kept'
            : payload === undefined
              ? 'missing'
              : 'refused',
    };
  }

  /** The contexts that a payload names; undefined where it is not the entry's, or something that it names is not there. */
  #fitting(entry: Entry, { salt, payload }: NonNullable<ForeignEntry['payload']>): readonly Context[] | undefined {
    if (salt.length !== SALT_OCTETS || payloadDigestHex(salt, payload) !== entry.payload) return undefined;
    const isBudgets = BUDGET_PAYLOAD.every((octet, i) => payload[i] === octet);
    if (isBudgets) return entry.type === 'span' ? undefined : [];
    // A judge takes any other payload of an import for that of a span.
    return entry.type === 'span' || entry.type === 'import' ? this.#contextsOf(payload) : undefined;
  }

  #contextsOf(payload: Uint8Array): readonly Context[] | undefined {
    const parts = decodeSpanPayload(payload);
    if (parts === undefined) return undefined;
    const key = parts.resourceDigestHex + parts.scopeDigestHex;
    const known = this.#contexts.get(key);
    if (known !== undefined) return known;
    const [resource, scope] = [
      this.#context('resource', parts.resourceDigestHex),
      this.#context('scope', parts.scopeDigestHex),
    ];
    if (resource === undefined || scope === undefined) return undefined;
    if (this.#contexts.size >= MAX_CACHED) this.#contexts.clear();
    const pair = [resource, scope];
    this.#contexts.set(key, pair);
    return pair;
  }

  #context(kind: ContextKind, digestHex: string): Context | undefined {
    const bytes = this.#foreign.context(kind, digestHex);
    if (bytes === undefined || contextDigestHex(kind, bytes) !== digestHex) return undefined;
    return { kind, digestHex, bytes };
  }
}

/** Of the span that an entry is, or imports: what a judge will find in the import of it. */
function idsOfHeld(entry: Entry): HeldIds | undefined {
  const body = spanIn(entry)?.body;
  if (body === undefined) return undefined;
  const { business, business_parent, span, trace } = body as Readonly<Record<string, string | undefined>>;
  return {
    ids: { traceId: bytesOfHex(trace!), spanId: bytesOfHex(span!) },
    business,
    businessParent: business_parent,
  };
}
