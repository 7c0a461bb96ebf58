/** Quality of a call's media, as an event's payload and attributes. */
import { estimateMos, type Payload, type StreamQuality } from '@infrafabric/events';
import type { Attributes } from '@opentelemetry/api';
import {
  CALL_QUALITY_JITTER_MS,
  CALL_QUALITY_LOSS_PERCENT,
  CALL_QUALITY_MOS_ESTIMATED,
  CALL_QUALITY_RTT_MS,
} from './call-attributes.js';

/** A measurement of one direction of a call's media. */
export interface CallQuality extends StreamQuality {
  /** Which stream: `received` by the local end, or `sent` by it and measured by the other. */
  readonly stream?: 'sent' | 'received' | undefined;
  /** Milliseconds since 1970. Default: now. */
  readonly time?: number | undefined;
}

/** Payload members: fractions rounded to three places. */
export function qualityPayload(quality: CallQuality): Payload {
  return {
    stream: quality.stream,
    loss_percent: rounded(quality.lossPercent),
    jitter_ms: rounded(quality.jitterMs),
    rtt_ms: quality.rttMs === undefined ? undefined : rounded(quality.rttMs),
    mos: rounded(estimateMos(quality)),
    mos_is_estimated: true,
  };
}

/** The `call.quality.*` attributes. */
export function qualityAttributes(quality: CallQuality): Attributes {
  return {
    [CALL_QUALITY_LOSS_PERCENT]: rounded(quality.lossPercent),
    [CALL_QUALITY_JITTER_MS]: rounded(quality.jitterMs),
    ...(quality.rttMs === undefined ? {} : { [CALL_QUALITY_RTT_MS]: rounded(quality.rttMs) }),
    [CALL_QUALITY_MOS_ESTIMATED]: rounded(estimateMos(quality)),
  };
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
