/** The guide's class by hand: its events, payload fields, tokens and costs. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NdiWitnessPublisher, verifyFrame } from '../dist/index.js';
import { sha256, watch } from './support.js';

describe('NdiWitnessPublisher', () => {
  test('records what the guide records for a stream of 60 frames', () => {
    const { tracerProvider, spans, payloads } = watch();
    const publisher = new NdiWitnessPublisher({ tracerProvider });
    const frames = Array.from({ length: 60 }, (_, i) => Buffer.alloc(2_500, i));
    expect(publisher.publishBatch(frames)).toBe(publisher.traceId);
    publisher.close();
    publisher.close();
    expect(publisher.traceId).toMatch(/^ndi-stream-[0-9a-f]{12}$/);
    expect(publisher.streamId).toBe(publisher.traceId);
    expect(payloads('ndi_stream_created')).toEqual([
      { stream_name: 'IF.yologuard.01', stream_id: publisher.streamId, timestamp: expect.any(Number) as number },
    ]);
    expect(payloads('ndi_frame_published')).toEqual(
      frames.map((frame, i) => ({
        frame_number: i,
        content_hash: sha256(frame),
        resolution: '1920x1080',
        fps: 60,
        size_bytes: 2_500,
        timestamp: expect.any(Number) as number,
      })),
    );
    expect(payloads('ndi_batch_complete')).toMatchObject([
      {
        batch_number: 1,
        frames_processed: 30,
        first_frame: 0,
        last_frame: 29,
        frames: 30,
        first_hash: sha256(frames[0]!),
      },
      {
        batch_number: 2,
        frames_processed: 60,
        first_frame: 30,
        last_frame: 59,
        frames: 30,
        last_hash: sha256(frames[59]!),
      },
    ]);
    // What is not looked at is not said to be 0.
    expect(payloads('ndi_batch_complete').flatMap(Object.keys)).not.toContain('late_frames');
    expect(payloads('ndi_stream_closed')).toEqual([
      { stream_name: 'IF.yologuard.01', total_frames: 60, timestamp: expect.any(Number) as number },
    ]);
    expect(spans('ndi.stream').length).toBe(1);
    for (const span of spans('ndi_frame_published')) {
      expect(span.attributes).toMatchObject({
        'gen_ai.usage.input_tokens': 52,
        'gen_ai.usage.output_tokens': 20,
        'gen_ai.request.model': 'claude-haiku-4.5',
        'witness.cost.usd': '0.00072',
        'witness.cost.estimated': true,
        'witness.component': 'IF.witness.ndi-publisher',
        'witness.trace.id': publisher.traceId,
      });
    }
    for (const span of spans().filter(({ name }) => name !== 'ndi_frame_published')) {
      expect(Object.keys(span.attributes).filter((key) => /gen_ai|cost|units/.test(key))).toEqual([]);
    }
  });

  test('a 1080p UYVY frame costs $0.04217 by the formula of the guide', () => {
    const { tracerProvider, spans } = watch();
    new NdiWitnessPublisher({ tracerProvider }).publishFrame(new Uint8Array(1_920 * 1_080 * 2));
    expect(spans('ndi_frame_published')[0]!.attributes).toMatchObject({
      'gen_ai.usage.input_tokens': 4_197,
      'witness.cost.usd': '0.04217',
    });
  });

  test('costs are exact for every size', () => {
    const { tracerProvider, spans } = watch();
    const publisher = new NdiWitnessPublisher({ tracerProvider });
    fc.assert(
      fc.property(fc.nat(3_000_000), (octets) => {
        publisher.publishFrame(new Uint8Array(octets));
        const cost = String(spans('ndi_frame_published').at(-1)!.attributes['witness.cost.usd']);
        const tokens = 70 + Math.floor(octets / 1_000);
        expect(cost).toMatch(/^(0|[1-9]\d*)(\.\d*[1-9])?$/);
        const [whole, fraction = ''] = cost.split('.');
        expect(BigInt(whole! + fraction.padEnd(5, '0'))).toBe(BigInt(tokens));
      }),
      { numRuns: 200 },
    );
  });

  test('returns the number, the hash, and whether an SDK took it', () => {
    const frame = new Uint8Array([1, 2, 3]);
    const { tracerProvider } = watch();
    const publisher = new NdiWitnessPublisher({ tracerProvider });
    expect(publisher.publishFrame(frame)).toEqual({ frameNumber: 0, hash: sha256(frame), logged: true });
    expect(publisher.publishFrame(frame, { frameNumber: 41 })).toMatchObject({ frameNumber: 41 });
    expect(publisher.publishFrame(frame)).toMatchObject({ frameNumber: 42 });
    expect(new NdiWitnessPublisher().publishFrame(frame)).toEqual({
      frameNumber: 0,
      hash: sha256(frame),
      logged: false,
    });
  });

  test('a trace id moves an event to another flow, and the stream stays its parent', () => {
    const { tracerProvider, spans } = watch();
    const publisher = new NdiWitnessPublisher({ tracerProvider, traceId: 'ndi-1' });
    publisher.publishFrame(new Uint8Array(1), { traceId: 'session-flow-001' });
    expect(publisher.publishBatch([new Uint8Array(1)], 30, { traceId: 'session-flow-002' })).toBe('session-flow-002');
    publisher.close('session-flow-003');
    const session = spans('ndi.stream')[0]!;
    expect(spans().map(({ name, attributes }) => [name, attributes['witness.trace.id']])).toEqual([
      ['ndi_stream_created', 'ndi-1'],
      ['ndi_frame_published', 'session-flow-001'],
      ['ndi_frame_published', 'session-flow-002'],
      ['ndi_batch_complete', 'session-flow-002'],
      ['ndi_stream_closed', 'session-flow-003'],
      ['ndi.stream', 'ndi-1'],
    ]);
    for (const span of spans().slice(0, -1)) expect(span.parentSpanContext?.spanId).toBe(session.spanContext().spanId);
  });

  test('every frame of a batch is provable, also of the last one that is not full', () => {
    const { tracerProvider, payloads } = watch();
    const publisher = new NdiWitnessPublisher({ tracerProvider });
    const frames = Array.from({ length: 65 }, (_, i) => new Uint8Array(40).fill(i));
    publisher.publishBatch(frames, 30, { resolution: '4x5', fps: 25 });
    const roots = payloads('ndi_batch_complete').map(({ root }) => String(root));
    expect(roots.length).toBe(3);
    const header = { xres: 4, yres: 5, frameRateN: 25, frameRateD: 1 };
    for (const [i, frame] of frames.entries()) {
      const proof = publisher.proof(i)!;
      expect(verifyFrame(frame, header, proof, roots[Math.floor(i / 30)]!)).toBe(true);
      expect(verifyFrame(frame, header, proof, roots[(Math.floor(i / 30) + 1) % 3]!)).toBe(false);
      expect(verifyFrame(frame, { ...header, xres: 5 }, proof, roots[Math.floor(i / 30)]!)).toBe(false);
    }
    expect(publisher.proof(65)).toBeUndefined();
  });

  test("callers' mistakes are refused with the correction", () => {
    const publisher = new NdiWitnessPublisher();
    expect(() => publisher.publishFrame('frame' as never)).toThrow('must be a Uint8Array');
    expect(() => publisher.publishFrame(new Uint8Array(1), { frameNumber: -1 })).toThrow(RangeError);
    expect(() => publisher.publishBatch([], 0)).toThrow('whole number above 0');
  });
});
