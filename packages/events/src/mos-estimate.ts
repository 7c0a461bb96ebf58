/** Mean opinion score from what transport statistics say. An estimate: nobody listened. */

/** What a receiver measured of one direction of a stream. */
export interface StreamQuality {
  /** Packets lost, percent of those expected, 0…100. */
  readonly lossPercent: number;
  /** Interarrival jitter, milliseconds. */
  readonly jitterMs: number;
  /** Round trip, milliseconds. Default: 0, not known. */
  readonly rttMs?: number | undefined;
}

/** Base factor of the E-model for G.711 with everything else at its default (ITU-T G.107). */
const R_WITHOUT_IMPAIRMENT = 93.2;

/**
 * Estimated MOS, 1…4.5. One-way delay L = rtt/2 + 2·jitter + 10 ms; R = 93.2 − (L < 160 ? L/40 : (L − 120)/10) −
 * 2.5·loss %; MOS = 1 + 0.035 R + 7·10⁻⁶ R (R − 60)(100 − R), the E-model's mapping (ITU-T G.107 Annex B) clamped at
 * both ends. The simplified impairments are the ones that call-quality tools commonly use: they know neither codec nor
 * burstiness.
 */
export function estimateMos(quality: StreamQuality): number {
  const delayMs = (quality.rttMs ?? 0) / 2 + 2 * quality.jitterMs + 10;
  const delayImpairment = delayMs < 160 ? delayMs / 40 : (delayMs - 120) / 10;
  const r = R_WITHOUT_IMPAIRMENT - delayImpairment - 2.5 * quality.lossPercent;
  if (!(r > 0)) return 1;
  const mos = 1 + 0.035 * r + 7e-6 * r * (r - 60) * (100 - r);
  return Math.min(4.5, Math.max(1, mos));
}
