/** A call as a ladder: who sent what to whom, event by event, out of the entries of a trace. */

import type { JsonOut } from '../json-text.js';
import { CallDetails } from './call-details.js';
import { LADDER, labelOf } from './call-events.js';
import { DerivedParties, type Parties } from './ladder-parties.js';
import { isoOfUnixNano } from './nano-text.js';
import { allEntries, type TraceSelection } from './select-trace.js';
import type { SpanEntry } from './span-entry.js';
import { statusName } from './span-names.js';
import type { SpanPayloads } from './span-payloads.js';

/** One event of a ladder. Parties and labels are foreign text. */
export interface LadderEvent {
  readonly entry: SpanEntry;
  /** The same as `to` where something happened at one party. */
  readonly from: string;
  readonly to: string;
  readonly label: string;
  /** The event does not name its parties; they come from its name and payload. */
  readonly isDerived: boolean;
  /** Seq of the redaction entry that erased what it said; then parties and label are what the entry alone gives. */
  readonly erasedBy: number | undefined;
}

/** A ladder. */
export interface Ladder {
  /** In order of appearance. */
  readonly parties: readonly string[];
  /** In order of start, then of seq. */
  readonly events: readonly LadderEvent[];
  /** Entries of the trace that are no events between parties: spans of whole calls, of requests, of anything else. */
  readonly notDrawn: number;
}

/** The ladder of everything under an id. */
export function ladderOf({ root }: TraceSelection, payloads: SpanPayloads): Ladder {
  const entries = allEntries(root);
  const derived = new DerivedParties();
  // Payloads are read twice rather than kept: a trace may be larger than memory.
  for (const entry of entries) {
    const details = CallDetails.of(payloads, entry.seq);
    const named = namedParties(details);
    if (named === undefined) derived.learn(entry, details);
    else derived.see(entry, named);
  }
  const events: LadderEvent[] = [];
  const parties = new Set<string>();
  for (const entry of entries) {
    const event = eventOf(entry, CallDetails.of(payloads, entry.seq), derived);
    if (event === undefined) continue;
    events.push(event);
    parties.add(event.from).add(event.to);
  }
  return { parties: [...parties], events, notDrawn: entries.length - events.length };
}

function eventOf(entry: SpanEntry, details: CallDetails, derived: DerivedParties): LadderEvent | undefined {
  const named = namedParties(details);
  if (named !== undefined) derived.see(entry, named);
  const parties = named ?? derived.of(entry, details);
  if (parties === undefined) return undefined;
  const label = details.attribute(LADDER.label) ?? labelOf(entry.event);
  return { entry, ...parties, label, isDerived: named === undefined, erasedBy: details.erasedBy };
}

function namedParties(details: CallDetails): Parties | undefined {
  const [from, to] = [details.attribute(LADDER.from), details.attribute(LADDER.to)];
  return from === undefined || to === undefined ? undefined : { from, to };
}

/** The members that `trace --ladder --json` prints. */
export function ladderJson({ parties, events, notDrawn }: Ladder, traceId: string | undefined): JsonOut {
  return {
    trace_id: traceId ?? null,
    parties,
    events: events.map(({ entry, from, to, label, isDerived, erasedBy }) => ({
      seq: entry.seq,
      hash: entry.hashHex,
      time: isoOfUnixNano(entry.startUnixNano),
      from,
      to,
      label,
      derived: isDerived,
      event: entry.event,
      component: entry.component ?? null,
      service: entry.service ?? null,
      call_trace_id: entry.businessId ?? null,
      status: statusName(entry.status),
      payload_erased_by: erasedBy,
    })),
    not_drawn: notDrawn,
  };
}
