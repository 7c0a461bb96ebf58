/** Proofs of single frames: each holds for its own frame, header, index and root, and for nothing else. */

import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  encodeFrameRecord,
  type FrameProof,
  frameHashHex,
  instrumentSender,
  type NdiStream,
  ndiStreamOf,
  readFrameProof,
  type VideoFrame,
  verifyFrame,
} from '../dist/index.js';
import { FakeSender, frameOf, until, watch } from './support.js';

interface Streamed {
  readonly frames: readonly (VideoFrame & { data: Buffer })[];
  readonly stream: NdiStream;
  readonly roots: readonly string[];
}

function streamed(count: number, options: object = {}): Streamed {
  const { tracerProvider, payloads } = watch();
  const sender = instrumentSender(new FakeSender(), {
    tracerProvider,
    windowFrames: count,
    windowMs: 60_000,
    ...options,
  });
  const frames = Array.from({ length: count }, (_, i) => frameOf(i));
  for (const frame of frames) void sender.video(frame);
  const stream = ndiStreamOf(sender);
  stream.flush();
  return { frames, stream, roots: payloads('ndi_batch_complete').map(({ root }) => String(root)) };
}

/** MTH of RFC 6962 §2.1, as it stands there. */
function treeHash(leaves: readonly Buffer[]): Buffer {
  const sha256 = (prefix: number, ...parts: readonly Buffer[]): Buffer =>
    createHash('sha256')
      .update(Buffer.concat([Buffer.of(prefix), ...parts]))
      .digest();
  if (leaves.length === 1) return sha256(0, leaves[0]!);
  let k = 1;
  while (2 * k < leaves.length) k *= 2;
  return sha256(1, treeHash(leaves.slice(0, k)), treeHash(leaves.slice(k)));
}

describe.each([...Array(65).keys()].map((i) => i + 1))('a window of %i frames', (size) => {
  const { frames, stream, roots } = streamed(size);
  const root = roots[0]!;

  test('has the root that RFC 6962 defines over its records', () => {
    const leaves = frames.map((_, i) => Buffer.from(encodeFrameRecord(stream.frame(i)!)));
    expect(roots).toEqual([treeHash(leaves).toString('hex')]);
  });

  test('proves every frame, and no other frame, header, index, size or root by the same proof', () => {
    for (const [i, frame] of frames.entries()) {
      const proof = stream.proof(i)!;
      expect(proof).toMatchObject({ frameNumber: i, index: i, size, rootHex: root, batchNumber: 1 });
      expect(JSON.parse(JSON.stringify(proof))).toEqual(proof);
      expect(verifyFrame(frame.data, frame, proof, root)).toBe(true);

      const flipped = Buffer.from(frame.data);
      flipped[i % flipped.length]! ^= 1;
      const other = frames[(i + 1) % size]!;
      const wrong: readonly (readonly [Buffer, VideoFrame, FrameProof, string])[] = [
        [flipped, frame, proof, root],
        [frame.data, { ...frame, xres: 9 }, proof, root],
        [frame.data, { ...frame, timecode: 1n }, proof, root],
        [frame.data, frame, { ...proof, frameNumber: i + 1 }, root],
        [frame.data, frame, { ...proof, index: size }, root],
        [frame.data, frame, proof, frameHashHex(stream.frame(i)!).replace(/./, (digit) => (digit === '0' ? '1' : '0'))],
        [frame.data, frame, { ...proof, path: [...proof.path, root] }, root],
        ...(size === 1
          ? []
          : ([
              [other.data, other, proof, root],
              [frame.data, frame, { ...proof, index: (i + 1) % size }, root],
              [frame.data, frame, { ...proof, path: proof.path.slice(1) }, root],
              [frame.data, frame, { ...proof, path: [...proof.path.slice(1), root] }, root],
            ] as const)),
      ];
      for (const [at, args] of wrong.entries()) expect([at, verifyFrame(...args)]).toEqual([at, false]);
    }
  });
});

test('octets behind the picture do not matter to a proof', () => {
  const { frames, stream, roots } = streamed(3);
  const padded = Buffer.concat([frames[1]!.data, Buffer.alloc(64, 7)]);
  expect(verifyFrame(padded, frames[1]!, stream.proof(1)!, roots[0]!)).toBe(true);
  expect(verifyFrame(padded.subarray(0, 63), frames[1]!, stream.proof(1)!, roots[0]!)).toBe(false);
});

test('anything as a proof is refused or is the proof, and nothing throws', () => {
  const { frames, stream, roots } = streamed(9);
  const good = stream.proof(4)!;
  const member = fc.oneof(fc.anything(), fc.constantFrom(...Object.values(good)));
  const proofs = fc.oneof(
    fc.anything(),
    fc.record({ frameNumber: member, index: member, size: member, path: member }, { requiredKeys: [] }),
    fc.record({ index: fc.double(), size: fc.double() }).map((some) => ({ ...good, ...some })),
    fc.array(fc.constantFrom(...good.path, roots[0]!), { maxLength: 60 }).map((path) => ({ ...good, path })),
  );
  fc.assert(
    fc.property(proofs, fc.oneof(fc.anything(), fc.constant(roots[0])), (proof, root) => {
      const given = proof as FrameProof;
      const isGood =
        verifyFrame(frames[4]!.data, frames[4]!, given, root as string) &&
        (root !== roots[0] || JSON.stringify(given.path) !== JSON.stringify(good.path) || given.index !== 4);
      expect(isGood).toBe(false);
    }),
    { numRuns: 2_000 },
  );
});

test('proofs are kept for as many windows as was asked for', () => {
  const { tracerProvider } = watch();
  const sender = instrumentSender(new FakeSender(), { tracerProvider, windowFrames: 2, keepWindows: 3 });
  const stream = ndiStreamOf(sender);
  for (let i = 0; i < 9; i++) void sender.video(frameOf(i));
  expect([...Array(10).keys()].filter((i) => stream.proof(i) !== undefined)).toEqual([2, 3, 4, 5, 6, 7]);
  stream.flush();
  expect([...Array(10).keys()].filter((i) => stream.proof(i) !== undefined)).toEqual([4, 5, 6, 7, 8]);
  expect(stream.proof(-1)).toBeUndefined();
  expect(stream.proof(Number.NaN)).toBeUndefined();
});

describe('the sidecar file', () => {
  const newPath = (): string => join(mkdtempSync(join(tmpdir(), 'ndi-sidecar-')), 'frames.jsonl');

  test('proves every frame of a stream, also when formats and timecodes change, and tells streams apart', async () => {
    const sidecarPath = newPath();
    const runs: { stream: NdiStream; frames: (VideoFrame & { data: Buffer })[]; roots: string[] }[] = [];
    for (let run = 0; run < 2; run++) {
      const { tracerProvider, payloads } = watch();
      const sender = instrumentSender(new FakeSender(), {
        tracerProvider,
        sidecarPath,
        windowFrames: 5,
        windowMs: 60_000,
        keepWindows: 0,
      });
      const frames = Array.from({ length: 23 }, (_, i) => frameOf(100 * run + i, { xres: i % 4 === 0 ? 16 : 8 }));
      const { timecode: _, ...untimed } = frames[7]!;
      frames[7] = untimed;
      for (const frame of frames) await sender.video(frame);
      const stream = ndiStreamOf(sender);
      await stream.close();
      expect(stream.proof(3)).toBeUndefined();
      runs.push({ stream, frames, roots: payloads('ndi_batch_complete').map(({ root }) => String(root)) });
    }
    for (const { stream, frames, roots } of runs) {
      for (const [i, frame] of frames.entries()) {
        const proof = await readFrameProof(sidecarPath, i, stream.streamId);
        expect(verifyFrame(frame.data, frame, proof!, roots[Math.floor(i / 5)]!)).toBe(true);
      }
    }
    expect(await readFrameProof(sidecarPath, 23)).toBeUndefined();
    expect(await readFrameProof(sidecarPath, 0, 'ndi-stream-other')).toBeUndefined();
  });

  test('damaged lines are passed over', async () => {
    const sidecarPath = newPath();
    const { stream } = streamed(4, { sidecarPath, windowFrames: 2 });
    await stream.close();
    const [first, second] = readFileSync(sidecarPath, 'utf8').trim().split('\n') as [string, string];
    const damaged = first.replace(/[0-9a-f]{64}/, (hash) => hash.replace(/./, (digit) => (digit === '0' ? '1' : '0')));
    writeFileSync(sidecarPath, ['{"stream_id":', '[]', 'null', damaged, second, ''].join('\n'));
    expect(await readFrameProof(sidecarPath, 0)).toBeUndefined();
    expect(await readFrameProof(sidecarPath, 2)).toMatchObject({ batchNumber: 2, index: 0 });
  });

  test('a file that cannot be read is an error', async () => {
    await expect(readFrameProof(newPath(), 0)).rejects.toThrow('ENOENT');
  });

  test('a file that cannot be written is an ndi_error, and the stream goes on', async () => {
    const { tracerProvider, payloads } = watch();
    const sidecarPath = join(newPath(), 'no', 'such', 'folder');
    const sender = instrumentSender(new FakeSender(), { tracerProvider, sidecarPath });
    await until(() => payloads('ndi_error').length > 0);
    await sender.video(frameOf(0));
    await ndiStreamOf(sender).close();
    expect(payloads('ndi_error')[0]).toMatchObject({ error_type: 'sidecar_failed' });
    expect(payloads('ndi_batch_complete')).toMatchObject([{ frames: 1 }]);
  });
});
