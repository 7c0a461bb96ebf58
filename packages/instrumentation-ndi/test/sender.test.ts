/** The wrapper: what a sender does through it, and that nothing of the watching is felt. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { instrumentSender, ndiStreamOf } from '../dist/index.js';
import { FakeSender, frameOf, payloadOf, sha256, watch } from './support.js';

describe('passing through', () => {
  test('arguments, results and the real this reach both sides unchanged', async () => {
    const { tracerProvider } = watch();
    const real = new FakeSender();
    const sender = instrumentSender(real, { tracerProvider });
    const frame = frameOf(1);
    await expect(sender.video(frame)).resolves.toBe('sent 0');
    expect(real.sent[0]!.frame).toBe(frame);
    expect(sender.connections()).toBe(2);
    expect(sender.tally()).toEqual({ on_program: true });
    expect(sender.name).toBe('studio-1');
    expect(sender.isDestroyed).toBe(false);
    expect(sender).toBeInstanceOf(FakeSender);
    expect(sender.constructor).toBe(FakeSender);
    await sender.destroy();
    expect(real.isDestroyed).toBe(true);
    expect(sender.isDestroyed).toBe(true);
  });

  test('methods keep their identity, work detached, and a chain stays in the wrapper', async () => {
    const real = new FakeSender();
    const sender = instrumentSender(real);
    expect(sender.video).toBe(sender.video);
    const { video } = sender;
    await expect(video(frameOf(1))).resolves.toBe('sent 0');
    expect(sender.on().on()).toBe(sender);
    expect(real.listeners).toBe(2);
  });

  test('properties are those of the sender, to read, to set, to list and to delete', () => {
    const real: FakeSender & { extra?: number } = new FakeSender();
    const sender = instrumentSender(real);
    sender.extra = 3;
    expect(real.extra).toBe(3);
    expect('extra' in sender).toBe(true);
    expect(Object.keys(sender)).toEqual(Object.keys(real));
    delete sender.extra;
    expect('extra' in real).toBe(false);
    Object.defineProperty(sender, 'extra', { value: 4, configurable: true, enumerable: true, writable: true });
    expect({ ...sender }.extra).toBe(4);
  });

  test('a frozen sender is watched as well', async () => {
    const { tracerProvider, payloads } = watch();
    const sender = instrumentSender(Object.freeze({ video: (_: unknown) => 'sync', destroy: () => true }), {
      tracerProvider,
    });
    expect(sender.video(frameOf(0))).toBe('sync');
    expect(sender.destroy()).toBe(true);
    expect(payloads('ndi_batch_complete')).toMatchObject([{ frames: 1 }]);
  });

  test('what is thrown and what rejects comes out as it is, and is recorded', async () => {
    const { tracerProvider, spans, payloads } = watch();
    const broken = Object.assign(new Error('no NDI runtime'), { code: 'ENDI' });
    const real = new FakeSender({
      throwVideo: (call) => (call === 0 ? broken : undefined),
      rejectVideo: (call) => (call === 1 ? 'just text' : undefined),
      rejectAudio: new RangeError('no samples'),
    });
    const sender = instrumentSender(real, { tracerProvider, windowMs: 60_000 });
    expect(() => sender.video(frameOf(0))).toThrow(broken);
    await expect(sender.video(frameOf(1))).rejects.toBe('just text');
    await expect(sender.audio({ data: Buffer.alloc(4) })).rejects.toThrow('no samples');
    await sender.destroy();
    await ndiStreamOf(sender).close();
    expect(payloads('ndi_error')).toMatchObject([
      { method: 'video', frame_number: 0, error_type: 'ENDI', message: 'no NDI runtime' },
      { method: 'video', frame_number: 1, error_type: 'send_failed', message: 'just text' },
      { method: 'audio', error_type: 'RangeError', message: 'no samples' },
    ]);
    expect(spans('ndi_error').map(({ attributes, status }) => [attributes['error.type'], status.code])).toEqual([
      ['ENDI', 2],
      ['send_failed', 2],
      ['RangeError', 2],
    ]);
    expect(payloads('ndi_batch_complete')).toMatchObject([{ frames: 2, failed_frames: 2 }]);
    expect(payloads('ndi_stream_closed')).toMatchObject([{ errors: 3, total_frames: 2 }]);
  });

  test('a sender that always fails has its errors counted, and few told one by one', async () => {
    const { tracerProvider, payloads } = watch();
    const sender = instrumentSender(new FakeSender({ rejectVideo: () => new Error('down') }), {
      tracerProvider,
      windowFrames: 1_000,
      windowMs: 60_000,
    });
    for (let i = 0; i < 100; i++) await expect(sender.video(frameOf(i))).rejects.toThrow('down');
    await sender.destroy();
    expect(payloads('ndi_error').length).toBe(10);
    expect(payloads('ndi_batch_complete')).toMatchObject([{ frames: 100, failed_frames: 100 }]);
    expect(payloads('ndi_stream_closed')).toMatchObject([{ errors: 100 }]);
  });

  test('a rejection that nobody handles still ends the process', () => {
    const index = new URL('../dist/index.js', import.meta.url).href;
    const script = `
      import { instrumentSender } from ${JSON.stringify(index)};
      const sender = instrumentSender({ video: () => Promise.reject(new Error('lost')) });
      void sender.video({});
      setTimeout(() => console.log('still here'), 200);`;
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      encoding: 'utf8',
    });
    expect(run.status).toBe(1);
    expect(run.stderr).toContain('lost');
    expect(run.stdout).toBe('');
  });

  test('without destroy, neither stream nor worker keeps the process alive', () => {
    const index = new URL('../dist/index.js', import.meta.url).href;
    const script = `
      import { instrumentSender } from ${JSON.stringify(index)};
      for (const hashing of ['main', 'worker']) {
        const sender = instrumentSender({ video: () => 1 }, { hashing, windowMs: 3_600_000 });
        sender.video({ xres: 2, yres: 1, lineStrideBytes: 4, fourCC: 'UYVY', data: new Uint8Array(4) });
      }`;
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      encoding: 'utf8',
      timeout: 20_000,
    });
    expect(run).toMatchObject({ status: 0, stderr: '' });
  });
});

describe('hostile frames and senders', () => {
  const hostile: readonly (readonly [string, unknown])[] = [
    ['undefined', undefined],
    ['null', null],
    ['a number', 7],
    ['no data', { xres: 8, yres: 4 }],
    ['data that is no buffer', { data: 'text' }],
    [
      'getters that throw',
      {
        get data() {
          throw new Error('no');
        },
        get xres() {
          throw new Error('no');
        },
      },
    ],
    ['lone surrogates', { fourCC: '\ud800', timecode: '\udc00'.repeat(1_000), data: new Uint8Array(3) }],
    ['not-a-numbers', { xres: Number.NaN, yres: -1, lineStrideBytes: 1e300, data: new Uint8Array(3) }],
    [
      'a cycle',
      (() => {
        const frame: Record<string, unknown> = { data: new Uint8Array(1) };
        frame.fourCC = frame;
        return frame;
      })(),
    ],
    ['an ArrayBuffer', { data: new ArrayBuffer(5) }],
    [
      'a detached buffer',
      (() => {
        const data = new ArrayBuffer(5);
        structuredClone(data, { transfer: [data] });
        return { data };
      })(),
    ],
    [
      'a proxy that throws',
      new Proxy(
        {},
        {
          get() {
            throw new Error('no');
          },
        },
      ),
    ],
  ];

  test.each(hostile)('%s goes to the sender and is counted', async (_, frame) => {
    const { tracerProvider, payloads } = watch();
    const seen: unknown[] = [];
    const sender = instrumentSender({ video: (given: unknown) => seen.push(given) }, { tracerProvider });
    sender.video(frame);
    expect(seen.length).toBe(1);
    expect(seen[0] === frame).toBe(true);
    await ndiStreamOf(sender).close();
    expect(payloads('ndi_batch_complete')).toMatchObject([{ frames: 1, first_frame: 0 }]);
  });

  test('frames without octets are recorded as unhashed', async () => {
    const { tracerProvider, payloads } = watch();
    const sender = instrumentSender({ video: (_: unknown) => 1 }, { tracerProvider });
    sender.video({});
    sender.video(frameOf(1));
    await ndiStreamOf(sender).close();
    expect(payloads('ndi_batch_complete')).toMatchObject([{ frames: 2, unhashed_frames: 1, first_hash: null }]);
    expect(payloads('ndi_error')).toMatchObject([{ error_type: 'no_octets', unhashed_frames: 1, frame_number: 0 }]);
  });

  test('an error that throws when it is looked at is still passed on', async () => {
    const evil = new Proxy(
      {},
      {
        get() {
          throw new Error('looked');
        },
      },
    );
    const { tracerProvider, payloads } = watch();
    const sender = instrumentSender(
      {
        video() {
          throw evil;
        },
      },
      { tracerProvider },
    );
    let thrown: unknown;
    try {
      sender.video();
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBe(evil);
    expect(payloads('ndi_error')).toMatchObject([{ error_type: 'send_failed' }]);
  });

  test("callers' mistakes are refused when the sender is wrapped, with the correction", () => {
    expect(() => instrumentSender({} as never)).toThrow('a method video(frame)');
    expect(() => instrumentSender(null as never)).toThrow(TypeError);
    const real = new FakeSender();
    expect(() => instrumentSender(real, { windowFrames: 0 })).toThrow('whole number from 1 to 65536');
    expect(() => instrumentSender(real, { windowMs: 0.5 })).toThrow(RangeError);
    expect(() => instrumentSender(real, { keepWindows: -1 })).toThrow(RangeError);
    expect(() => instrumentSender(real, { hashing: 'gpu' as never })).toThrow("'main' or 'worker'");
    expect(() => ndiStreamOf(real)).toThrow(TypeError);
    const sender = instrumentSender(real);
    expect(instrumentSender(sender)).toBe(sender);
  });
});

describe('what is hashed', () => {
  test.each(['main', 'worker'] as const)(
    'the octets before the native call, by %s, whatever the sender does to them',
    async (hashing) => {
      const { tracerProvider } = watch();
      const real = new FakeSender({ scribble: true });
      const sender = instrumentSender(real, { tracerProvider, hashing, workerSlots: 64 });
      const stream = ndiStreamOf(sender);
      for (let i = 0; i < 40; i++) void sender.video(frameOf(i));
      await sender.destroy();
      await stream.close();
      expect(real.sent.length).toBe(40);
      for (const [i, { hash }] of real.sent.entries()) expect(stream.frame(i)?.dataSha256).toBe(hash);
    },
  );

  test('the visible octets, and not the padding behind them', async () => {
    const sender = instrumentSender(new FakeSender());
    const stream = ndiStreamOf(sender);
    const frame = frameOf(5, { padding: 100 });
    void sender.video(frame);
    stream.flush();
    expect(stream.frame(0)).toMatchObject({ dataOctets: 64, dataSha256: sha256(frame.data.subarray(0, 64)) });
  });

  test('views into larger buffers', async () => {
    const sender = instrumentSender(new FakeSender());
    const stream = ndiStreamOf(sender);
    const { data, ...header } = frameOf(5);
    const larger = Buffer.alloc(200, 1);
    data.copy(larger, 17);
    void sender.video({ ...header, data: larger.subarray(17, 17 + data.length) });
    stream.flush();
    expect(stream.frame(0)?.dataSha256).toBe(sha256(data));
  });
});

test('each frame has an event of its own when that is asked for', async () => {
  const { tracerProvider, spans, payloads } = watch();
  const sender = instrumentSender(new FakeSender(), { tracerProvider, recordEachFrame: true });
  const frames = [frameOf(1), frameOf(2)];
  for (const frame of frames) await sender.video(frame);
  await sender.destroy();
  expect(payloads('ndi_frame_published')).toMatchObject(
    frames.map(({ data }, i) => ({
      frame_number: i,
      content_hash: sha256(data),
      resolution: '8x4',
      size_bytes: 64,
      timestamp: expect.any(Number) as number,
    })),
  );
  for (const span of spans()) {
    expect(Object.keys(span.attributes).filter((key) => /^gen_ai|cost/.test(key))).toEqual([]);
    expect(span.instrumentationScope.name).toBe('@infrafabric/instrumentation-ndi');
    expect(span.attributes['witness.component']).toBe('IF.witness.ndi-publisher');
  }
  expect(payloadOf(spans('ndi_stream_metadata')[0]!)).toMatchObject({ codec: 'UYVY', resolution: '8x4' });
});
