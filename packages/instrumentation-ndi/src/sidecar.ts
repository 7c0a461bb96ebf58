/**
 * Windows in a file beside the ledger, so that any frame can be proven later: one line of JSON for each window. Formats are
 * written once a line and named by number: about 110 octets a frame. The file proves nothing by itself; the roots in the ledger do.
 */
import { createWriteStream, type WriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FrameProof } from './frame-proof.js';
import { type FrameRecord, frameHashHex } from './frame-record.js';
import type { SealedWindow } from './frame-window.js';
import { rootOfLeaves } from './inclusion-path.js';
import type { HeaderTexts } from './video-frame.js';
import { proofOf } from './window-store.js';

/** A disk that does not keep up must not fill the memory. */
const MAX_WAITING_OCTETS = 16 * 2 ** 20;

interface SidecarLine {
  readonly stream_id: string;
  readonly batch_number: number;
  readonly first_frame: number;
  readonly root: string;
  readonly headers: readonly HeaderTexts[];
  /** SHA-256 or null, octets, index of the header, timecode where there is one. */
  readonly frames: readonly (readonly [string | null, number, number, string?])[];
}

/** Appends windows to a file. */
export class Sidecar {
  readonly #file: WriteStream;
  #hasFailed = false;

  /** @param onFailure called once; nothing is written any more */
  constructor(path: string, onFailure: (error: unknown) => void) {
    this.#file = createWriteStream(path, { flags: 'a' });
    this.#file.on('error', (error) => {
      if (!this.#hasFailed) onFailure(error);
      this.#hasFailed = true;
    });
  }

  /** @returns false when the window was not taken, because the disk does not keep up or failed. */
  write(window: SealedWindow): boolean {
    if (this.#hasFailed || this.#file.writableLength > MAX_WAITING_OCTETS) return false;
    this.#file.write(`${JSON.stringify(lineOf(window))}\n`);
    return true;
  }

  /** Ends the file; settles when all is written, and when it cannot be. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#hasFailed) return resolve();
      this.#file.once('close', () => resolve());
      this.#file.end();
    });
  }
}

/**
 * The proof of a frame from a sidecar file; undefined when no whole line has it. Lines that are damaged are passed over.
 * @param streamId of the stream, where the file has several
 * @throws Error when the file cannot be read
 */
export async function readFrameProof(
  path: string,
  frameNumber: number,
  streamId?: string,
): Promise<FrameProof | undefined> {
  // A handle and not a path: readline does not pass on the errors of a stream that cannot be opened.
  const file = await open(path);
  try {
    for await (const line of file.readLines()) {
      const window = parseLine(line);
      if (window === undefined || (streamId !== undefined && window.streamId !== streamId)) continue;
      const index = window.frames.findIndex((frame) => frame.frameNumber === frameNumber);
      if (index >= 0) return proofOf(window, index);
    }
    return undefined;
  } finally {
    await file.close();
  }
}

function lineOf(window: SealedWindow): SidecarLine {
  const headers: HeaderTexts[] = [];
  const places = new Map<string, number>();
  const frames = window.frames.map(({ header, dataOctets, dataSha256 }) => {
    const { timecode, ...format } = header;
    const key = JSON.stringify(format);
    let place = places.get(key);
    if (place === undefined) {
      place = headers.push(format) - 1;
      places.set(key, place);
    }
    const frame = [dataSha256 ?? null, dataOctets, place] as const;
    return timecode === undefined ? frame : ([...frame, timecode] as const);
  });
  return {
    stream_id: window.streamId,
    batch_number: window.batchNumber,
    first_frame: window.frames[0]!.frameNumber,
    root: window.rootHex,
    headers,
    frames,
  };
}

/** A line as a window, or undefined unless its root is that of its frames. */
function parseLine(line: string): SealedWindow | undefined {
  try {
    const { stream_id, batch_number, first_frame, root, headers, frames } = JSON.parse(line) as SidecarLine;
    const records = frames.map(([sha256, dataOctets, place, timecode], at): FrameRecord => {
      const header = { ...headers[place], ...(timecode === undefined ? {} : { timecode }) };
      return { frameNumber: first_frame + at, header, dataOctets, dataSha256: sha256 ?? undefined };
    });
    const frameHashes = records.map(frameHashHex);
    if (rootOfLeaves(frameHashes) !== root) return undefined;
    return { streamId: stream_id, batchNumber: batch_number, rootHex: root, frames: records, frameHashes };
  } catch {
    return undefined;
  }
}
