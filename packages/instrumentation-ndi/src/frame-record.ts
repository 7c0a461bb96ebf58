/**
 * What is witnessed of one frame, and its hash: the leaf of its window's tree. The leaf's octets are the canonical JSON
 * (RFC 8785) of the record, so header and octets are bound together, and SHA-256 of the octets alone stays readable.
 */
import { encodeCanonicalJson, leafHashHex } from '@infrafabric/format';
import type { HeaderTexts } from './video-frame.js';

/** One frame as it was handed to the sender. */
export interface FrameRecord {
  /** Counted from 0 in the order of hand-over. */
  readonly frameNumber: number;
  readonly header: HeaderTexts;
  /** Octets that are picture. */
  readonly dataOctets: number;
  /** SHA-256 of them, hex, as `ffmpeg -f framehash -hash sha256` prints it; undefined when the hashing was dropped. */
  readonly dataSha256: string | undefined;
}

/** The record as the text that is hashed, e.g. `{"data_octets":4,"data_sha256":"…","frame_number":0,"header":{"xres":"2"}}`. */
export function encodeFrameRecord(record: FrameRecord): string {
  return encodeCanonicalJson({
    data_octets: record.dataOctets,
    data_sha256: record.dataSha256,
    frame_number: record.frameNumber,
    header: record.header,
  });
}

/** The frame's hash, hex: RFC 6962 §2.1 leaf hash of {@link encodeFrameRecord}. */
export function frameHashHex(record: FrameRecord): string {
  return leafHashHex(encodeFrameRecord(record));
}
