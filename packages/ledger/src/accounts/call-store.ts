/** The rows of `calls`: written once, their verdict changed as more of their trace arrives. */
import { type CountableSpan, inclusiveInput } from '@infrafabric/accounting';
import { bytesOfHex, hexOf } from '@infrafabric/format';
import { type Connection, statement } from '../database.js';
import type { GroupOf, TimeRange, Verdict } from './answers.js';
import type { Call, Price } from './call-of-entry.js';
import { addCall, type CallFacts, noSums, type Sums } from './sums.js';

/** A call as stored. */
export interface StoredCall extends Omit<CountableSpan, 'cost' | 'tokens' | 'isUnknownCall'>, CallFacts {
  readonly group: number;
  /** Span id, hex. */
  readonly parent: string | undefined;
  readonly verdict: StoredVerdict | undefined;
}

/** Members that are there say why a call does not count, or whose cost is its own. */
export interface StoredVerdict {
  readonly why?: string;
  readonly by?: number;
  readonly costFrom?: number;
}

/** Facts that are only read again, never looked for, as one JSON text. */
interface StoredFacts {
  readonly tokens?: CallFacts['tokens'];
  readonly unknown?: true;
  readonly source?: CallFacts['source'];
  readonly pico?: string;
  readonly currency?: string;
  readonly model?: string;
  readonly estimated?: true;
  readonly units?: true;
  readonly parent?: string;
}

/** Whose call it was; not signed in clear because it may have to be erased. */
export interface Belongs {
  readonly session: string | undefined;
  readonly user: string | undefined;
}

/** A row of a counted call. */
export interface CountedRow {
  readonly seq: number;
  readonly traceHex: string;
  readonly startUnixNano: bigint;
  readonly business: string | undefined;
  readonly session: string | undefined;
  readonly user: string | undefined;
  readonly currency: string;
  readonly sums: Sums;
  readonly group: number;
}

const STORED = 'seq, trace, span, scope, start, finish, response, grp, facts, verdict';

/** Reads and writes calls. */
export class CallStore {
  readonly #db: Connection;

  constructor(db: Connection) {
    this.#db = db;
  }

  /** Id of what a call has in common with others. */
  groupId(group: GroupOf): number {
    const name = groupName(group);
    const known = this.#get('SELECT id FROM groups WHERE name = ?').pluck().get(name) as number | undefined;
    return known ?? Number(this.#get('INSERT INTO groups (name) VALUES (?)').run(name).lastInsertRowid);
  }

  /** All groups by id. */
  groups(): Map<number, GroupOf> {
    const rows = this.#get('SELECT id, name FROM groups').raw().all() as [number, string][];
    return new Map(rows.map(([id, name]) => [id, groupOfName(name)]));
  }

  insert(call: Call, group: number, { session, user }: Belongs): void {
    const counts = inclusiveCounts(call);
    this.#get(
      `INSERT INTO calls (seq, trace, span, scope, plain, start, finish, input, output, response, business, session, person, grp, facts)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      call.seq,
      bytesOfHex(call.traceId),
      bytesOfHex(call.spanId),
      call.scope,
      call.parent === undefined && call.response === undefined && !call.isRepeated ? 1 : 0,
      call.startUnixNano,
      call.endUnixNano,
      counts?.input ?? null,
      counts?.output ?? null,
      call.response ?? null,
      call.business ?? null,
      session ?? null,
      user ?? null,
      group,
      encodeFacts(call),
    );
  }

  setVerdict(seq: number, verdict: StoredVerdict | undefined): void {
    this.#get('UPDATE calls SET verdict = ? WHERE seq = ?').run(
      verdict === undefined ? null : JSON.stringify(verdict),
      seq,
    );
  }

  /** Another price for a call. */
  reprice(call: StoredCall, { card, match, ...facts }: Price): StoredCall {
    const before = this.#get('SELECT name FROM groups WHERE id = ?').pluck().get(call.group) as string;
    const repriced = { ...call, ...facts, group: this.groupId({ ...groupOfName(before), card, match }) };
    this.#get('UPDATE calls SET grp = ?, facts = ? WHERE seq = ?').run(repriced.group, encodeFacts(repriced), call.seq);
    return repriced;
  }

  /** What was erased in the ledger is erased here. */
  forget(seq: number): void {
    this.#get('UPDATE calls SET session = NULL, person = NULL WHERE seq = ?').run(seq);
  }

  get(seq: number): StoredCall | undefined {
    return this.#rows(`SELECT ${STORED} FROM calls WHERE seq = ?`, seq)[0];
  }

  ofTrace(traceHex: string): StoredCall[] {
    return this.#rows(`SELECT ${STORED} FROM calls WHERE trace = ? ORDER BY seq`, bytesOfHex(traceHex));
  }

  /** Whether nothing relates the calls of a trace to each other: then each counts, unless another trace tells of it too. */
  isPlain(traceHex: string): boolean {
    const [plain, first, last] = this.#get('SELECT min(plain), min(scope), max(scope) FROM calls WHERE trace = ?')
      .raw()
      .get(bytesOfHex(traceHex)) as [number | null, string | null, string | null];
    return plain === 1 && first === last;
  }

  hasTrace(traceHex: string): boolean {
    return this.#get('SELECT 1 FROM calls WHERE trace = ?').get(bytesOfHex(traceHex)) !== undefined;
  }

  /** Traces, hex, of calls in other traces that could be the same call. */
  tracesOfPartners({ traceId, scope, response, startUnixNano, endUnixNano, tokens }: StoredCall): string[] {
    const found = new Set<string>();
    const trace = bytesOfHex(traceId);
    const take = (sql: string, ...values: unknown[]): void => {
      for (const other of this.#get(sql)
        .pluck()
        .all(...values) as Uint8Array[])
        found.add(hexOf(other));
    };
    if (response !== undefined)
      take('SELECT DISTINCT trace FROM calls WHERE response = ? AND trace <> ?', response, trace);
    const counts = inclusiveCounts({ tokens });
    if (counts === undefined) return [...found];
    // From scope to scope by the index, so that a million calls of one scope with equal counts are not looked at.
    const nextScope = this.#get(
      'SELECT scope FROM calls WHERE input = ? AND output = ? AND scope > ? ORDER BY scope LIMIT 1',
    ).pluck();
    for (
      let other = nextScope.get(counts.input, counts.output, '') as string | undefined;
      other !== undefined;
      other = nextScope.get(counts.input, counts.output, other) as string | undefined
    ) {
      if (other === scope) continue;
      take(
        `SELECT DISTINCT trace FROM calls
         WHERE input = ? AND output = ? AND scope = ? AND start BETWEEN ? AND ? AND finish >= ? AND trace <> ? LIMIT 64`,
        counts.input,
        counts.output,
        other,
        startUnixNano - LONGEST_CALL_NANO,
        endUnixNano,
        startUnixNano,
        trace,
      );
    }
    return [...found];
  }

  verdictOf(seq: number): Verdict | undefined {
    const row = this.get(seq);
    if (row === undefined) return undefined;
    const { why, by, costFrom } = row.verdict ?? {};
    return { counts: why === undefined, why, by, costFrom };
  }

  notCounted(): ReadonlySet<number> {
    const rows = this.#get(
      "SELECT seq FROM calls WHERE verdict IS NOT NULL AND json_extract(verdict, '$.why') IS NOT NULL",
    );
    return new Set(rows.pluck().all() as number[]);
  }

  /** Calls that count, in order of their start. */
  *counted({ sinceUnixNano, untilUnixNano }: TimeRange): Generator<CountedRow> {
    type Row = [bigint, Uint8Array, bigint, string | null, string | null, string | null, bigint, string, string | null];
    const rows = this.#get(
      `SELECT seq, trace, start, business, session, person, grp, facts, verdict FROM calls
       WHERE (start, seq) > (?, ?) AND start < ? ORDER BY start, seq LIMIT 1000`,
    )
      .raw()
      .safeIntegers();
    let after: [bigint, bigint] = [(sinceUnixNano ?? 0n) - 1n, BigInt(Number.MAX_SAFE_INTEGER)];
    for (;;) {
      const chunk = rows.all(...after, untilUnixNano ?? 2n ** 63n - 1n) as Row[];
      for (const [seq, trace, start, business, session, person, group, factsText, verdictText] of chunk) {
        const verdict = verdictText === null ? undefined : (JSON.parse(verdictText) as StoredVerdict);
        if (verdict?.why !== undefined) continue;
        const facts = this.#charged(decodeFacts(factsText), verdict);
        const sums = noSums();
        addCall(sums, facts, 1n);
        yield {
          seq: Number(seq),
          traceHex: hexOf(trace),
          startUnixNano: start,
          business: business ?? undefined,
          session: session ?? undefined,
          user: person ?? undefined,
          currency: facts.currency,
          sums,
          group: Number(group),
        };
      }
      const last = chunk.at(-1);
      if (last === undefined) return;
      after = [last[2], last[0]];
    }
  }

  /** The facts of a call with the cost that counts for it. */
  #charged(facts: CallFacts, verdict: StoredVerdict | undefined): CallFacts {
    if (verdict?.costFrom === undefined) return facts;
    const other = this.get(verdict.costFrom);
    return other === undefined ? facts : { ...facts, source: other.source, pico: other.pico, currency: other.currency };
  }

  /** What a stored call adds to the sums; undefined where it does not count. */
  contribution(call: StoredCall): CallFacts | undefined {
    return call.verdict?.why === undefined ? this.#charged(call, call.verdict) : undefined;
  }

  #rows(sql: string, ...values: unknown[]): StoredCall[] {
    type Row = [bigint, Uint8Array, Uint8Array, string, bigint, bigint, string | null, bigint, string, string | null];
    const rows = this.#get(sql)
      .raw()
      .safeIntegers()
      .all(...values) as Row[];
    return rows.map(([seq, trace, span, scope, start, finish, response, group, facts, verdict]) => ({
      seq: Number(seq),
      traceId: hexOf(trace),
      spanId: hexOf(span),
      scope,
      startUnixNano: start,
      endUnixNano: finish,
      response: response ?? undefined,
      group: Number(group),
      ...decodeFacts(facts),
      verdict: verdict === null ? undefined : (JSON.parse(verdict) as StoredVerdict),
    }));
  }

  #get(sql: string): ReturnType<typeof statement> {
    return statement(this.#db, sql);
  }
}

/** Calls of a provider last minutes; two that began further apart are not one. */
const LONGEST_CALL_NANO = 3_600_000_000_000n;

/** What two instrumentations of one call agree on: see `mayBeSameCall`. Sums that a column cannot hold are no match. */
function inclusiveCounts({ tokens }: Pick<CallFacts, 'tokens'>): { input: number; output: number } | undefined {
  if (tokens === undefined) return undefined;
  const input = inclusiveInput(tokens);
  return Number.isSafeInteger(input) ? { input, output: tokens.output ?? 0 } : undefined;
}

function groupName({ component, model, provider, service, card, match }: GroupOf): string {
  return JSON.stringify([component, model, provider, service, card, match].map((text) => text ?? null));
}

function groupOfName(name: string): GroupOf {
  const [component, model, provider, service, card, match] = (JSON.parse(name) as (string | null)[]).map(
    (text) => text ?? undefined,
  );
  return { component, model, provider, service, card, match };
}

type Facts = CallFacts & Pick<StoredCall, 'model' | 'isEstimated' | 'hasUnits' | 'parent'>;

function encodeFacts(facts: Facts): string {
  const { tokens, isUnknownCall, source, pico, currency, model, isEstimated, hasUnits, parent } = facts;
  const stored: StoredFacts = {
    ...(tokens === undefined ? {} : { tokens }),
    ...(isUnknownCall ? { unknown: true } : {}),
    ...(source === undefined ? {} : { source }),
    ...(pico === undefined ? {} : { pico: String(pico) }),
    ...(currency === 'USD' ? {} : { currency }),
    ...(model === undefined ? {} : { model }),
    ...(isEstimated ? { estimated: true } : {}),
    ...(hasUnits ? { units: true } : {}),
    ...(parent === undefined ? {} : { parent }),
  };
  return JSON.stringify(stored);
}

function decodeFacts(text: string): Facts {
  const { tokens, unknown, source, pico, currency, model, estimated, units, parent } = JSON.parse(text) as StoredFacts;
  return {
    tokens,
    isUnknownCall: unknown === true,
    source,
    pico: pico === undefined ? undefined : BigInt(pico),
    currency: currency ?? 'USD',
    model,
    isEstimated: estimated === true,
    hasUnits: units === true,
    parent,
  };
}
