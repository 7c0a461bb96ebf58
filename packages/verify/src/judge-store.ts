/** The store around the chain: schema, SQLite's own structures, payloads and the contexts they share. */
import {
  APPLICATION_ID,
  type ContextKind,
  contextDigestHex,
  decodeSpanPayload,
  FormatError,
  hexOf,
  PAYLOAD_DOMAIN,
  SALT_OCTETS,
  SCHEMA,
  SCHEMA_VERSION,
  type SchemaObject,
  sha256Hex,
} from '@infrafabric/format';
import { viewEntry } from './entry-view.js';
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
  if (userVersion !== SCHEMA_VERSION) differs(`user_version is ${userVersion}`, 'user_version');
  if (encoding !== 'UTF-8') differs(`the encoding is ${encoding}`, 'encoding');
  const missing = new Map(SCHEMA.map((object) => [keyOf(object), object]));
  for (const object of schema) {
    if (object.type === 'table' && STATISTICS.has(object.name) && STATISTICS.get(object.name) === object.sql) continue;
    if (!missing.delete(keyOf(object))) differs(`unexpected or altered ${object.type} ${object.name}`, object.name);
  }
  for (const { type, name } of missing.values()) differs(`${type} ${name} is missing or altered`, name);
}

function keyOf({ type, name, table, sql }: SchemaObject): string {
  return JSON.stringify([type, name, table, sql]);
}

/** SQLite's own check of pages, tables and indexes: finds a row that an index no longer yields. */
export function judgeIntegrity(source: StoreSource, problems: Problems): void {
  for (const finding of source.integrityFindings()) {
    problems.add({ code: 'store.integrity', message: `SQLite's integrity check: ${finding}` });
  }
}

/** What the payloads of a range turned out to be; plain data that can cross threads. */
export interface PayloadFindings {
  readonly present: number;
  /** Digests of contexts that no payload of the range names. */
  readonly unnamed: readonly string[];
}

/** Recomputes the digest of every payload with `from` <= seq < `to`, and that of every context. */
export function judgePayloads(
  source: StoreSource,
  problems: Problems,
  from = 0,
  to: number = Number.POSITIVE_INFINITY,
): PayloadFindings {
  const contexts = new Map<string, { readonly kind: string; named: boolean }>();
  for (const rows of source.contexts()) for (const row of rows) judgeContext(row, contexts, problems);
  let present = 0;
  for (const rows of source.payloads(from, to)) {
    for (const row of rows) judgePayload(row, contexts, problems);
    present += rows.length;
  }
  return { present, unnamed: [...contexts].filter(([, { named }]) => !named).map(([digest]) => digest) };
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

function judgeContext(
  { digest, kind, context }: ContextRow,
  contexts: Map<string, { kind: string; named: boolean }>,
  problems: Problems,
): void {
  const digestHex = digest === null ? '' : hexOf(digest);
  if ((kind === 'resource' || kind === 'scope') && context !== null && contextDigestHex(kind, context) === digestHex) {
    contexts.set(digestHex, { kind, named: false });
  } else
    problems.add({
      code: 'context.digest',
      column: 'contexts',
      message: `the context ${digestHex} does not have that digest`,
    });
}

function judgePayload(
  [seq, digested, entry]: PayloadRow,
  contexts: Map<string, { kind: string; named: boolean }>,
  problems: Problems,
): void {
  const expected = payloadDigestOf(entry);
  if (expected === undefined) {
    problems.add({
      code: 'payload.unexpected',
      seq,
      column: 'payloads',
      message: `a payload is stored for entry ${seq}, which has none`,
    });
    return;
  }
  if (digested === null || sha256Hex(digested) !== expected) {
    problems.add({
      code: 'payload.digest',
      seq,
      column: 'payloads',
      message: `the payload of entry ${seq} is not the one that was signed`,
    });
    return;
  }
  const parts = decodeSpanPayload(digested.subarray(PAYLOAD_DOMAIN.length + SALT_OCTETS));
  if (parts === undefined) return;
  nameContext(seq, 'resource', parts.resourceDigestHex, contexts, problems);
  nameContext(seq, 'scope', parts.scopeDigestHex, contexts, problems);
}

function nameContext(
  seq: number,
  kind: ContextKind,
  digestHex: string,
  contexts: Map<string, { kind: string; named: boolean }>,
  problems: Problems,
): void {
  const context = contexts.get(digestHex);
  if (context?.kind === kind) context.named = true;
  else
    problems.add({
      code: 'context.missing',
      seq,
      column: 'contexts',
      message: `the ${kind} that the payload of entry ${seq} names is missing`,
    });
}

function payloadDigestOf(entry: string | null): string | undefined {
  if (entry === null) return undefined;
  try {
    return viewEntry(entry).payload;
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
