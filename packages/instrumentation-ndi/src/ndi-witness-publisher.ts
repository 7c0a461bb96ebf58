/**
 * Streams witnessed by hand, with the guide's `NDIWitnessPublisher`: its payload fields, tokens and costs. These are constants
 * of the guide and no measurements, so they are recorded as estimated. Nothing is sent from here: the application does that.
 */
import { type BusinessIds, type EventRecorder, type Session, withBusinessIds } from '@infrafabric/events';
import { sha256Hex } from '@infrafabric/format';
import type { TracerProvider } from '@opentelemetry/api';
import type { FrameProof } from './frame-proof.js';
import { FrameWindow } from './frame-window.js';
import { newRecorder } from './package-scope.js';
import { boundedName, newStreamIds } from './stream-ids.js';
import type { HeaderTexts } from './video-frame.js';
import { batchEvent } from './window-events.js';
import { WindowStore } from './window-store.js';

/** Who publishes. */
export interface NdiWitnessPublisherOptions extends BusinessIds {
  /** Default `IF.yologuard.01`. */
  readonly streamName?: string | undefined;
  /** Default: the global one. */
  readonly tracerProvider?: TracerProvider | undefined;
}

/** What is said of a frame. */
export interface PublishFrameOptions {
  /** Default: one more than the highest so far. */
  readonly frameNumber?: number | undefined;
  /** Default `1920x1080`. */
  readonly resolution?: string | undefined;
  /** Frames per second; default 60. */
  readonly fps?: number | undefined;
  /** Business trace id of this event; default the stream's. */
  readonly traceId?: string | undefined;
}

/** What became of a frame. */
export interface PublishedFrame {
  readonly frameNumber: number;
  /** SHA-256 of the frame's octets, hex. */
  readonly hash: string;
  /** Whether an SDK took the event and samples it. */
  readonly logged: boolean;
}

const MODEL = 'claude-haiku-4.5';
const TOKENS_OUT = 20;
/** Batches that are kept for `proof`. */
const KEEP_BATCHES = 120;

/** One stream. `ndi_stream_created` is recorded at once. */
export class NdiWitnessPublisher {
  readonly streamName: string;
  readonly streamId: string;
  /** Business trace id: the one given, else the active context's, else the stream's own id. */
  readonly traceId: string;
  readonly #recorder: EventRecorder;
  readonly #session: Session;
  readonly #store = new WindowStore(KEEP_BATCHES);
  #frames = 0;
  #next = 0;

  constructor(options: NdiWitnessPublisherOptions = {}) {
    const ids = newStreamIds(options);
    this.streamId = ids.streamId;
    this.traceId = ids.traceId;
    this.streamName = boundedName(options.streamName, 'IF.yologuard.01');
    this.#recorder = newRecorder(options.tracerProvider);
    const attributes = { 'ndi.stream.id': this.streamId, 'ndi.stream.name': this.streamName };
    this.#session = this.#recorder.startSession({ name: 'ndi.stream', attributes }, ids.context);
    const payload = { stream_name: this.streamName, stream_id: this.streamId, timestamp: Date.now() / 1_000 };
    this.#session.event({ name: 'ndi_stream_created', payload });
  }

  /**
   * Records `ndi_frame_published`: 50 tokens and one for each whole 1,000 octets in, 20 out, $0.00001 for each token.
   * @throws TypeError when `frame` is no Uint8Array; RangeError for a frame number that is no whole number from 0 up.
   */
  publishFrame(frame: Uint8Array, options: PublishFrameOptions = {}): PublishedFrame {
    if (!(frame instanceof Uint8Array)) throw new TypeError('frame must be a Uint8Array or a Buffer');
    const { frameNumber = this.#next, resolution = '1920x1080', fps = 60, traceId } = options;
    if (!Number.isSafeInteger(frameNumber) || frameNumber < 0) {
      throw new RangeError('frameNumber must be a whole number from 0 up');
    }
    this.#next = Math.max(this.#next, frameNumber + 1);
    this.#frames++;
    const hash = sha256Hex(frame);
    const tokensIn = 50 + Math.floor(frame.length / 1_000);
    const logged = this.#record(
      {
        name: 'ndi_frame_published',
        payload: {
          frame_number: frameNumber,
          content_hash: hash,
          resolution,
          fps,
          size_bytes: frame.length,
          timestamp: Date.now() / 1_000,
        },
        usage: {
          tokensIn,
          tokensOut: TOKENS_OUT,
          costUsd: hundredThousandths(tokensIn + TOKENS_OUT),
          model: MODEL,
          isEstimated: true,
        },
      },
      traceId,
    );
    return { frameNumber, hash, logged };
  }

  /**
   * Publishes frames, and records `ndi_batch_complete` for each `batchSize` of them and for what is left at the end.
   * @returns the business trace id
   * @throws TypeError, RangeError as {@link publishFrame}, and RangeError for a batch size that is no whole number above 0.
   */
  publishBatch(
    frames: Iterable<Uint8Array>,
    batchSize = 30,
    options: Omit<PublishFrameOptions, 'frameNumber'> = {},
  ): string {
    if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
      throw new RangeError('batchSize must be a whole number above 0');
    }
    let batch: FrameWindow | undefined;
    let [batchNumber, processed] = [0, 0];
    const header = headerOf(options);
    for (const frame of frames) {
      batch ??= new FrameWindow(++batchNumber, Date.now());
      const { frameNumber, hash } = this.publishFrame(frame, options);
      batch.add(frameNumber, header, frame.length)(hash);
      processed++;
      if (batch.size < batchSize) continue;
      this.#complete(batch, processed, options.traceId);
      batch = undefined;
    }
    if (batch !== undefined) this.#complete(batch, processed, options.traceId);
    return options.traceId ?? this.traceId;
  }

  /** The proof that a frame was in its batch; undefined for one that `publishBatch` did not publish, or long ago. */
  proof(frameNumber: number): FrameProof | undefined {
    return this.#store.proof(frameNumber);
  }

  /** Records `ndi_stream_closed` and ends the stream's span. A second call does nothing. */
  close(traceId?: string): void {
    if (this.#session.hasEnded) return;
    const payload = { stream_name: this.streamName, total_frames: this.#frames, timestamp: Date.now() / 1_000 };
    this.#record({ name: 'ndi_stream_closed', payload }, traceId);
    this.#session.end({ 'ndi.frames': this.#frames, 'ndi.end_reason': 'closed' });
  }

  #complete(batch: FrameWindow, processed: number, traceId: string | undefined): void {
    batch.isClosed = true;
    batch.endMs = Date.now();
    const sealed = batch.seal(this.streamId);
    this.#store.add(sealed);
    this.#record(batchEvent(batch, sealed, processed), traceId);
  }

  #record(event: Parameters<Session['event']>[0], traceId: string | undefined): boolean {
    const { context } = this.#session;
    return this.#recorder.record(event, traceId === undefined ? context : withBusinessIds({ traceId }, context));
  }
}

/** The guide's words for a frame as the fields that `verifyFrame` takes: `{ xres, yres, frameRateN, frameRateD: 1 }`. */
function headerOf({ resolution = '1920x1080', fps = 60 }: PublishFrameOptions): HeaderTexts {
  const [, xres, yres] = /^(\d{1,6})x(\d{1,6})$/.exec(resolution) ?? [];
  const size = xres === undefined || yres === undefined ? {} : { xres, yres };
  return { ...size, frameRateN: String(fps), frameRateD: '1' };
}

/** `count × 0.00001` as exact decimal text. */
function hundredThousandths(count: number): string {
  const digits = String(count).padStart(6, '0');
  return `${digits.slice(0, -5)}.${digits.slice(-5)}`.replace(/\.?0+$/, '');
}
