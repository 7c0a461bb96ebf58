/** The store around the chain: schema, SQLite's own structures, payloads and the contexts they share. */
import {
  APPLICATION_ID,
  type ContextKind,
  contextDigestHex,
  FormatError,
  hexOf,
  PAYLOAD_DOMAIN,
  SALT_OCTETS,
  SCHEMA,
  type SchemaObject,
  schemaOf,
  sha256Hex,
  utf8Of,
} from '@infrafabric/format';
import { payloadDigestOf } from './entry-view.js';
import { ErasedCursor, returned } from './judge-redactions.js';
import type { Problems } from './report.js';
import type { ContextRow, PayloadRow, StoreSource } from './source.js';

/** What ANALYZE leaves behind; these tables change no answer, only how it is found. */
const STATISTICS: ReadonlyMap<string, string> = new Map([
  ['sqlite_stat1', 'CREATE TABLE sqlite_stat1(tbl,idx,stat)'],
  ['sqlite_stat4', 'CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)'],
]);

/** Compares `sqlite_schema`, as a set, with the expected text for this version. ANALYZE's tables are let pass. */
export function judgeSchema(source: StoreSource, problems: Problems): void {
  const { schema, applicationId, userVersion, encoding } = source.summary();
  const differs = (what: string, column: string): void =>
    problems.add({
      code: 'store.schema',
      column,
      message: `the database schema differs from that of a ledger: ${what}`,
    });
  if (applicationId !== APPLICATION_ID) differs(`application_id is ${applicationId}`, 'application_id');
  const expected = schemaOf(userVersion);
  if (expected === undefined) differs(`user_version is ${userVersion}`, 'user_version');
  if (encoding !== 'UTF-8') differs(`the encoding is ${encoding}`, 'encoding');
  const missing = new Map((expected ?? SCHEMA).map((object) => [keyOf(object), object]));
  for (const object of schema) {
    if (object.type === 'table' && STATISTICS.has(object.name) && STATISTICS.get(object.name) === object.sql) continue;
    if (!missing.delete(keyOf(object))) differs(`unexpected or altered ${object.type} ${object.name}`, object.name);
  }
  for (const { type, name } of missing.values()) differs(`${type} ${name} is missing or altered`, name);
}

function keyOf({ type, name, table, sql }: SchemaObject): string {
  return JSON.stringify([type, name, table, sql]);
}

/** Where payloads lie. */
export const PAYLOAD_TABLES: readonly string[] = ['payloads', 'contexts'];
/** All others; with SQLite's own table goes the list of free pages. */
export const CHAIN_TABLES: readonly string[] = [
  'sqlite_schema',
  ...SCHEMA.filter(({ type, name }) => type === 'table' && !PAYLOAD_TABLES.includes(name)).map(({ name }) => name),
];

/** SQLite's own check of pages, tables and indexes: finds a row that an index no longer yields. */
export function judgeIntegrity(source: StoreSource, problems: Problems, tables: readonly string[]): void {
  // An older schema lacks some of them; where this version lacks one, the comparison of schemas has said so.
  const there = new Set(['sqlite_schema', ...source.summary().schema.map(({ name }) => name)]);
  for (const table of tables) {
    if (!there.has(table)) continue;
    const finding = source.integrityFinding(table);
    if (finding !== undefined)
      problems.add({ code: 'store.integrity', message: `SQLite's integrity check: ${finding}` });
  }
}

/** What the payloads of a range turned out to be; plain data that can cross threads. */
export interface PayloadFindings {
  readonly present: number;
  /** Digests of contexts that no payload of the range names. */
  readonly unnamed: readonly string[];
}

/** Recomputes the digest of every payload with `from` <= seq < `to`, and that of every context. What was erased is not there. */
export function judgePayloads(
  source: StoreSource,
  problems: Problems,
  from = 0,
  to: number = Number.POSITIVE_INFINITY,
): PayloadFindings {
  const judge = new PayloadJudge(problems);
  for (const rows of source.contexts()) for (const row of rows) judge.context(row);
  let present = 0;
  const erased = new ErasedCursor(source, from, to);
  for (const rows of source.payloads(from, to)) {
    for (const row of rows) {
      judge.payload(row);
      if (erased.has(row[0])) returned(row[0], problems);
    }
    present += rows.length;
  }
  return { present, unnamed: judge.unnamed() };
}

/** A context must be named by some payload, in whichever range. */
export function judgeUnnamed(parts: readonly PayloadFindings[], problems: Problems): void {
  const [first, ...rest] = parts.map(({ unnamed }) => new Set(unnamed));
  for (const digest of first ?? []) {
    if (rest.every((unnamed) => unnamed.has(digest))) {
      problems.add({
        code: 'context.unreferenced',
        column: 'contexts',
        message: `no payload names the context ${digest}`,
      });
    }
  }
}

/** Where the digests of resource and scope lie in what is hashed. */
const NAMES_AT = PAYLOAD_DOMAIN.length + SALT_OCTETS;
const NAMES_OCTETS = 64;
/** Payloads of other types name no contexts. */
const SPAN_END = ',"type":"span"}';
const IMPORT_END = ',"type":"import"}';
/** How the payload of a budget begins. An import has that of a budget or that of a span, which begins with a digest. */
const BUDGET_PAYLOAD = utf8Of('{"scope":{');

class PayloadJudge {
  readonly #problems: Problems;
  readonly #contexts = new Map<string, { readonly kind: string; named: boolean }>();
  /** The names that were looked up last: most payloads have those of the one before. */
  #known: Uint8Array | undefined;

  constructor(problems: Problems) {
    this.#problems = problems;
  }

  unnamed(): string[] {
    return [...this.#contexts].filter(([, { named }]) => !named).map(([digest]) => digest);
  }

  context({ digest, kind, context }: ContextRow): void {
    const digestHex = digest === null ? '' : hexOf(digest);
    const isContext = (kind === 'resource' || kind === 'scope') && context !== null;
    if (isContext && contextDigestHex(kind, context) === digestHex)
      this.#contexts.set(digestHex, { kind, named: false });
    else {
      const message = `the context ${digestHex} does not have that digest`;
      this.#problems.add({ code: 'context.digest', column: 'contexts', message });
    }
  }

  payload([seq, digested, entry]: PayloadRow): void {
    const expected = entry === null ? undefined : digestOf(entry, seq);
    if (expected === undefined) {
      const message = `a payload is stored for entry ${seq}, which has none`;
      this.#problems.add({ code: 'payload.unexpected', seq, column: 'payloads', message });
    } else if (digested === null || sha256Hex(digested) !== expected) {
      const message = `the payload of entry ${seq} is not the one that was signed`;
      this.#problems.add({ code: 'payload.digest', seq, column: 'payloads', message });
    } else if (
      (entry!.endsWith(SPAN_END) || (entry!.endsWith(IMPORT_END) && !isBudgetPayload(digested))) &&
      digested.length >= NAMES_AT + NAMES_OCTETS &&
      !this.#namesAsBefore(digested)
    ) {
      this.#name(seq, 'resource', digested.subarray(NAMES_AT, NAMES_AT + 32));
      this.#name(seq, 'scope', digested.subarray(NAMES_AT + 32, NAMES_AT + NAMES_OCTETS));
    }
  }

  #namesAsBefore(digested: Uint8Array): boolean {
    for (let i = 0; i < NAMES_OCTETS; i++) {
      if (digested[NAMES_AT + i] === this.#known?.[i]) continue;
      this.#known = digested.slice(NAMES_AT, NAMES_AT + NAMES_OCTETS);
      return false;
    }
    return true;
  }

  #name(seq: number, kind: ContextKind, digest: Uint8Array): void {
    const context = this.#contexts.get(hexOf(digest));
    if (context?.kind === kind) {
      context.named = true;
      return;
    }
    // The next payload that names it is a finding of its own.
    this.#known = undefined;
    const message = `the ${kind} that the payload of entry ${seq} names is missing`;
    this.#problems.add({ code: 'context.missing', seq, column: 'contexts', message });
  }
}

function isBudgetPayload(digested: Uint8Array): boolean {
  return BUDGET_PAYLOAD.every((octet, i) => digested[NAMES_AT + i] === octet);
}

function digestOf(entry: string, seq: number): string | undefined {
  try {
    return payloadDigestOf(entry, seq);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
