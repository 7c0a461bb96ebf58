/**
 * One stream under watch: frames are numbered and hashed as they are handed over, gathered into windows, and told of as events
 * of one session. Frames are never held back: what cannot be hashed in time is sent all the same, and recorded as unhashed.
 */
import type { EventRecorder, Session } from '@infrafabric/events';
import { diag } from '@opentelemetry/api';
import { errorOf } from './error-of.js';
import type { FrameHasher } from './frame-hasher.js';
import { FramePace } from './frame-pace.js';
import type { FrameProof } from './frame-proof.js';
import type { FrameRecord } from './frame-record.js';
import type { FrameWindow } from './frame-window.js';
import { Sidecar } from './sidecar.js';
import { framePublishedEvent, streamClosedEvent, streamMetadataEvent, throughputEvent } from './stream-events.js';
import type { StreamIds } from './stream-ids.js';
import { ThroughputMeter } from './throughput.js';
import { frameRateOf, type HeaderTexts, headerTextsOf, visibleBytesOf } from './video-frame.js';
import { errorEvent, troubleEvents, watchedBatchEvent } from './window-events.js';
import { WindowQueue } from './window-queue.js';
import { WindowStore } from './window-store.js';

/** What a stream is made with; see `InstrumentSenderOptions`. */
export interface StreamSettings {
  readonly recorder: EventRecorder;
  readonly ids: StreamIds;
  readonly streamName: string;
  readonly hasher: FrameHasher;
  readonly hashing: 'main' | 'worker';
  readonly windowFrames: number;
  readonly windowMs: number;
  readonly keepWindows: number;
  readonly recordEachFrame: boolean;
  readonly bandwidthIntervalMs: number;
  readonly sidecarPath: string | undefined;
}

/** Failed sends that get an event of their own in one window; the rest are in its `failed_frames`. */
const MAX_ERRORS_PER_WINDOW = 10;
/** A hash that takes longer at the end is given up. */
const LAST_HASHES_MS = 5_000;

/** A stream under way. */
export class NdiStream {
  readonly streamId: string;
  /** Business trace id. */
  readonly traceId: string;
  readonly streamName: string;
  readonly #settings: StreamSettings;
  readonly #session: Session;
  readonly #hasher: FrameHasher;
  readonly #pace = new FramePace();
  readonly #meter: ThroughputMeter;
  readonly #store: WindowStore;
  readonly #sidecar: Sidecar | undefined;
  readonly #queue: WindowQueue;
  #frames = 0;
  #errors = 0;
  #late = { frames: 0, dropped: 0 };
  #unhashed = 0;
  #format: string | undefined;
  #connections: number | undefined;
  #closed: Promise<void> | undefined;
  #finish: (() => void) | undefined;

  /** @internal Made by `instrumentSender`. */
  constructor(settings: StreamSettings) {
    this.#settings = settings;
    this.streamId = settings.ids.streamId;
    this.traceId = settings.ids.traceId;
    this.streamName = settings.streamName;
    this.#hasher = settings.hasher;
    this.#meter = new ThroughputMeter(settings.bandwidthIntervalMs);
    this.#store = new WindowStore(settings.keepWindows);
    this.#queue = new WindowQueue({
      windowFrames: settings.windowFrames,
      windowMs: settings.windowMs,
      onReady: (window) => this.#guard(() => this.#record(window)),
      onStuck: () => this.#hasher.close(),
    });
    const names = { 'ndi.stream.id': this.streamId, 'ndi.stream.name': this.streamName };
    const attributes = { ...names, 'ndi.hashing': settings.hashing };
    this.#session = settings.recorder.startSession({ name: 'ndi.stream', attributes }, settings.ids.context);
    const created = { stream_name: this.streamName, stream_id: this.streamId, timestamp: Date.now() / 1_000 };
    this.#session.event({ name: 'ndi_stream_created', payload: created });
    if (settings.sidecarPath !== undefined) {
      this.#sidecar = new Sidecar(settings.sidecarPath, (error) =>
        this.#trouble('sidecar_failed', errorOf(error).message),
      );
    }
  }

  /** Frames that were handed over; the next one has this number. */
  get frameCount(): number {
    return this.#frames;
  }

  /** Whether the stream takes no more frames. */
  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  /** What was recorded of a frame: undefined until its window is complete, and again when `keepWindows` newer ones are. */
  frame(frameNumber: number): FrameRecord | undefined {
    return this.#store.frame(frameNumber);
  }

  /** The proof that a frame was in its window; undefined as with {@link frame}. A frame without a hash proves no octets. */
  proof(frameNumber: number): FrameProof | undefined {
    return this.#store.proof(frameNumber);
  }

  /** Completes the window under way. Its event is recorded when its last hash is there. */
  flush(): void {
    this.#queue.flush();
  }

  /** Completes the last window and ends the stream. Settles, and never rejects, when everything is recorded. */
  close(endReason = 'closed'): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      let deadline: ReturnType<typeof setTimeout> | undefined;
      this.#finish = () => {
        this.#finish = undefined;
        clearTimeout(deadline);
        this.#end(endReason);
        if (this.#sidecar === undefined) resolve();
        else void this.#sidecar.close().then(resolve);
      };
      this.#hasher.drain();
      this.#queue.flush();
      if (this.#queue.isEmpty) return this.#finish();
      // Still here: hashes are under way in the worker. Closing it gives them up, which lets their windows be recorded.
      deadline = setTimeout(() => this.#hasher.close(), LAST_HASHES_MS);
    });
    return this.#closed;
  }

  /** @internal Before a frame goes to the sender; its octets have been read when this returns. @returns its number */
  handOver(frame: unknown): number | undefined {
    if (this.isClosed) return undefined;
    const frameNumber = this.#frames++;
    this.#guard(() => this.#take(frameNumber, frame));
    return frameNumber;
  }

  /** @internal A sender's method failed. @param frameNumber of the frame, when it was `video` */
  failed(method: string, thrown: unknown, frameNumber?: number): void {
    this.#guard(() => {
      this.#errors++;
      const window = this.#queue.newest;
      if (frameNumber !== undefined && window !== undefined && ++window.failedFrames > MAX_ERRORS_PER_WINDOW) return;
      const { type, message } = errorOf(thrown);
      const where = frameNumber === undefined ? {} : { frame_number: frameNumber };
      this.#session.event(errorEvent(type, message, { stream_id: this.streamId, method, ...where }));
    });
  }

  /** @internal Audio went to the sender; it is counted and not hashed. */
  audio(frame: unknown): void {
    if (this.isClosed) return;
    this.#guard(() => this.#meter.audio(performance.now(), visibleBytesOf(frame, {})?.length ?? 0));
  }

  /** @internal What the application itself asked the sender for. */
  sawConnections(connections: unknown): void {
    if (typeof connections === 'number' && Number.isSafeInteger(connections)) this.#connections = connections;
  }

  #take(frameNumber: number, frame: unknown): void {
    const header = headerTextsOf(frame);
    const visible = visibleBytesOf(frame, header);
    const nowMs = performance.now();
    this.#noteFormat(header);
    const startMs = Date.now();
    const window = this.#queue.open(startMs);
    const late = this.#pace.next(nowMs, frameRateOf(header));
    if (late !== undefined) window.late(frameNumber, late.lateMs, late.dropped);
    const ended = this.#meter.video(nowMs, visible?.length ?? 0);
    if (ended !== undefined) this.#session.event(throughputEvent(this.streamId, ended, this.#connections));

    const settle = window.add(frameNumber, header, visible?.length ?? 0);
    const onHash = (sha256: string | undefined, reason?: string): void => {
      const record = settle(sha256, reason);
      if (this.#settings.recordEachFrame) this.#session.event(framePublishedEvent(record, startMs));
      this.#queue.release();
      if (this.#queue.isEmpty) this.#finish?.();
    };
    if (visible === undefined) onHash(undefined, 'no_octets');
    else this.#hash(visible, onHash);
    this.#queue.flushFull();
  }

  #hash(visible: Uint8Array, onHash: (sha256: string | undefined, reason?: string) => void): void {
    try {
      this.#hasher.hash(visible, onHash);
    } catch (error) {
      diag.error('a frame was not hashed', error);
      onHash(undefined, 'hash_failed');
    }
  }

  #noteFormat(header: HeaderTexts): void {
    // Fields of interlaced pictures alternate, and every frame has its own time.
    const { timecode: _, frameFormatType: __, ...format } = header;
    const text = JSON.stringify(format);
    if (text === this.#format) return;
    this.#format = text;
    this.#session.event(streamMetadataEvent(this.streamId, header));
  }

  #record(window: FrameWindow): void {
    const sealed = window.seal(this.streamId);
    this.#store.add(sealed);
    for (const event of [watchedBatchEvent(window, sealed), ...troubleEvents(window, sealed)])
      this.#session.event(event);
    this.#late.frames += window.lateFrames;
    this.#late.dropped += window.droppedFrames;
    for (const count of window.unhashed.values()) this.#unhashed += count;
    if (this.#sidecar !== undefined && !this.#sidecar.write(sealed)) {
      this.#trouble('sidecar_dropped', `window ${sealed.batchNumber} is not in the sidecar file`);
    }
  }

  #trouble(type: string, message: string): void {
    this.#errors++;
    this.#session.event(errorEvent(type, message, { stream_id: this.streamId }));
  }

  #end(endReason: string): void {
    this.#hasher.close();
    const last = this.#meter.take(performance.now());
    if (last !== undefined) this.#session.event(throughputEvent(this.streamId, last, this.#connections));
    const totals = {
      frames: this.#frames,
      batches: this.#queue.batches,
      errors: this.#errors,
      late: this.#late.frames,
      dropped: this.#late.dropped,
      unhashed: this.#unhashed,
    };
    this.#session.event(streamClosedEvent(this, totals, endReason));
    this.#session.end({
      'ndi.frames': totals.frames,
      'ndi.batches': totals.batches,
      'ndi.frames.dropped': totals.dropped,
      'ndi.frames.unhashed': totals.unhashed,
      'ndi.errors': totals.errors,
      'ndi.end_reason': endReason,
    });
  }

  /** Whatever goes wrong in the watching stays in the watching. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      diag.error('an NDI stream was not watched', error);
    }
  }
}
