/** The events that tell of one window: its summary, and what went wrong in it. */
import type { Payload, SessionEvent } from '@infrafabric/events';
import type { FrameWindow, SealedWindow } from './frame-window.js';

/** `ndi_batch_complete`: what the guide's three payloads have, and the root. @param processed frames of the stream so far */
export function batchEvent(window: FrameWindow, sealed: SealedWindow, processed: number): SessionEvent {
  const first = sealed.frames[0]!;
  const last = sealed.frames.at(-1)!;
  return {
    name: 'ndi_batch_complete',
    startTime: window.startMs,
    endTime: window.endMs,
    payload: {
      stream_id: sealed.streamId,
      batch_number: sealed.batchNumber,
      frames: sealed.frames.length,
      frames_processed: processed,
      first_frame: first.frameNumber,
      last_frame: last.frameNumber,
      duration_seconds: (window.endMs - window.startMs) / 1_000,
      first_hash: first.dataSha256 ?? null,
      last_hash: last.dataSha256 ?? null,
      root: sealed.rootHex,
    },
  };
}

/** The same of a stream under watch: also what was missed, and how many frames a rate card may price. */
export function watchedBatchEvent(window: FrameWindow, sealed: SealedWindow): SessionEvent {
  const event = batchEvent(window, sealed, sealed.frames.at(-1)!.frameNumber + 1);
  return {
    ...event,
    payload: {
      ...event.payload,
      late_frames: window.lateFrames,
      dropped_frames: window.droppedFrames,
      failed_frames: window.failedFrames,
      unhashed_frames: [...window.unhashed.values()].reduce((sum, count) => sum + count, 0),
    },
    // Counted, not guessed.
    usage: { units: { frame: String(sealed.frames.length) } },
  };
}

/** `ndi_error` for late frames and for hashing that was dropped: one for each kind in a window. */
export function troubleEvents(window: FrameWindow, sealed: SealedWindow): SessionEvent[] {
  const events: SessionEvent[] = [];
  const where: Payload = {
    stream_id: sealed.streamId,
    batch_number: sealed.batchNumber,
  };
  if (window.lateFrames > 0) {
    events.push(
      errorEvent('frame_drop', `${window.droppedFrames} frames were not handed over in time`, {
        ...where,
        frame_number: window.firstLateFrame ?? null,
        late_frames: window.lateFrames,
        dropped_frames: window.droppedFrames,
        max_late_ms: Math.round(window.maxLateMs),
      }),
    );
  }
  for (const [reason, count] of window.unhashed) {
    const first = sealed.frames.find((frame) => frame.dataSha256 === undefined);
    events.push(
      errorEvent(reason, `${count} frames were sent without being hashed`, {
        ...where,
        frame_number: first?.frameNumber ?? null,
        unhashed_frames: count,
      }),
    );
  }
  return events;
}

/** `ndi_error` of a type. */
export function errorEvent(type: string, message: string, payload: Payload): SessionEvent {
  return { name: 'ndi_error', payload: { ...payload, error_type: type, message }, error: { type, message } };
}
