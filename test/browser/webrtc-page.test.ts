/**
 * A call between two peer connections of a page in Chromium, with media of fake devices. The page knows nothing of the
 * instrumentation: it is installed around the constructor. Its spans go to `if-witness collect` at another origin.
 */
import { once } from 'node:events';
import type { Server } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Stage } from '../interop/stage.js';
import { type LedgerSpan, Witness } from '../interop/witness.js';
import { browserPeer, bundlePage, launchBrowser, servePage } from './pages.js';

// Starting a browser takes seconds on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const MEDIA_FLAGS = [
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
  '--allow-loopback-in-peer-connection',
  '--disable-features=WebRtcHideLocalIpsWithMdns',
];

/** What the page has beside the recipe: the instrumentation, and a call. */
const CALL = `
import { installWebRtcInstrumentation } from '@infrafabric/instrumentation-webrtc';
let made = 0;
const undo = installWebRtcInstrumentation(() => {
  const [peerId, remotePeerId] = made++ % 2 === 0 ? ['alice', 'bob'] : ['bob', 'alice'];
  return { peerId, remotePeerId, traceId: 'call-' + flow, statsIntervalMs: 500, flush: () => provider.forceFlush() };
});
let flow, a, b;

globalThis.call = async (name) => {
  flow = name;
  [a, b] = [new RTCPeerConnection(), new RTCPeerConnection()];
  a.onicecandidate = ({ candidate }) => b.addIceCandidate(candidate);
  b.onicecandidate = ({ candidate }) => a.addIceCandidate(candidate);
  const channel = a.createDataChannel('chat');
  const opened = new Promise((resolve) => { channel.onopen = resolve; });
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 480 } });
  for (const track of stream.getTracks()) a.addTrack(track, stream);
  const video = document.createElement('video');
  video.muted = true;
  b.ontrack = ({ streams: [remote] }) => { video.srcObject = remote; void video.play(); };
  await a.setLocalDescription();
  await b.setRemoteDescription(a.localDescription);
  await b.setLocalDescription();
  await a.setRemoteDescription(b.localDescription);
  await opened;
};
globalThis.hangUp = () => { a.close(); };
globalThis.otherHangsUp = () => { b.close(); };
globalThis.flush = () => provider.forceFlush();
globalThis.secrets = () => ['ice-ufrag', 'ice-pwd', 'fingerprint'].map(
  (line) => new RegExp('a=' + line + ':(.+)').exec(a.localDescription.sdp)[1].trim());
globalThis.undo = () => { const wrapped = RTCPeerConnection; undo(); return wrapped !== RTCPeerConnection; };
globalThis.ready = true;
`;

describe('a call in a page of Chromium', () => {
  const stage = new Stage();
  let server: Server;
  let witness: Witness;
  let browser: Browser | undefined;
  let page: Page;

  beforeAll(async () => {
    if (!browserPeer.present) return;
    witness = await Witness.start(stage, 'collect-browser');
    // 8080 is the origin that the recipe allows.
    server = servePage('call', await bundlePage((await stage.recipe('page.js')) + CALL));
    await once(server.listen(await stage.port(8080), '127.0.0.1'), 'listening');
    browser = await launchBrowser(MEDIA_FLAGS);
  });
  beforeEach(async (context) => {
    browserPeer.need(context);
    page = await (await browser!.newContext()).newPage();
    await page.goto(await stage.url(8080, '/'));
    await page.waitForFunction('globalThis.ready');
    return () => page.context().close();
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
    await stage.close();
  });

  function spansOf(flow: string, peerId: string): LedgerSpan[] {
    return witness
      .spans()
      .filter(({ attributes }) => attributes['witness.trace.id'] === `call-${flow}`)
      .filter(({ attributes }) => (attributes['webrtc.peer_id'] ?? payloadOf(attributes).peer_id) === peerId);
  }

  /** Waits until both connections of a flow are in the ledger. */
  async function whenEnded(flow: string): Promise<void> {
    const ended = (peerId: string) => spansOf(flow, peerId).some(({ name }) => name === 'webrtc.peer_connection');
    const deadline = Date.now() + 20_000;
    while (!(ended('alice') && ended('bob')) && Date.now() < deadline) await delay(200);
    expect([ended('alice'), ended('bob')]).toEqual([true, true]);
  }

  function events(flow: string, peerId: string, name: string): Record<string, unknown>[] {
    return spansOf(flow, peerId)
      .filter((span) => span.name === name)
      .map(({ attributes }) => payloadOf(attributes));
  }

  test('is in the ledger from its beginning to its end, with media and quality, and without its secrets', async () => {
    await page.evaluate('call("whole")');
    await delay(2_500);
    const secrets = (await page.evaluate('secrets()')) as string[];
    await page.evaluate('hangUp()');
    await delay(500);
    await page.evaluate('otherHangsUp()');
    await delay(1_500);
    await page.evaluate('flush()');
    await whenEnded('whole');

    const names = (peerId: string) => new Set(spansOf('whole', peerId).map(({ name }) => name));
    const both = ['webrtc_connection_started', 'ice_candidates_gathered', 'ice_connection_state_changed'];
    both.push('ice_candidate_pair_selected', 'data_channel_opened', 'media_stream_ready', 'webrtc_stats');
    both.push('webrtc_connection_closed', 'webrtc.peer_connection');
    for (const name of [...both, 'sdp_offer_created', 'sdp_answer_received']) expect(names('alice')).toContain(name);
    for (const name of [...both, 'sdp_offer_received', 'sdp_answer_created', 'media_track_added']) {
      expect(names('bob')).toContain(name);
    }
    expect(events('whole', 'bob', 'media_stream_ready')).toMatchObject([
      { audio_enabled: true, video_enabled: true, video_resolution: expect.stringMatching(/^\d+x\d+$/) },
    ]);
    expect(events('whole', 'alice', 'sdp_offer_created')).toMatchObject([
      { constraints: { audio: true, video: true, data: true } },
    ]);
    const last = events('whole', 'bob', 'webrtc_stats').find(({ final }) => final === true);
    expect(last).toMatchObject({ received: { audio: { mos_estimated: expect.any(Number) } } });

    const [alice, bob] = ['alice', 'bob'].map((peerId) =>
      spansOf('whole', peerId).find(({ name }) => name === 'webrtc.peer_connection'),
    );
    expect(alice!.attributes).toMatchObject({ 'call.end_reason': 'hangup', 'call.hangup_party': 'local' });
    expect(bob!.attributes).toMatchObject({ 'call.end_reason': 'hangup', 'call.hangup_party': 'remote' });
    expect(Number(bob!.attributes['call.quality.mos_estimated'])).toBeGreaterThan(4);
    expect(Number(alice!.attributes['call.duration_ms'])).toBeGreaterThan(2_000);
    for (const span of spansOf('whole', 'bob')) {
      if (span.spanId !== bob!.spanId) expect(span.parentSpanId).toBe(bob!.spanId);
    }
    const recorded = JSON.stringify(witness.spans());
    for (const secret of secrets) expect(recorded).not.toContain(secret);
    witness.expectValid();
  });

  test('is told to its last moment when the page is left', async () => {
    await page.evaluate('call("left")');
    await page.goto('about:blank');
    await whenEnded('left');
    expect(events('left', 'alice', 'webrtc_connection_closed')).toMatchObject([{ end_reason: 'pagehide' }]);
    witness.expectValid();
  });

  test('is told to its last moment when the tab is closed', async () => {
    await page.evaluate('call("closed")');
    await page.close({ runBeforeUnload: true });
    await whenEnded('closed');
    for (const peerId of ['alice', 'bob']) {
      expect(events('closed', peerId, 'webrtc_connection_closed')).toMatchObject([{ end_reason: 'pagehide' }]);
    }
    expect(witness.home.trace('call-closed').entries.length).toBeGreaterThan(15);
    witness.expectValid();
  });

  test('is not watched any more once the installation is undone', async () => {
    expect(await page.evaluate('undo()')).toBe(true);
    await page.evaluate('call("unwatched")');
    await page.evaluate('hangUp(), otherHangsUp(), flush()');
    expect(witness.spans().filter(({ attributes }) => attributes['witness.trace.id'] === 'call-unwatched')).toEqual([]);
  });
});

function payloadOf(attributes: LedgerSpan['attributes']): Record<string, unknown> {
  return JSON.parse(attributes['witness.payload'] ?? '{}') as Record<string, unknown>;
}
