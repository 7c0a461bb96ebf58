/**
 * Who sent what to whom, where an event does not say it: from its name and its payload, and from what the events before it in
 * the same flow have said. The by-hand events of scripts name their own side once and then no more.
 */
import type { CallDetails } from './call-details.js';
import { type CallKind, callKindOf, directionOf } from './call-events.js';
import type { SpanEntry } from './span-entry.js';

/** Two parties; the same twice where an event has one only. */
export interface Parties {
  readonly from: string;
  readonly to: string;
}

type Kind = CallKind | 'ndi';

/** Payload members that name the side that records, and the other one, and what that is called when nobody names it. */
const SIDES: Readonly<Record<Kind, { readonly local: string[]; readonly remote: string[]; readonly other: string }>> = {
  sip: { local: ['local_uri', 'from'], remote: ['remote_uri', 'to'], other: 'remote' },
  h323: { local: ['endpoint_id'], remote: ['gatekeeper'], other: 'gatekeeper' },
  webrtc: { local: ['peer_id'], remote: ['remote_peer_id'], other: 'remote peer' },
  ndi: { local: ['stream_name', 'stream'], remote: [], other: 'NDI receivers' },
};

/** What a call, or the whole flow, has said so far. */
interface Known {
  local?: string | undefined;
  remote?: string | undefined;
  isAnswering?: boolean;
}

/** Arrows that name their parties, under one session's span. */
interface Drawn {
  readonly parties: Set<string>;
  /** Who sent the last of those before; before the first, who sent the last of all. */
  from: string;
}

/** Remembers, call by call. Show it all events first, then ask, both times in order of start. */
export class DerivedParties {
  readonly #known = new Map<string, Known>();
  readonly #drawn = new Map<string, Drawn>();

  /** Takes in what an event names. The first name is what stands where an event's call has not named anything yet. */
  learn(entry: SpanEntry, details: CallDetails): void {
    const kind = kindOf(entry.event);
    if (kind === undefined) return;
    for (const known of [this.#ofFlow(kind, entry), this.#ofCall(kind, entry, details)]) {
      known.local ??= details.member(...SIDES[kind].local);
      known.remote ??= details.member(...SIDES[kind].remote);
    }
  }

  /** Takes in an event that names its parties, in both rounds. */
  see({ traceId, parentSpanId }: SpanEntry, { from, to }: Parties): void {
    if (parentSpanId === undefined) return;
    const key = `${traceId}-${parentSpanId}`;
    const drawn = this.#drawn.get(key);
    if (drawn === undefined) this.#drawn.set(key, { parties: new Set([from, to]), from });
    else {
      drawn.parties.add(from).add(to);
      drawn.from = from;
    }
  }

  /** The parties of an event; undefined where it is of no kind that is known. */
  of(entry: SpanEntry, details: CallDetails): Parties | undefined {
    const kind = kindOf(entry.event);
    if (kind === undefined) return undefined;
    const known = this.#ofCall(kind, entry, details);
    const flow = this.#ofFlow(kind, entry);
    known.local = details.member(...SIDES[kind].local) ?? known.local;
    known.remote = details.member(...SIDES[kind].remote) ?? known.remote;
    const local = known.local ?? flow.local ?? entry.component ?? entry.service ?? 'local';
    const remote = known.remote ?? flow.remote ?? SIDES[kind].other;
    const drawn = this.#drawn.get(`${entry.traceId}-${entry.parentSpanId}`);
    const direction = kind === 'ndi' ? ndiDirection(entry.event) : directionOf(entry.event);
    if (entry.event.startsWith('sip_invite_')) known.isAnswering = direction === 'in';
    switch (direction) {
      case 'out':
        return { from: local, to: remote };
      case 'in':
        return { from: remote, to: local };
      case 'answer':
        return known.isAnswering === true ? { from: local, to: remote } : { from: remote, to: local };
      case 'none': {
        // What is no message beside messages that name addresses must not get a column of its own.
        const at = drawn === undefined || drawn.parties.has(local) ? local : drawn.from;
        return { from: at, to: at };
      }
    }
  }

  #ofFlow(kind: Kind, { businessId, traceId }: SpanEntry): Known {
    return this.#at(`${kind}\0${businessId ?? traceId}`);
  }

  #ofCall(kind: Kind, entry: SpanEntry, details: CallDetails): Known {
    const call = details.member('call_id', 'peer_id', 'stream_id') ?? '';
    // Two observers of one call are told apart by their spans.
    return this.#at(`${kind}\0${entry.businessId ?? entry.traceId}\0${entry.parentSpanId}\0${call}`);
  }

  #at(key: string): Known {
    const known = this.#known.get(key) ?? {};
    this.#known.set(key, known);
    return known;
  }
}

function kindOf(event: string): Kind | undefined {
  return event.startsWith('ndi_') ? 'ndi' : callKindOf(event);
}

function ndiDirection(event: string): 'out' | 'none' {
  return event === 'ndi_frame_published' || event === 'ndi_batch_complete' ? 'out' : 'none';
}
