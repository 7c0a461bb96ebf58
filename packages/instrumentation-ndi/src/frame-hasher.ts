/** Who computes SHA-256 of a frame's octets: the calling thread, here, or a worker. */
import { sha256Hex } from '@infrafabric/format';

/** Takes the hash, or undefined and why there is none. Called once for every frame, in the order of the frames or not. */
export type OnHash = (sha256: string | undefined, reason?: string) => void;

/** Hashes frames. No method throws. */
export interface FrameHasher {
  /** Has read all of `bytes` when it returns: the caller's buffer is its own again. */
  hash(bytes: Uint8Array, onHash: OnHash): void;
  /** No more frames come; what is under way keeps the process alive until its hash is there. */
  drain(): void;
  /** Gives up what is under way. */
  close(): void;
}

/** Hashes at once, on the thread that sends: about 2.4 ms for 1080p UYVY where the processor has SHA instructions. */
export const MAIN_THREAD_HASHER: FrameHasher = {
  hash(bytes, onHash) {
    onHash(sha256Hex(bytes));
  },
  drain() {},
  close() {},
};
