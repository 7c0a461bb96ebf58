/** The events that tell of a stream as a whole, and of single frames where they are wanted. */
import type { SessionEvent } from '@infrafabric/events';
import { type FrameRecord, frameHashHex } from './frame-record.js';
import type { Throughput } from './throughput.js';
import { fourCCOf, frameRateOf, type HeaderTexts, resolutionOf } from './video-frame.js';

const BITS_PER_MEGABIT = 1_000_000;

/** `ndi_stream_metadata`, at the first frame and whenever the format changes. */
export function streamMetadataEvent(streamId: string, header: HeaderTexts): SessionEvent {
  return {
    name: 'ndi_stream_metadata',
    payload: {
      stream_id: streamId,
      resolution: resolutionOf(header) ?? null,
      fps: frameRateOf(header) ?? null,
      codec: fourCCOf(header) ?? null,
      line_stride_bytes: header.lineStrideBytes ?? null,
      picture_aspect_ratio: header.pictureAspectRatio ?? null,
      frame_format_type: header.frameFormatType ?? null,
    },
  };
}

/** `ndi_frame_published`, with the payload of the guide. @param handedOverMs Unix milliseconds */
export function framePublishedEvent(record: FrameRecord, handedOverMs: number): SessionEvent {
  return {
    name: 'ndi_frame_published',
    startTime: handedOverMs,
    payload: {
      frame_number: record.frameNumber,
      content_hash: record.dataSha256 ?? null,
      frame_hash: frameHashHex(record),
      resolution: resolutionOf(record.header) ?? null,
      fps: frameRateOf(record.header) ?? null,
      size_bytes: record.dataOctets,
      timestamp: handedOverMs / 1_000,
    },
  };
}

/** `ndi_bandwidth_usage`: uncompressed, as handed to the sender. */
export function throughputEvent(
  streamId: string,
  { seconds, frames, videoBytes, audioBytes }: Throughput,
  connections: number | undefined,
): SessionEvent {
  const megabits = ((videoBytes + audioBytes) * 8) / BITS_PER_MEGABIT;
  return {
    name: 'ndi_bandwidth_usage',
    payload: {
      stream_id: streamId,
      duration_seconds: seconds,
      frames,
      video_bytes: videoBytes,
      audio_bytes: audioBytes,
      uncompressed_mbps: seconds > 0 ? Number((megabits / seconds).toFixed(3)) : null,
      connections: connections ?? null,
    },
  };
}

/** Sums over a whole stream. */
export interface StreamTotals {
  readonly frames: number;
  readonly batches: number;
  readonly errors: number;
  readonly late: number;
  readonly dropped: number;
  readonly unhashed: number;
}

/** `ndi_stream_closed`. */
export function streamClosedEvent(
  { streamName, streamId }: { readonly streamName: string; readonly streamId: string },
  totals: StreamTotals,
  endReason: string,
): SessionEvent {
  return {
    name: 'ndi_stream_closed',
    payload: {
      stream_name: streamName,
      stream_id: streamId,
      total_frames: totals.frames,
      total_batches: totals.batches,
      late_frames: totals.late,
      dropped_frames: totals.dropped,
      unhashed_frames: totals.unhashed,
      errors: totals.errors,
      end_reason: endReason,
      timestamp: Date.now() / 1_000,
    },
  };
}
