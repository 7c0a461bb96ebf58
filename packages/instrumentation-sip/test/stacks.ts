/** The real stacks of the tests, on loopback: the npm package `sip`, JsSIP over a TCP socket, SIP.js over a WebSocket. */
import { createSocket } from 'node:dgram';
import { createRequire } from 'node:module';
import { connect, createServer, type Socket } from 'node:net';
import type { SipPackageLogger, SipPackageMessage, SipPackageRemote } from '../dist/index.js';

const require = createRequire(import.meta.url);

/** A port that is free for UDP and TCP; none of the stacks takes 0. */
export async function freePort(): Promise<number> {
  for (;;) {
    const udp = createSocket('udp4');
    await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve));
    const { port } = udp.address();
    const tcp = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      tcp.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
    });
    if (isFree) await new Promise((resolve) => tcp.close(resolve));
    await new Promise<void>((resolve) => udp.close(resolve));
    if (isFree) return port;
  }
}

/** What tests read and write of the package's messages. */
export interface Message extends SipPackageMessage {
  readonly headers: Record<string, unknown> & { readonly to: { readonly params: Record<string, string> } };
  content?: string;
}
export interface SipStack {
  send(message: unknown, onResponse?: (response: Message) => void): void;
  destroy(): void;
}
interface SipModule {
  create(options: unknown, onRequest: (request: Message, remote: SipPackageRemote) => void): SipStack;
  makeResponse(request: Message, status: number, reason: string, extension?: unknown): Message;
}
export const sip = require('sip') as SipModule;
export const digest = require('sip/digest') as {
  challenge(session: unknown, response: Message): Message;
  authenticateRequest(session: unknown, request: Message, credentials: unknown): boolean;
  signRequest(session: unknown, request: unknown, response: Message, credentials: unknown): unknown;
};
/** The WebSocket implementation that `sip` brings. */
export const WebSocket = createRequire(require.resolve('sip'))('ws') as unknown;

/** A stack of the package; `name` keeps it from taking its peer's address for its own. */
export function sipStack(
  name: string,
  port: number,
  logger: SipPackageLogger,
  onRequest: (request: Message, remote: SipPackageRemote) => void,
  more: Readonly<Record<string, unknown>> = {},
): SipStack {
  return sip.create({ address: '127.0.0.1', publicAddress: name, port, logger, ...more }, onRequest);
}

/** An answer with To tag and Contact, as an answering place makes it. */
export function answerOf(request: Message, status: number, reason: string, extension?: unknown): Message {
  const response = sip.makeResponse(request, status, reason, extension);
  if (status > 100) response.headers.to.params.tag ??= 'uas-tag';
  response.headers.contact ??= [{ uri: 'sip:bob@127.0.0.1;transport=tcp' }];
  return response;
}

/** JsSIP's Socket over TCP: whole messages by Content-Length, RFC 3261 §18.3. */
export class TcpSocket {
  readonly via_transport = 'TCP';
  readonly url: string;
  readonly sip_uri: string;
  readonly #port: number;
  #socket: Socket | undefined;
  #text = '';
  onconnect: () => void = () => {};
  ondisconnect: (isError: boolean, code?: number, reason?: string) => void = () => {};
  ondata: (data: string) => void = () => {};

  constructor(port: number) {
    this.#port = port;
    this.url = `tcp://127.0.0.1:${port}`;
    this.sip_uri = `sip:127.0.0.1:${port};transport=tcp`;
  }

  connect(): void {
    this.#socket = connect(this.#port, '127.0.0.1')
      .setEncoding('latin1')
      .on('connect', () => this.onconnect())
      .on('close', (isError) => this.ondisconnect(isError))
      .on('error', () => {})
      .on('data', (data: string) => this.#take(data));
  }

  disconnect(): void {
    this.#socket?.destroy();
  }

  isConnected(): boolean {
    return this.#socket?.readyState === 'open';
  }

  isConnecting(): boolean {
    return this.#socket?.connecting === true;
  }

  send(data: unknown): boolean {
    return this.#socket?.write(String(data)) !== undefined;
  }

  #take(data: string): void {
    this.#text += data;
    for (;;) {
      const head = this.#text.indexOf('\r\n\r\n');
      const length = Number(/^content-length: *(\d+)/im.exec(this.#text.slice(0, head))?.[1] ?? 0);
      if (head < 0 || this.#text.length < head + 4 + length) return;
      const message = this.#text.slice(0, head + 4 + length);
      this.#text = this.#text.slice(head + 4 + length);
      this.ondata(message);
    }
  }
}

const SDP =
  'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n';

/** An SDP with one codec, PCMU. */
export const sdp: string = SDP;

/** As much of RTCPeerConnection as JsSIP asks of one: it signals, and there are no media. */
class SignallingOnly extends EventTarget {
  readonly iceGatheringState = 'complete';
  readonly iceConnectionState = 'new';
  signalingState = 'stable';
  localDescription = { type: 'offer', sdp: SDP };
  async createOffer(): Promise<unknown> {
    return this.localDescription;
  }
  async createAnswer(): Promise<unknown> {
    return this.localDescription;
  }
  async setLocalDescription(): Promise<void> {}
  async setRemoteDescription(): Promise<void> {}
  getSenders(): unknown[] {
    return [];
  }
  close(): void {
    this.signalingState = 'closed';
  }
}

/** What tests use of JsSIP. */
export interface JsSipSession {
  on(event: string, listener: (event: { readonly originator?: string; readonly cause?: string }) => void): this;
  terminate(options?: unknown): void;
  hold(): boolean;
}
export interface JsSipUa {
  on(event: string, listener: () => void): this;
  start(): void;
  stop(): void;
  call(target: string, options: unknown): JsSipSession;
}

/** A JsSIP user agent in Node. */
export function jsSipUa(options: Readonly<Record<string, unknown>>): JsSipUa {
  const browser = {
    RTCPeerConnection: SignallingOnly,
    RTCSessionDescription: class {
      constructor(of: object) {
        Object.assign(this, of);
      }
    },
  };
  Object.assign(globalThis, browser, { window: globalThis });
  const { UA } = require('jssip') as { readonly UA: new (options: unknown) => JsSipUa };
  return new UA({ register: false, session_timers: false, ...options });
}

/** Options of a JsSIP call without media. */
export const jsSipCall = { mediaConstraints: { audio: false, video: false }, pcConfig: { iceServers: [] } };
