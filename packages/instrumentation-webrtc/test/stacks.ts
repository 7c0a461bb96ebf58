/** The stacks that Node has, each with what a pair on loopback needs, and a call between two peers of one. */
import { createRequire } from 'node:module';
import { RTCPeerConnection as DatachannelConnection } from 'node-datachannel/polyfill';
import { RTCPeerConnection as WeriftConnection } from 'werift';
import type { PeerConnectionLike } from '../dist/index.js';

// CommonJS with getters that Node does not see as named exports.
const wrtc = createRequire(import.meta.url)('@roamhq/wrtc') as { RTCPeerConnection: new () => AnyConnection };

// Its types lean on the DOM's, which are not here.
const Datachannel = DatachannelConnection as unknown as new (configuration: object) => AnyConnection;

/** What the tests use of a connection, beside what is watched. */
export interface AnyConnection extends PeerConnectionLike {
  createDataChannel(label: string): AnyChannel;
  createOffer(): Promise<{ type: string; sdp: string }>;
  createAnswer(): Promise<{ type: string; sdp: string }>;
  setLocalDescription(description: unknown): Promise<unknown>;
  setRemoteDescription(description: unknown): Promise<unknown>;
  addIceCandidate(candidate: unknown): Promise<unknown>;
}

export interface AnyChannel {
  readonly readyState: string;
  addEventListener(type: string, listener: () => void): unknown;
  send(text: string): void;
  close(): void;
}

export interface Stack {
  readonly name: string;
  make(): AnyConnection;
}

export const werift: Stack = {
  name: 'werift',
  make: () =>
    new WeriftConnection({
      iceUseIpv6: false,
      iceServers: [],
      iceAdditionalHostAddresses: ['127.0.0.1'],
    }) as unknown as AnyConnection,
};

export const datachannel: Stack = {
  name: 'node-datachannel',
  make: () => new Datachannel({ iceServers: [], bindAddress: '127.0.0.1' }),
};

export const roamhq: Stack = { name: '@roamhq/wrtc', make: () => new wrtc.RTCPeerConnection() };

export const STACKS: readonly Stack[] = [werift, datachannel, roamhq];

/** Sends each one's candidates to the other, once that one has a remote description. @returns lets the candidates go */
function trickle(a: AnyConnection, b: AnyConnection): () => void {
  let isReady = false;
  const waiting: (() => void)[] = [];
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    from.addEventListener('icecandidate', (event) => {
      const { candidate } = event as { candidate?: { candidate?: string } | null };
      if (!candidate?.candidate) return;
      const send = (): void => void to.addIceCandidate(candidate).catch(() => {});
      if (isReady) send();
      else waiting.push(send);
    });
  }
  return () => {
    isReady = true;
    for (const send of waiting) send();
  };
}

/** Offer and answer, as a signalling channel would carry them. @param onWire what becomes of the answer's text there */
export async function negotiate(a: AnyConnection, b: AnyConnection, onWire = (sdp: string) => sdp): Promise<void> {
  const offer = await a.createOffer();
  await a.setLocalDescription(offer);
  await b.setRemoteDescription(offer);
  const answer = await b.createAnswer();
  await b.setLocalDescription(answer);
  await a.setRemoteDescription({ type: 'answer', sdp: onWire(answer.sdp) });
}

/** Connects two peers; settles when a data channel of `a` is open. */
export async function connect(a: AnyConnection, b: AnyConnection, label = 'chat'): Promise<AnyChannel> {
  const sendCandidates = trickle(a, b);
  const channel = a.createDataChannel(label);
  const isOpen = new Promise<void>((resolve) => channel.addEventListener('open', resolve));
  const isThere = new Promise<void>((resolve) => b.addEventListener('datachannel', () => resolve()));
  await negotiate(a, b);
  sendCandidates();
  await Promise.all([isOpen, isThere]);
  return channel;
}

/** Lets two peers try to connect although the answer names another certificate than its sender's. */
export async function connectWithWrongCertificate(a: AnyConnection, b: AnyConnection): Promise<void> {
  const sendCandidates = trickle(a, b);
  a.createDataChannel('chat');
  await negotiate(a, b, (sdp) =>
    sdp.replace(
      /(a=fingerprint:\S+ )(..)/g,
      (_line, name: string, octet: string) => name + (octet === 'AB' ? 'CD' : 'AB'),
    ),
  );
  sendCandidates();
}
