/** Which entries belong to an id that a person asks for, and how they group into flows. */
import { isTraceId, traceIdOfBusinessId } from '@infrafabric/format';
import type { LedgerReader, StoredEntry } from '@infrafabric/ledger/reader';
import { CliError } from '../cli-error.js';
import { adjustedEntry, type SpanEntry, spanEntryOf } from './span-entry.js';

/** Entries that belong together: those of one business trace id, or of one OpenTelemetry trace. */
export interface Flow {
  /** The business trace id, or the OpenTelemetry trace id that was asked for. */
  readonly id: string;
  /** In order of start, then of seq. */
  readonly entries: SpanEntry[];
  readonly children: Flow[];
}

/** Everything under an id. */
export interface TraceSelection {
  readonly root: Flow;
  /** The business trace id that was asked for; undefined when an OpenTelemetry trace was. */
  readonly businessId: string | undefined;
  /** Distinct, in order of first appearance. */
  readonly otelTraceIds: readonly string[];
}

/** Shortest beginning of an OpenTelemetry trace id that is looked up. */
const SHORTEST_PREFIX = 4;
const MAX_CANDIDATES = 10;

/**
 * Everything under a business trace id: its own entries, those of its child flows at any depth, and of the OpenTelemetry
 * traces that these are in all that name no flow, because automatic instrumentation does not put the business id on every
 * span; what names another flow is that one's. Or an OpenTelemetry trace, by its id or an unambiguous beginning of it.
 * @throws CliError `not-found` (exit code 1), `ambiguous`, `ledger`.
 */
export function selectTrace(reader: LedgerReader, id: string): TraceSelection {
  const derived = traceIdOfBusinessId(id);
  const isBusiness =
    reader.seqsOfBusiness(id).length > 0 ||
    reader.seqsOfBusinessParent(id).length > 0 ||
    // A trace id derives itself: asked for without being anybody's business id, it is the trace's own.
    (derived !== id && reader.seqsOfTrace(derived).length > 0);
  return new Selector(reader).select(id, isBusiness ? undefined : findTraceId(reader, id));
}

function findTraceId(reader: LedgerReader, id: string): string {
  const prefix = id.toLowerCase();
  const missing = (): CliError => new CliError('not-found', `no entry under trace id ${id}`, { exitCode: 1 });
  if (!/^[0-9a-f]{1,32}$/.test(prefix) || prefix.length < SHORTEST_PREFIX) throw missing();
  const found = reader.traceIdsWithPrefix(prefix, MAX_CANDIDATES + 1).filter((traceId) => isTraceId(traceId));
  if (found.length === 0) throw missing();
  if (found.length > 1) {
    const shown = found.slice(0, MAX_CANDIDATES);
    const more = found.length > MAX_CANDIDATES ? ', and more' : '';
    throw new CliError('ambiguous', `${id} is the beginning of several trace ids: ${shown.join(', ')}${more}`, {
      hint: 'write more of it',
    });
  }
  return found[0]!;
}

class Selector {
  readonly #reader: LedgerReader;
  /** Flows by id. */
  readonly #flows = new Map<string, Flow>();
  /** The flow that brought an OpenTelemetry trace in. */
  readonly #flowOfTrace = new Map<string, Flow>();
  /** Every entry once; by which flow it was found first. */
  readonly #found = new Map<number, { readonly entry: SpanEntry; readonly by: Flow }>();

  /** The newest adjustment by the seq that it names. */
  readonly #adjustments = new Map<unknown, StoredEntry>();

  constructor(reader: LedgerReader) {
    this.#reader = reader;
    for (const adjustment of reader.entriesOfType('adjustment'))
      this.#adjustments.set(adjustment.entry.body.target, adjustment);
  }

  select(id: string, traceId: string | undefined): TraceSelection {
    const root: Flow = { id: traceId ?? id, entries: [], children: [] };
    this.#flows.set(root.id, root);
    if (traceId !== undefined) this.#takeTrace(traceId, root);
    // Breadth first, each flow once: flows may name each other in circles.
    else for (const queue = [root]; queue.length > 0; ) queue.push(...this.#takeFlow(queue.shift()!));
    for (const { entry, by } of this.#found.values()) {
      const flow = traceId !== undefined || entry.businessId === undefined ? by : this.#flows.get(entry.businessId);
      flow?.entries.push(entry);
    }
    for (const { entries } of this.#flows.values()) entries.sort(byStart);
    orderChildren(root);
    return { root, businessId: traceId === undefined ? id : undefined, otelTraceIds: [...this.#flowOfTrace.keys()] };
  }

  /** Takes in a flow's entries and traces; answers its child flows that are new. */
  #takeFlow(flow: Flow): Flow[] {
    const traceIds = new Set([traceIdOfBusinessId(flow.id)]);
    for (const seq of this.#reader.seqsOfBusiness(flow.id)) {
      const traceId = this.#take(seq, flow)?.traceId;
      if (traceId !== undefined) traceIds.add(traceId);
    }
    for (const traceId of traceIds) this.#takeTrace(traceId, flow);
    const children: Flow[] = [];
    for (const seq of this.#reader.seqsOfBusinessParent(flow.id)) {
      const childId = this.#take(seq, flow)?.businessId;
      if (childId === undefined || this.#flows.has(childId)) continue;
      const child: Flow = { id: childId, entries: [], children: [] };
      this.#flows.set(childId, child);
      flow.children.push(child);
      children.push(child);
    }
    return children;
  }

  #takeTrace(traceId: string, flow: Flow): void {
    if (this.#flowOfTrace.has(traceId)) return;
    const seqs = this.#reader.seqsOfTrace(traceId);
    if (seqs.length > 0) this.#flowOfTrace.set(traceId, flow);
    for (const seq of seqs) this.#take(seq, flow);
  }

  #take(seq: number, flow: Flow): SpanEntry | undefined {
    const known = this.#found.get(seq);
    if (known !== undefined) return known.entry;
    const stored = this.#reader.entry(seq);
    const textAt = (at: number): string | undefined => this.#reader.entryText(at);
    const signed = stored === undefined ? undefined : spanEntryOf(seq, stored.text, stored.entry, textAt);
    const adjustment = this.#adjustments.get(seq);
    const entry = signed === undefined || adjustment === undefined ? signed : adjustedEntry(signed, adjustment);
    if (entry !== undefined) this.#found.set(seq, { entry, by: flow });
    return entry;
  }
}

/** Child flows in order of start: of their first entry, or of the first below them where they have none of their own. */
function orderChildren(root: Flow): void {
  const flows = [root];
  for (const flow of flows) flows.push(...flow.children);
  const starts = new Map<Flow, SpanEntry | undefined>();
  // From the deepest up, so that what is below is known.
  for (const flow of flows.reverse()) {
    flow.children.sort((a, b) => compareStarts(starts.get(a), starts.get(b)));
    const below = flow.children[0] && starts.get(flow.children[0]);
    starts.set(flow, compareStarts(flow.entries[0], below) <= 0 ? flow.entries[0] : below);
  }
}

function compareStarts(a: SpanEntry | undefined, b: SpanEntry | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return byStart(a, b);
}

function byStart(a: SpanEntry, b: SpanEntry): number {
  return a.startUnixNano < b.startUnixNano ? -1 : a.startUnixNano > b.startUnixNano ? 1 : a.seq - b.seq;
}

/** All entries of a flow and of its child flows, in order of start. */
export function allEntries(root: Flow): SpanEntry[] {
  const entries: SpanEntry[] = [];
  for (const queue = [root]; queue.length > 0; ) {
    const flow = queue.shift()!;
    for (const entry of flow.entries) entries.push(entry);
    queue.push(...flow.children);
  }
  return entries.sort(byStart);
}
