/**
 * `getStats()` (W3C webrtc-stats) brought down to what is recorded: the selected pair, octets, round trip, and per direction
 * and kind of media the packets, loss and jitter. Everything in milliseconds. Members that a stack does not have are absent.
 */
import { member, numberMember, textMember } from './peer-connection.js';

/** In which unit a stack gives `roundTripTime`. The W3C says seconds; node-datachannel's polyfill gives milliseconds. */
export type RttUnit = 's' | 'ms';

/** Two candidates that carry the traffic. */
export interface SelectedPair {
  readonly localType?: string | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  readonly remoteType?: string | undefined;
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly protocol?: string | undefined;
  /** How the local end reaches its TURN server. */
  readonly relayProtocol?: string | undefined;
}

/** The streams of one kind in one direction, added up since the beginning. */
export interface StreamTotals {
  readonly packets: number;
  /** As the receiver counts; undefined where nobody has said yet. */
  readonly packetsLost?: number | undefined;
  /** Of the worst stream. */
  readonly jitterMs?: number | undefined;
  readonly rttMs?: number | undefined;
  /** E.g. `1280x720`. */
  readonly resolution?: string | undefined;
}

/** Kinds of media. */
export type Kind = 'audio' | 'video';

/** What `getStats()` said at one moment. */
export interface StatsSample {
  readonly pair?: SelectedPair | undefined;
  readonly rttMs?: number | undefined;
  readonly bytesSent?: number | undefined;
  readonly bytesReceived?: number | undefined;
  /** `closed` when the other end has said goodbye (DTLS close_notify). */
  readonly dtlsState?: string | undefined;
  readonly received: Readonly<Partial<Record<Kind, StreamTotals>>>;
  readonly sent: Readonly<Partial<Record<Kind, StreamTotals>>>;
}

/** More entries than this are not looked at. */
const MAX_ENTRIES = 5_000;

/** Which unit `pc` uses: node-datachannel's polyfill is known by a member that only it has. */
export function rttUnitOf(pc: unknown): RttUnit {
  return member(pc, 'ext_maxMessageSize') === undefined ? 's' : 'ms';
}

/** Reads a report. Undefined for what is none, and for one without entries. Never throws. */
export function readStats(report: unknown, rttUnit: RttUnit): StatsSample | undefined {
  const entries = entriesOf(report);
  if (entries.size === 0) return undefined;
  const scale = rttUnit === 's' ? 1_000 : 1;
  const transport = [...entries.values()].find((entry) => entry.type === 'transport');
  const pair = selectedPair(entries, transport?.value);
  const rtt = milliseconds(numberMember(pair, 'currentRoundTripTime'), scale);
  return {
    pair: pair === undefined ? undefined : pairOf(pair, entries),
    rttMs: rtt,
    bytesSent: numberMember(transport?.value, 'bytesSent') || numberMember(pair, 'bytesSent'),
    bytesReceived: numberMember(transport?.value, 'bytesReceived') || numberMember(pair, 'bytesReceived'),
    dtlsState: textMember(transport?.value, 'dtlsState'),
    received: byKind((kind) => totals(entries, 'inbound-rtp', 'inbound-rtp', 'packetsReceived', kind, scale)),
    sent: byKind((kind) => totals(entries, 'outbound-rtp', 'remote-inbound-rtp', 'packetsSent', kind, scale)),
  };
}

interface Entry {
  readonly type: string;
  readonly value: unknown;
}

function entriesOf(report: unknown): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  const forEach = member(report, 'forEach');
  if (typeof forEach !== 'function') return entries;
  try {
    Reflect.apply(forEach, report, [
      (value: unknown) => {
        const type = textMember(value, 'type');
        const id = textMember(value, 'id', 512);
        if (type !== undefined && id !== undefined && entries.size < MAX_ENTRIES) entries.set(id, { type, value });
      },
    ]);
  } catch {
    // A report that breaks while it is read says what it said so far.
  }
  return entries;
}

/** The pair that the transport names; else one that says itself that it is selected; else a nominated one that succeeded. */
function selectedPair(entries: ReadonlyMap<string, Entry>, transport: unknown): unknown {
  const named = textMember(transport, 'selectedCandidatePairId', 512);
  if (named !== undefined) return entries.get(named)?.value;
  const pairs = [...entries.values()].filter(({ type }) => type === 'candidate-pair').map(({ value }) => value);
  return (
    pairs.find((pair) => member(pair, 'selected') === true) ??
    pairs.find((pair) => member(pair, 'nominated') === true && member(pair, 'state') === 'succeeded')
  );
}

function pairOf(pair: unknown, entries: ReadonlyMap<string, Entry>): SelectedPair {
  const local = entries.get(textMember(pair, 'localCandidateId', 512) ?? '')?.value;
  const remote = entries.get(textMember(pair, 'remoteCandidateId', 512) ?? '')?.value;
  // `ip` is what `address` was called before 2020, and still is in some stacks.
  const address = (of: unknown) => textMember(of, 'address', 253) || textMember(of, 'ip', 253) || undefined;
  return {
    localType: textMember(local, 'candidateType', 16),
    localAddress: address(local),
    localPort: numberMember(local, 'port'),
    remoteType: textMember(remote, 'candidateType', 16),
    remoteAddress: address(remote),
    remotePort: numberMember(remote, 'port'),
    protocol: textMember(local, 'protocol', 16)?.toLowerCase(),
    relayProtocol: textMember(local, 'relayProtocol', 16),
  };
}

function byKind(of: (kind: Kind) => StreamTotals | undefined): Partial<Record<Kind, StreamTotals>> {
  const audio = of('audio');
  const video = of('video');
  return { ...(audio === undefined ? {} : { audio }), ...(video === undefined ? {} : { video }) };
}

/** Adds up streams. @param counted entries that count packets @param judged entries that tell loss, jitter, round trip */
function totals(
  entries: ReadonlyMap<string, Entry>,
  counted: string,
  judged: string,
  packetsName: string,
  kind: Kind,
  scale: number,
): StreamTotals | undefined {
  let packets: number | undefined;
  let packetsLost: number | undefined;
  let jitterMs: number | undefined;
  let rttMs: number | undefined;
  let resolution: string | undefined;
  for (const { type, value } of entries.values()) {
    if ((type !== counted && type !== judged) || kindOf(value) !== kind) continue;
    if (type === counted) {
      packets = (packets ?? 0) + (numberMember(value, packetsName) ?? 0);
      const width = numberMember(value, 'frameWidth');
      const height = numberMember(value, 'frameHeight');
      if (width && height) resolution = `${width}x${height}`;
    }
    if (type === judged) {
      const lost = numberMember(value, 'packetsLost');
      if (lost !== undefined) packetsLost = (packetsLost ?? 0) + lost;
      jitterMs = largest(jitterMs, milliseconds(numberMember(value, 'jitter'), 1_000));
      rttMs = largest(rttMs, milliseconds(numberMember(value, 'roundTripTime'), scale));
    }
  }
  return packets === undefined ? undefined : { packets, packetsLost, jitterMs, rttMs, resolution };
}

/** `mediaType` is what `kind` was called before 2018. */
function kindOf(value: unknown): string | undefined {
  return textMember(value, 'kind', 16) ?? textMember(value, 'mediaType', 16);
}

/** To microseconds exact; negative numbers are what some stacks say for unknown. */
function milliseconds(value: number | undefined, scale: number): number | undefined {
  return value === undefined || value < 0 ? undefined : Math.round(value * scale * 1_000) / 1_000;
}

function largest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.max(a, b);
}
