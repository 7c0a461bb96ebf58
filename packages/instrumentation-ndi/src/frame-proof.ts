/** The proof that one frame was in a window, and its check. Whoever checks needs the window's root from the ledger. */
import { sha256Hex } from '@infrafabric/format';
import { frameHashHex } from './frame-record.js';
import { rootOfPath } from './inclusion-path.js';
import { headerTextsOf, type VideoHeader, visibleBytesOf } from './video-frame.js';

/** JSON as it stands. */
export interface FrameProof {
  readonly streamId: string;
  /** Of the `ndi_batch_complete` that holds the root. */
  readonly batchNumber: number;
  readonly frameNumber: number;
  /** The frame's place in its window, from 0. */
  readonly index: number;
  /** Frames of the window. */
  readonly size: number;
  /** Siblings from the leaf up, hex. */
  readonly path: readonly string[];
  /** The root that the window had. The check does not believe it. */
  readonly rootHex: string;
}

const HASH = /^[0-9a-f]{64}$/;

/**
 * Whether these octets with this header were handed to the sender as that frame of the window with that root. Never throws:
 * a malformed proof proves nothing.
 * @param data the frame's buffer; octets behind the picture do not count
 * @param header the fields as they were given to the sender; the frame itself will do
 * @param rootHex `root` of the window's `ndi_batch_complete`, from a ledger that was verified
 */
export function verifyFrame(
  data: ArrayBufferView | ArrayBufferLike,
  header: VideoHeader,
  proof: FrameProof,
  rootHex: string,
): boolean {
  try {
    const { frameNumber, index, size, path } = proof;
    const texts = headerTextsOf(header);
    const visible = visibleBytesOf({ data }, texts);
    if (visible === undefined || !HASH.test(rootHex)) return false;
    if (!Array.isArray(path) || !path.every((hash) => typeof hash === 'string' && HASH.test(hash))) return false;
    const record = { frameNumber, header: texts, dataOctets: visible.length, dataSha256: sha256Hex(visible) };
    return rootOfPath(frameHashHex(record), index, size, path) === rootHex;
  } catch {
    return false;
  }
}
