/** The last windows, for proofs of their frames. Bounded: the oldest goes when a new one comes. */
import type { FrameProof } from './frame-proof.js';
import type { FrameRecord } from './frame-record.js';
import type { SealedWindow } from './frame-window.js';
import { inclusionPath } from './inclusion-path.js';

/** Keeps sealed windows. */
export class WindowStore {
  readonly #capacity: number;
  #windows: SealedWindow[] = [];

  /** @param capacity windows that are kept, 0 or more */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(window: SealedWindow): void {
    this.#windows.push(window);
    if (this.#windows.length > this.#capacity) this.#windows.shift();
  }

  frame(frameNumber: number): FrameRecord | undefined {
    return this.#find(frameNumber)?.window.frames.find((frame) => frame.frameNumber === frameNumber);
  }

  proof(frameNumber: number): FrameProof | undefined {
    const found = this.#find(frameNumber);
    return found && proofOf(found.window, found.index);
  }

  /** The newest window that has the number: a caller who numbers by hand may use one twice. */
  #find(frameNumber: number): { readonly window: SealedWindow; readonly index: number } | undefined {
    for (let at = this.#windows.length - 1; at >= 0; at--) {
      const window = this.#windows[at]!;
      const index = window.frames.findIndex((frame) => frame.frameNumber === frameNumber);
      if (index >= 0) return { window, index };
    }
    return undefined;
  }
}

/** The proof of a window's frame. @throws RangeError when there is no such frame. */
export function proofOf(window: SealedWindow, index: number): FrameProof {
  const path = inclusionPath(window.frameHashes, index);
  const { streamId, batchNumber, rootHex, frames } = window;
  const { frameNumber } = frames[index]!;
  return { streamId, batchNumber, frameNumber, index, size: frames.length, path, rootHex };
}
