/**
 * Decompression within a size and a memory: a few kilobytes can stand for gigabytes, so output is counted as it comes and
 * the rest is never produced. What is small is done at once; what is large, off this thread, so that others are not kept
 * waiting meanwhile.
 */
import { createGunzip, createInflate, gunzipSync, inflateSync } from 'node:zlib';
import type { Coding } from './content-headers.js';
import type { Loan } from './loan.js';
import { malformed, noMemory, type Refusal, tooLarge } from './refusal.js';

/** Up to these sizes decompressing takes this thread no longer than handing over would: 0.07 ms each for 128 kB of spans. */
const SYNC_IN_BYTES = 32 * 1024;
const SYNC_OUT_BYTES = 128 * 1024;
/** Deflate says nothing about its length. */
const DEFLATE_GUESS_BYTES = 16 * 1024;
const CHUNK_BYTES = 64 * 1024;
/** What a decompressor takes that works off this thread: its window, its tables, the chunk that it fills. */
const WORK_BYTES = CHUNK_BYTES + 48 * 1024;

/** Decompresses and calls `done` once, at once or later. What comes out is borrowed from `loan`, what went in stays so. */
export function inflateWithin(
  coding: Exclude<Coding, 'identity'>,
  body: Uint8Array,
  maxBytes: number,
  loan: Loan,
  done: (outcome: Uint8Array | Refusal) => void,
): void {
  const claimed = coding === 'gzip' ? claimedLength(body) : DEFLATE_GUESS_BYTES;
  if (body.length <= SYNC_IN_BYTES && claimed <= SYNC_OUT_BYTES) {
    const outcome = inflateNow(coding, body, Math.min(maxBytes, SYNC_OUT_BYTES), claimed, loan);
    if (outcome !== 'longer' || maxBytes <= SYNC_OUT_BYTES) {
      done(outcome === 'longer' ? tooLarge(maxBytes) : outcome);
      return;
    }
  }
  inflateLater(coding, body, maxBytes, loan, done);
}

/** What the last four bytes of gzip say about the length (RFC 1952). A hint: with several members it is the last one's. */
function claimedLength(body: Uint8Array): number {
  const { length } = body;
  if (length < 18) return 0;
  return new DataView(body.buffer, body.byteOffset, length).getUint32(length - 4, true);
}

function inflateNow(
  coding: Exclude<Coding, 'identity'>,
  body: Uint8Array,
  maxBytes: number,
  claimed: number,
  loan: Loan,
): Uint8Array | Refusal | 'longer' {
  // One more than claimed: a chunk that was filled to its end is followed by another.
  const options = { maxOutputLength: maxBytes, chunkSize: Math.max(64, Math.min(claimed, maxBytes) + 1) };
  try {
    const output = coding === 'gzip' ? gunzipSync(body, options) : inflateSync(body, options);
    return loan.take(output.length) ? output : noMemory(loan, output.length);
  } catch (error) {
    return error instanceof RangeError ? 'longer' : notCompressed(coding);
  }
}

function inflateLater(
  coding: Exclude<Coding, 'identity'>,
  body: Uint8Array,
  maxBytes: number,
  loan: Loan,
  done: (outcome: Uint8Array | Refusal) => void,
): void {
  if (!loan.take(WORK_BYTES)) {
    done(noMemory(loan, WORK_BYTES));
    return;
  }
  const stream =
    coding === 'gzip' ? createGunzip({ chunkSize: CHUNK_BYTES }) : createInflate({ chunkSize: CHUNK_BYTES });
  const chunks: Buffer[] = [];
  let length = 0;
  let isDone = false;
  const finish = (outcome: Uint8Array | Refusal): void => {
    if (isDone) return;
    isDone = true;
    stream.destroy();
    loan.give(WORK_BYTES);
    done(outcome);
  };
  stream.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length > maxBytes) finish(tooLarge(maxBytes));
    else if (!loan.take(chunk.length)) finish(noMemory(loan, chunk.length));
    else chunks.push(chunk);
  });
  stream.on('end', () => finish(Buffer.concat(chunks, length)));
  stream.on('error', () => finish(notCompressed(coding)));
  stream.end(body);
}

function notCompressed(coding: Coding): Refusal {
  return malformed(`the body is not what its Content-Encoding says: it cannot be read as ${coding}`);
}
