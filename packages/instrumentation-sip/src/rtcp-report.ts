/**
 * RTCP reports as HEP senders write them (payload protocol 5): JSON with `report_blocks` of RFC 3550 §6.4.1 fields.
 * Jitter is in units of the RTP clock, which the report does not name: 8,000 a second is assumed, as for G.711.
 */
import type { CallQuality } from './call-quality.js';

const CLOCK_HZ = 8_000;
const MAX_BLOCKS = 31;
const MAX_LENGTH = 65_536;
/** Seconds from 1900, where NTP begins, to 1970. */
const NTP_OFFSET_SECONDS = 2_208_988_800;
const UTF8 = new TextDecoder();

/**
 * The qualities that a report tells of; none for what is not understood. Round trip (RFC 3550 §6.4.1: arrival − LSR −
 * DLSR) is left out when the clocks make no sense of it.
 */
export function parseRtcpReport(json: Uint8Array, timeMs: number | undefined): readonly CallQuality[] {
  if (json.length > MAX_LENGTH) return [];
  let report: unknown;
  try {
    report = JSON.parse(UTF8.decode(json));
  } catch {
    return [];
  }
  const blocks = (report as { readonly report_blocks?: unknown } | null)?.report_blocks;
  if (!Array.isArray(blocks)) return [];
  return blocks.slice(0, MAX_BLOCKS).flatMap((block: unknown) => {
    const lost = field(block, 'fraction_lost');
    const jitter = field(block, 'ia_jitter');
    if (lost === undefined || jitter === undefined || lost > 256) return [];
    return [
      {
        lossPercent: (lost * 100) / 256,
        jitterMs: (jitter * 1000) / CLOCK_HZ,
        rttMs: roundTripMs(timeMs, field(block, 'lsr'), field(block, 'dlsr')),
        time: timeMs,
      },
    ];
  });
}

function roundTripMs(
  timeMs: number | undefined,
  lsr: number | undefined,
  dlsr: number | undefined,
): number | undefined {
  if (timeMs === undefined || !lsr || dlsr === undefined) return undefined;
  // The middle 32 bits of an NTP time: 1/65536 s, modulo 2^32.
  const arrival = Math.round((timeMs / 1000 + NTP_OFFSET_SECONDS) * 65_536) % 2 ** 32;
  const ticks = (((arrival - lsr - dlsr) % 2 ** 32) + 2 ** 32) % 2 ** 32;
  const ms = (ticks * 1000) / 65_536;
  return ms <= 10_000 ? ms : undefined;
}

function field(block: unknown, name: string): number | undefined {
  const value =
    typeof block === 'object' && block !== null ? (block as Readonly<Record<string, unknown>>)[name] : undefined;
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && number >= 0 && number < 2 ** 32 ? number : undefined;
}
