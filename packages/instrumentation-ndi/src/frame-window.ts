/** Frames that become one entry: collected, hashed as the hashes come, then sealed under one root. */
import { type FrameRecord, frameHashHex } from './frame-record.js';
import { rootOfLeaves } from './inclusion-path.js';
import type { HeaderTexts } from './video-frame.js';

/** A window that is whole. */
export interface SealedWindow {
  readonly streamId: string;
  /** From 1. */
  readonly batchNumber: number;
  readonly rootHex: string;
  readonly frames: readonly FrameRecord[];
  /** Hashes of the frames, hex, in the same order. */
  readonly frameHashes: readonly string[];
}

/** A record whose hash may still come. */
type Frame = { -readonly [Key in keyof FrameRecord]: FrameRecord[Key] };

/** A window under way. At least one frame is added before it is sealed. */
export class FrameWindow {
  readonly batchNumber: number;
  /** Unix milliseconds. */
  readonly startMs: number;
  endMs: number;
  /** Times a frame came a period or more after it was due, and the periods that went by without one. */
  lateFrames = 0;
  droppedFrames = 0;
  /** Milliseconds. */
  maxLateMs = 0;
  firstLateFrame: number | undefined;
  failedFrames = 0;
  /** Frames whose hashing was dropped, by reason. */
  readonly unhashed: Map<string, number> = new Map();
  isClosed = false;
  readonly #frames: Frame[] = [];
  #pending = 0;

  constructor(batchNumber: number, startMs: number) {
    this.batchNumber = batchNumber;
    this.startMs = startMs;
    this.endMs = startMs;
  }

  get size(): number {
    return this.#frames.length;
  }

  /** No more frames, and every hash is there or given up. */
  get isReady(): boolean {
    return this.isClosed && this.#pending === 0;
  }

  /** Takes a frame whose hash comes later. @returns what takes the hash, or why there is none; the second call does nothing. */
  add(
    frameNumber: number,
    header: HeaderTexts,
    dataOctets: number,
  ): (sha256: string | undefined, reason?: string) => FrameRecord {
    const frame: Frame = { frameNumber, header, dataOctets, dataSha256: undefined };
    let isSettled = false;
    this.#frames.push(frame);
    this.#pending++;
    return (sha256, reason = 'hash_failed') => {
      if (isSettled) return frame;
      isSettled = true;
      this.#pending--;
      frame.dataSha256 = sha256;
      if (sha256 === undefined) this.unhashed.set(reason, (this.unhashed.get(reason) ?? 0) + 1);
      return frame;
    };
  }

  late(frameNumber: number, lateMs: number, dropped: number): void {
    this.lateFrames++;
    this.droppedFrames += dropped;
    this.maxLateMs = Math.max(this.maxLateMs, lateMs);
    this.firstLateFrame ??= frameNumber;
  }

  seal(streamId: string): SealedWindow {
    const frameHashes = this.#frames.map(frameHashHex);
    return {
      streamId,
      batchNumber: this.batchNumber,
      rootHex: rootOfLeaves(frameHashes),
      frames: this.#frames,
      frameHashes,
    };
  }
}
