/** Frames that ffmpeg made, through the wrapped sender into a second ffmpeg: its `framehash` of every frame is ours. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { peer } from '../../../test/peers.js';
import { instrumentSender, ndiStreamOf, verifyFrame } from '../dist/index.js';
import { UYVY, watch } from './support.js';

const ffmpeg = peer('ffmpeg', ['ffmpeg', '-version']);

const [WIDTH, HEIGHT, RATE, FRAMES] = [640, 360, 60, 120] as const;
const FRAME_OCTETS = WIDTH * HEIGHT * 2;
const RAW = ['-f', 'rawvideo', '-pix_fmt', 'uyvy422', '-s', `${WIDTH}x${HEIGHT}`, '-r', String(RATE)];

/** Frames of a test picture, one buffer each. */
async function* rawFrames(): AsyncGenerator<Buffer> {
  const source = `testsrc2=size=${WIDTH}x${HEIGHT}:rate=${RATE}`;
  const args = [
    '-v',
    'error',
    '-f',
    'lavfi',
    '-i',
    source,
    '-frames:v',
    String(FRAMES),
    '-pix_fmt',
    'uyvy422',
    '-f',
    'rawvideo',
    '-',
  ];
  const run = spawn('ffmpeg', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let rest = Buffer.alloc(0);
  for await (const chunk of run.stdout as AsyncIterable<Buffer>) {
    rest = Buffer.concat([rest, chunk]);
    for (; rest.length >= FRAME_OCTETS; rest = rest.subarray(FRAME_OCTETS))
      yield Buffer.from(rest.subarray(0, FRAME_OCTETS));
  }
}

/** A sender whose receiver is an ffmpeg that prints the hash of each frame. */
class FfmpegSender {
  readonly #run = spawn('ffmpeg', ['-v', 'error', ...RAW, '-i', '-', '-f', 'framehash', '-hash', 'sha256', '-'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  readonly #printed: Promise<string> = text(this.#run.stdout);

  async video({ data }: { readonly data: Buffer }): Promise<void> {
    if (!this.#run.stdin.write(data)) await once(this.#run.stdin, 'drain');
    // The application's buffer is its own again.
    else await new Promise((resolve) => setImmediate(resolve));
  }

  async destroy(): Promise<void> {
    this.#run.stdin.end();
    await this.#printed;
  }

  /** The last column of each line: `stream, dts, pts, duration, size, hash`. */
  async hashes(): Promise<string[]> {
    const lines = (await this.#printed).split('\n').filter((line) => /^\d/.test(line));
    return lines.map((line) => line.split(',').at(-1)!.trim());
  }
}

async function text(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test.for(['main', 'worker'] as const)(
  'ffmpeg hashes every frame as the %s thread did, and every frame is provable',
  async (hashing, context) => {
    ffmpeg.need(context);
    const { tracerProvider, payloads } = watch();
    const real = new FfmpegSender();
    const sender = instrumentSender(real, { tracerProvider, hashing, workerSlots: 128 });
    const stream = ndiStreamOf(sender);
    const kept: Buffer[] = [];
    for await (const data of rawFrames()) {
      kept.push(data);
      await sender.video({ ...HEADER, data });
    }
    await sender.destroy();
    await stream.close();
    const hashes = await real.hashes();
    expect(hashes.length).toBe(FRAMES);
    expect(new Set(hashes).size).toBe(FRAMES);
    expect(hashes).toEqual(hashes.map((_, i) => stream.frame(i)?.dataSha256));

    const windows = payloads('ndi_batch_complete');
    expect(windows[0]!.first_hash).toBe(hashes[0]);
    expect(windows.at(-1)!.last_hash).toBe(hashes.at(-1));
    for (const [i, data] of kept.entries()) {
      const { root } = windows.find(({ last_frame }) => Number(last_frame) >= i)!;
      expect(verifyFrame(data, HEADER, stream.proof(i)!, String(root))).toBe(true);
    }
  },
);

const HEADER = {
  xres: WIDTH,
  yres: HEIGHT,
  frameRateN: RATE,
  frameRateD: 1,
  fourCC: UYVY,
  pictureAspectRatio: 16 / 9,
  frameFormatType: 1,
  lineStrideBytes: 2 * WIDTH,
} as const;
