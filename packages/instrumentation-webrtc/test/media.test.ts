/** Media between two real peers: @roamhq/wrtc sends frames of its own sources. */
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { instrumentPeerConnection } from '../dist/index.js';
import { RecordedSpans } from './recorded-spans.js';
import { type AnyConnection, connect, roamhq } from './stacks.js';

const [WIDTH, HEIGHT] = [320, 240];
const { nonstandard } = createRequire(import.meta.url)('@roamhq/wrtc') as {
  nonstandard: {
    RTCVideoSource: new () => { createTrack(): object; onFrame(frame: object): void };
    RTCAudioSource: new () => { createTrack(): object; onData(data: object): void };
  };
};

interface Sends extends AnyConnection {
  addTrack(track: object): unknown;
}

test('media that flows is told once, with its kinds and its size, and its quality at the end', async () => {
  const spans = new RecordedSpans();
  const [a, b] = [roamhq.make() as Sends, roamhq.make()];
  const common = { tracerProvider: spans.provider, statsIntervalMs: 300 };
  const alice = instrumentPeerConnection(a, { ...common, peerId: 'alice' });
  const bob = instrumentPeerConnection(b, { ...common, peerId: 'bob' });
  const [video, audio] = [new nonstandard.RTCVideoSource(), new nonstandard.RTCAudioSource()];
  const tracks = [video.createTrack(), audio.createTrack()] as (object & { stop(): void })[];
  for (const track of tracks) a.addTrack(track);
  const frame = { width: WIDTH, height: HEIGHT, data: new Uint8ClampedArray((WIDTH * HEIGHT * 3) / 2) };
  const timers = [
    setInterval(() => video.onFrame(frame), 40),
    setInterval(() => {
      const samples = new Int16Array(480).map(() => Math.random() * 1_000);
      audio.onData({ samples, sampleRate: 48_000, bitsPerSample: 16, channelCount: 1, numberOfFrames: 480 });
    }, 10),
  ];
  await connect(a, b);
  const deadline = Date.now() + 20_000;
  while (spans.payloads('media_stream_ready', 'bob').length === 0 && Date.now() < deadline) await delay(50);
  await delay(1_000);
  for (const timer of timers) clearInterval(timer);
  a.close();
  await alice.ended;
  b.close();
  await bob.ended;
  for (const track of tracks) track.stop();

  expect(
    spans
      .payloads('media_track_added', 'bob')
      .map(({ kind }) => kind)
      .toSorted(),
  ).toEqual(['audio', 'video']);
  expect(spans.payloads('media_track_added', 'alice')).toEqual([]);
  for (const peer of ['alice', 'bob']) {
    expect(spans.payloads('media_stream_ready', peer)).toMatchObject([
      { audio_enabled: true, video_enabled: true, video_resolution: `${WIDTH}x${HEIGHT}` },
    ]);
  }
  const [last] = spans.payloads('webrtc_stats', 'bob').filter(({ final }) => final);
  expect(last).toMatchObject({
    received: {
      audio: { packets: expect.any(Number), loss_percent: expect.any(Number), mos_estimated: expect.any(Number) },
      video: { resolution: `${WIDTH}x${HEIGHT}` },
    },
  });
  const { attributes } = spans.connection('bob');
  expect(attributes['call.quality.mos_estimated']).toBeGreaterThan(3);
  expect(attributes['call.quality.mos_estimated']).toBeLessThanOrEqual(4.5);
});
