/** Hashing in a worker: hashes are right, drops are told, frames are never held back. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { instrumentSender, ndiStreamOf, verifyFrame } from '../dist/index.js';
import { WorkerHasher } from '../dist/worker-hasher.js';
import { FakeSender, frameOf, sha256, watch } from './support.js';

type Outcome = readonly [sha256: string | undefined, reason: string | undefined];

const hashed = (hasher: WorkerHasher, bytes: Uint8Array): Promise<Outcome> =>
  new Promise((resolve) => hasher.hash(bytes, (hash, reason) => resolve([hash, reason])));

test('hashes of octets of any length, growing and shrinking, are those of node:crypto', async () => {
  const hasher = new WorkerHasher(64);
  const lengths = fc.oneof(
    fc.nat(200),
    fc.integer({ min: 4_000, max: 9_000 }),
    fc.constantFrom(0, 4_095, 4_096, 4_097),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(lengths, fc.nat(255)), { minLength: 1, maxLength: 60 }), async (sizes) => {
      const all = sizes.map(([length, seed]) => new Uint8Array(length).map((_, i) => (seed + i * 13) & 0xff));
      const outcomes = await Promise.all(all.map((bytes) => hashed(hasher, bytes)));
      expect(outcomes).toEqual(all.map((bytes) => [sha256(bytes), undefined]));
    }),
    { numRuns: 50 },
  );
  hasher.close();
});

test('without a free slot the hash is dropped at once, and a slot that is free again is used', async () => {
  const hasher = new WorkerHasher(2);
  const bytes = [0, 1, 2].map((seed) => new Uint8Array(100_000).fill(seed));
  const [first, second, third] = await Promise.all(bytes.map((some) => hashed(hasher, some)));
  expect(first).toEqual([sha256(bytes[0]!), undefined]);
  expect(second).toEqual([sha256(bytes[1]!), undefined]);
  expect(third).toEqual([undefined, 'hash_dropped']);
  expect(await hashed(hasher, bytes[2]!)).toEqual([sha256(bytes[2]!), undefined]);
  hasher.close();
});

test('a worker that ends gives up what it had, once each, and all that comes', async () => {
  const hasher = new WorkerHasher(8);
  const pending = [1, 2, 3].map(() => hashed(hasher, new Uint8Array(1_000)));
  hasher.close();
  expect(await Promise.all(pending)).toEqual(pending.map(() => [undefined, 'hash_worker_failed']));
  expect(await hashed(hasher, new Uint8Array(1))).toEqual([undefined, 'hash_worker_failed']);
});

test('a frame too large for the memory is not hashed', async () => {
  const hasher = new WorkerHasher(1);
  const huge = Object.defineProperty(new Uint8Array(1), 'length', { value: 2 ** 31 });
  expect(await hashed(hasher, huge)).toEqual([undefined, 'hash_out_of_memory']);
  hasher.close();
});

test('in a burst every frame is sent, and each is hashed and provable or recorded as unhashed', async () => {
  const { tracerProvider, payloads } = watch();
  const real = new FakeSender();
  const sender = instrumentSender(real, { tracerProvider, hashing: 'worker', workerSlots: 3, windowFrames: 10 });
  const stream = ndiStreamOf(sender);
  const frames = Array.from({ length: 45 }, (_, i) => frameOf(i));
  for (const frame of frames) void sender.video(frame);
  await stream.close();
  expect(real.sent.length).toBe(45);
  const windows = payloads('ndi_batch_complete');
  expect(windows.map(({ batch_number, frames }) => [batch_number, frames])).toEqual([
    [1, 10],
    [2, 10],
    [3, 10],
    [4, 10],
    [5, 5],
  ]);
  const records = frames.map((_, i) => stream.frame(i)!);
  const unhashed = records.filter(({ dataSha256 }) => dataSha256 === undefined).length;
  expect(unhashed).toBe(42);
  expect(windows.reduce((sum, { unhashed_frames }) => sum + Number(unhashed_frames), 0)).toBe(unhashed);
  const drops = payloads('ndi_error');
  expect(new Set(drops.map(({ error_type }) => error_type))).toEqual(new Set(['hash_dropped']));
  expect(drops.reduce((sum, { unhashed_frames }) => sum + Number(unhashed_frames), 0)).toBe(unhashed);
  expect(payloads('ndi_stream_closed')).toMatchObject([{ unhashed_frames: unhashed, total_frames: 45 }]);
  for (const [i, frame] of frames.entries()) {
    const root = String(windows[Math.floor(i / 10)]!.root);
    expect(verifyFrame(frame.data, frame, stream.proof(i)!, root)).toBe(records[i]!.dataSha256 !== undefined);
  }
});
