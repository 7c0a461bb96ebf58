/** Streams as spans and events: windows by size and by time, drops, throughput, ids. */

import { AsyncLocalStorage } from 'node:async_hooks';
import { withBusinessIds } from '@infrafabric/events';
import { traceIdOfBusinessId } from '@infrafabric/format';
import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { describe, expect, test } from 'vitest';
import { FramePace } from '../dist/frame-pace.js';
import { instrumentSender, ndiStreamOf } from '../dist/index.js';
import { FakeSender, frameOf, sha256, until, watch } from './support.js';

describe('windows', () => {
  test('every frame is in exactly one, in order, with the hashes of the first and the last', async () => {
    const { tracerProvider, payloads, spans } = watch();
    const sender = instrumentSender(new FakeSender(), { tracerProvider, windowFrames: 7, windowMs: 60_000 });
    const frames = Array.from({ length: 25 }, (_, i) => frameOf(i));
    for (const frame of frames) await sender.video(frame);
    await sender.destroy();
    const windows = payloads('ndi_batch_complete');
    expect(windows.map(({ frames }) => frames)).toEqual([7, 7, 7, 4]);
    for (const [i, window] of windows.entries()) {
      const [first, last] = [7 * i, Math.min(7 * i + 6, 24)];
      expect(window).toMatchObject({
        batch_number: i + 1,
        first_frame: first,
        last_frame: last,
        frames_processed: last + 1,
        first_hash: sha256(frames[first]!.data),
        last_hash: sha256(frames[last]!.data),
        root: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
        duration_seconds: expect.any(Number) as number,
        unhashed_frames: 0,
      });
    }
    expect(spans('ndi_batch_complete').map(({ attributes }) => attributes['witness.units.frame'])).toEqual([
      '7',
      '7',
      '7',
      '4',
    ]);
  });

  test('an open window is complete after its time, without further frames', async () => {
    const { tracerProvider, payloads } = watch();
    const sender = instrumentSender(new FakeSender(), { tracerProvider, windowMs: 30 });
    await sender.video(frameOf(0));
    expect(payloads('ndi_batch_complete')).toEqual([]);
    await until(() => payloads('ndi_batch_complete').length === 1);
    await sender.video(frameOf(1));
    await sender.destroy();
    expect(payloads('ndi_batch_complete')).toMatchObject([
      { first_frame: 0, last_frame: 0 },
      { first_frame: 1, last_frame: 1 },
    ]);
  });

  test('a new format is told of once, and alternating fields and timecodes are none', async () => {
    const { tracerProvider, payloads } = watch();
    const sender = instrumentSender(new FakeSender(), { tracerProvider });
    for (let i = 0; i < 6; i++) await sender.video({ ...frameOf(i), frameFormatType: 2 + (i % 2) });
    await sender.video(frameOf(7, { xres: 16 }));
    await sender.destroy();
    expect(payloads('ndi_stream_metadata')).toMatchObject([{ resolution: '8x4' }, { resolution: '16x4' }]);
  });
});

describe('the session', () => {
  test('is a span from the first to the last event, and the parent of them all', async () => {
    const { tracerProvider, spans, payloads } = watch();
    const sender = instrumentSender(new FakeSender(), { tracerProvider, streamName: 'IF.yologuard.01' });
    const stream = ndiStreamOf(sender);
    await sender.video(frameOf(0));
    sender.connections();
    await sender.audio({ data: Buffer.alloc(1_920) });
    await sender.destroy();
    await sender.destroy();
    const [session, ...more] = spans('ndi.stream');
    expect(more).toEqual([]);
    expect(session!.attributes).toMatchObject({
      'ndi.stream.name': 'IF.yologuard.01',
      'ndi.stream.id': stream.streamId,
      'ndi.frames': 1,
      'ndi.end_reason': 'destroyed',
      'witness.trace.id': stream.traceId,
    });
    expect(stream.streamId).toMatch(/^ndi-stream-[0-9a-f]{12}$/);
    expect(spans().map(({ name }) => name)).toEqual([
      'ndi_stream_created',
      'ndi_stream_metadata',
      'ndi_batch_complete',
      'ndi_bandwidth_usage',
      'ndi_stream_closed',
      'ndi.stream',
    ]);
    for (const span of spans().slice(0, -1)) expect(span.parentSpanContext?.spanId).toBe(session!.spanContext().spanId);
    expect(payloads('ndi_stream_created')).toMatchObject([
      { stream_name: 'IF.yologuard.01', stream_id: stream.streamId },
    ]);
    expect(payloads('ndi_stream_closed')).toMatchObject([{ stream_name: 'IF.yologuard.01', total_frames: 1 }]);
    expect(payloads('ndi_bandwidth_usage')).toMatchObject([
      { frames: 1, video_bytes: 64, audio_bytes: 1_920, connections: 2 },
    ]);
  });

  test('ids: those given win, then the context, then the stream', () => {
    const options = { tracerProvider: watch().tracerProvider };
    const idOf = (given: object): string =>
      ndiStreamOf(instrumentSender(new FakeSender(), { ...options, ...given })).traceId;
    expect(idOf({ traceId: 'session-flow-001' })).toBe('session-flow-001');
    expect(idOf({})).toMatch(/^ndi-stream-[0-9a-f]{12}$/);
    expect(idOf({ parentTraceId: 'session-flow-001' })).toMatch(/^ndi-stream-/);
    withActive(() => {
      expect(idOf({})).toBe('req-1');
      expect(idOf({ parentTraceId: 'req-1' })).toMatch(/^ndi-stream-/);
      expect(idOf({ traceId: 'other' })).toBe('other');
    });
  });

  test('without a trace of its own the stream is in the trace of its business id', async () => {
    const { tracerProvider, spans } = watch();
    const sender = instrumentSender(new FakeSender(), { tracerProvider, traceId: 'ndi-1', parentTraceId: 'flow-1' });
    await sender.destroy();
    for (const span of spans()) {
      expect(span.spanContext().traceId).toBe(traceIdOfBusinessId('ndi-1'));
      expect(span.attributes).toMatchObject({ 'witness.trace.id': 'ndi-1', 'witness.trace.parent_id': 'flow-1' });
    }
  });

  test('a sender that cannot be destroyed ends the stream all the same', async () => {
    const { tracerProvider, spans, payloads } = watch();
    const sender = instrumentSender(new FakeSender({ rejectDestroy: new Error('busy') }), { tracerProvider });
    await expect(sender.destroy()).rejects.toThrow('busy');
    expect(payloads('ndi_error')).toMatchObject([{ method: 'destroy', message: 'busy' }]);
    expect(spans('ndi.stream')[0]?.attributes['ndi.end_reason']).toBe('destroy_failed');
  });

  test('frames after the end are sent and not recorded', async () => {
    const { tracerProvider, spans } = watch();
    const real = new FakeSender();
    const sender = instrumentSender(real, { tracerProvider });
    await sender.destroy();
    const count = spans().length;
    await expect(sender.video(frameOf(0))).resolves.toBe('sent 0');
    await sender.audio({ data: Buffer.alloc(2) });
    ndiStreamOf(sender).flush();
    expect(spans().length).toBe(count);
    expect(real.sent.length).toBe(1);
  });
});

test('throughput is told of once an interval, and adds up', async () => {
  const { tracerProvider, payloads } = watch();
  const sender = instrumentSender(new FakeSender(), { tracerProvider, bandwidthIntervalMs: 20 });
  for (let i = 0; i < 30; i++) {
    await sender.video(frameOf(i));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await sender.destroy();
  const intervals = payloads('ndi_bandwidth_usage');
  expect(intervals.length).toBeGreaterThan(1);
  expect(intervals.reduce((sum, { frames }) => sum + Number(frames), 0)).toBe(30);
  expect(intervals.reduce((sum, { video_bytes }) => sum + Number(video_bytes), 0)).toBe(30 * 64);
});

describe('the frame rate', () => {
  const pace = (times: readonly number[], rate: number | null = 50): (readonly [number, number] | undefined)[] => {
    const clock = new FramePace();
    return times.map((time) => {
      const late = clock.next(time, rate ?? undefined);
      return late && [late.lateMs, late.dropped];
    });
  };

  test('frames in time, with jitter below a period, are not late', () => {
    expect(pace([0, 20, 40, 75, 80, 100, 139, 140]).filter(Boolean)).toEqual([]);
  });

  test('a pause is one late frame and the periods that it took', () => {
    expect(pace([0, 20, 100, 120])).toEqual([undefined, undefined, [60, 3], undefined]);
  });

  test('a source that is always too slow loses as many frames as it does not send', () => {
    // 40 frames a second that call themselves 50, for ten seconds.
    const late = pace(Array.from({ length: 400 }, (_, i) => i * 25));
    expect(late.reduce((sum, one) => sum + (one?.[1] ?? 0), 0)).toBe(99);
  });

  test('a source that is too fast, or that sends two at a time, loses none', () => {
    expect(pace(Array.from({ length: 400 }, (_, i) => i * 10)).filter(Boolean)).toEqual([]);
    expect(pace(Array.from({ length: 400 }, (_, i) => Math.floor(i / 2) * 40)).filter(Boolean)).toEqual([]);
  });

  test('a new rate begins anew, and no rate has nothing late', () => {
    const clock = new FramePace();
    clock.next(0, 50);
    expect(clock.next(1_000, 25)).toBeUndefined();
    expect(clock.next(1_100, 25)).toEqual({ lateMs: 60, dropped: 1 });
    expect(pace([0, 1_000, 5_000], null).filter(Boolean)).toEqual([]);
  });

  test('late frames of a window are one ndi_error', async () => {
    const { tracerProvider, payloads } = watch();
    const sender = instrumentSender(new FakeSender(), { tracerProvider, windowMs: 60_000 });
    for (let i = 0; i < 3; i++) {
      await sender.video({ ...frameOf(i), frameRateN: 1_000, frameRateD: 1 });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await sender.destroy();
    const [window] = payloads('ndi_batch_complete');
    expect(window).toMatchObject({ frames: 3, late_frames: 2 });
    expect(Number(window!.dropped_frames)).toBeGreaterThan(20);
    expect(payloads('ndi_error')).toMatchObject([
      { error_type: 'frame_drop', frame_number: 1, late_frames: 2, dropped_frames: window!.dropped_frames },
    ]);
  });
});

/** Runs with a business id in the active context. */
function withActive(work: () => void): void {
  const storage = new AsyncLocalStorage<typeof ROOT_CONTEXT>();
  context.setGlobalContextManager({
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (ctx, fn, self, ...args) => storage.run(ctx, () => fn.apply(self as never, args)),
    bind: (_, target) => target,
    enable() {
      return this;
    },
    disable() {
      return this;
    },
  });
  try {
    context.with(withBusinessIds({ traceId: 'req-1' }, trace.deleteSpan(ROOT_CONTEXT)), work);
  } finally {
    context.disable();
  }
}
