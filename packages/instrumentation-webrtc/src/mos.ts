/**
 * Mean opinion score from round trip, jitter and loss: a simplified E-model (ITU-T G.107), as call-quality tools use it. It
 * is an estimate and called so wherever it is written: no one listened.
 */

/** What a score is estimated from. */
export interface Transmission {
  /** Round trip, milliseconds. */
  readonly rttMs: number;
  /** Interarrival jitter (RFC 3550), milliseconds. */
  readonly jitterMs: number;
  /** 0 to 100. */
  readonly lossPercent: number;
}

/** 1 (bad) to 4.5 (as good as it gets), rounded to hundredths. */
export function estimateMos({ rttMs, jitterMs, lossPercent }: Transmission): number {
  const latencyMs = rttMs / 2 + 2 * jitterMs + 10;
  const delayImpairment = latencyMs < 160 ? latencyMs / 40 : (latencyMs - 120) / 10;
  const r = 93.2 - delayImpairment - 2.5 * lossPercent;
  // The cubic rises again below R = 0.
  const mos = r <= 0 ? 1 : 1 + 0.035 * r + 7e-6 * r * (r - 60) * (100 - r);
  return Math.round(Math.min(4.5, Math.max(1, mos)) * 100) / 100;
}
