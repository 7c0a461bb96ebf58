/** How many spans a request holds, without reading them: for what is refused unread. */
import { OtlpDecodeError } from './decode-error.js';
import { ProtoReader } from './proto-reader.js';

/** Spans of a protobuf `ExportTraceServiceRequest`; 0 when it is malformed. */
export function countSpans(request: Uint8Array): number {
  const reader = new ProtoReader(request);
  let spans = 0;
  try {
    eachMessage(reader, 0x0a, () => eachMessage(reader, 0x12, () => eachMessage(reader, 0x12, () => spans++)));
    return spans;
  } catch (error) {
    if (error instanceof OtlpDecodeError) return 0;
    throw error;
  }
}

/** Reads the message that the reader is in to its end, entering each message under `wanted`. */
function eachMessage(reader: ProtoReader, wanted: number, read: () => void): void {
  while (reader.pos < reader.end) {
    const tag = reader.tag();
    if (tag !== wanted) reader.skip(tag);
    else {
      const outerEnd = reader.enter();
      read();
      reader.leave(outerEnd);
    }
  }
}
