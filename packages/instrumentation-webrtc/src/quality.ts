/** Quality between two samples of `getStats()`, or since the beginning: as payload of an event, and as a call's attributes. */

import type { Payload } from '@infrafabric/events';
import { estimateMos } from '@infrafabric/events';
import type { Attributes } from '@opentelemetry/api';
import {
  ATTR_BYTES_RECEIVED,
  ATTR_BYTES_SENT,
  ATTR_QUALITY_JITTER_MS,
  ATTR_QUALITY_LOSS_PERCENT,
  ATTR_QUALITY_MOS_ESTIMATED,
  ATTR_QUALITY_RTT_MS,
} from './names.js';
import type { Kind, StatsSample, StreamTotals } from './stats.js';

type Direction = 'received' | 'sent';

const KINDS: readonly Kind[] = ['audio', 'video'];

/**
 * Payload of `webrtc_stats`: octets and round trip, and for each direction and kind of media that there is, packets, loss,
 * jitter and estimated MOS. @param before the sample that it is counted from; undefined: since the beginning
 */
export function qualityPayload(sample: StatsSample, before?: StatsSample): Payload {
  return {
    rtt_ms: sample.rttMs,
    bytes_sent: difference(sample.bytesSent, before?.bytesSent),
    bytes_received: difference(sample.bytesReceived, before?.bytesReceived),
    received: directionPayload('received', sample, before),
    sent: directionPayload('sent', sample, before),
  };
}

/**
 * A whole call's quality, as this end received it, or as the other end reports it where this one received nothing: of its audio,
 * or of its video where there is no audio.
 */
export function qualityAttributes(sample: StatsSample): Attributes {
  const direction = Object.keys(sample.received).length > 0 ? 'received' : 'sent';
  const stream = sample[direction].audio ?? sample[direction].video;
  const quality = stream === undefined ? undefined : streamQuality(direction, stream, undefined, sample.rttMs);
  const attributes: Record<string, number | undefined> = {
    [ATTR_BYTES_SENT]: sample.bytesSent,
    [ATTR_BYTES_RECEIVED]: sample.bytesReceived,
    [ATTR_QUALITY_RTT_MS]: sample.rttMs,
    [ATTR_QUALITY_LOSS_PERCENT]: quality?.lossPercent,
    [ATTR_QUALITY_JITTER_MS]: quality?.jitterMs,
    [ATTR_QUALITY_MOS_ESTIMATED]: quality?.mos,
  };
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}

function directionPayload(
  direction: Direction,
  sample: StatsSample,
  before: StatsSample | undefined,
): Payload | undefined {
  const payload: Record<string, Payload> = {};
  for (const kind of KINDS) {
    const stream = sample[direction][kind];
    if (stream === undefined) continue;
    const { packets, packetsLost, lossPercent, jitterMs, mos } = streamQuality(
      direction,
      stream,
      before?.[direction][kind],
      sample.rttMs,
    );
    payload[kind] = {
      packets,
      packets_lost: packetsLost,
      loss_percent: lossPercent,
      jitter_ms: jitterMs,
      mos_estimated: mos,
      resolution: stream.resolution,
    };
  }
  return Object.keys(payload).length === 0 ? undefined : payload;
}

interface StreamQuality {
  readonly packets: number;
  readonly packetsLost?: number | undefined;
  readonly lossPercent?: number | undefined;
  readonly jitterMs?: number | undefined;
  readonly mos?: number | undefined;
}

function streamQuality(
  direction: Direction,
  stream: StreamTotals,
  before: StreamTotals | undefined,
  pairRttMs: number | undefined,
): StreamQuality {
  const packets = difference(stream.packets, before?.packets) ?? 0;
  // Late duplicates make the loss shrink (RFC 3550 §6.4.1): then nothing was lost.
  const packetsLost = difference(stream.packetsLost, before?.packetsLost);
  const { jitterMs } = stream;
  if (packets === 0 || packetsLost === undefined) return { packets, packetsLost, jitterMs };
  // The receiver counts what came, the sender what it sent.
  const expected = direction === 'received' ? packets + packetsLost : Math.max(packets, packetsLost);
  const lossPercent = Math.round((packetsLost / expected) * 10_000) / 100;
  const rttMs = pairRttMs ?? stream.rttMs;
  // Without jitter or round trip a score would be better than anyone knows.
  const mos =
    jitterMs === undefined || rttMs === undefined
      ? undefined
      : hundredths(estimateMos({ rttMs, jitterMs, lossPercent }));
  return { packets, packetsLost, lossPercent, jitterMs, mos };
}

/** Counters start again when a stream does. */
function difference(now: number | undefined, before: number | undefined): number | undefined {
  return now === undefined ? undefined : Math.max(0, now - (before ?? 0));
}

function hundredths(score: number): number {
  return Math.round(score * 100) / 100;
}
