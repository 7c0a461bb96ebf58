/** Spans of a test, and SIP messages written out. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Payload } from '@infrafabric/events';
import type { Attributes } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { type SipObservation, SipObserver, type SipObserverOptions } from '../dist/index.js';

/** What an observer wrote. */
export interface Written {
  readonly spans: () => readonly ReadableSpan[];
  /** Names of the events, without the calls' spans, in the order in which they were recorded. */
  readonly names: () => readonly string[];
  readonly calls: () => readonly ReadableSpan[];
  /** Attributes of the only call that ended. */
  readonly call: () => Attributes;
  readonly event: (name: string) => ReadableSpan;
  readonly payloads: () => readonly Payload[];
  readonly provider: BasicTracerProvider;
}

export function memory(): Written {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const spans = (): readonly ReadableSpan[] => exporter.getFinishedSpans();
  const events = (): readonly ReadableSpan[] => spans().filter(({ name }) => name !== 'sip.call');
  const calls = (): readonly ReadableSpan[] => spans().filter(({ name }) => name === 'sip.call');
  return {
    spans,
    provider,
    calls,
    names: () => events().map(({ name }) => name),
    call: () => {
      if (calls().length !== 1) throw new Error(`${calls().length} calls ended`);
      return calls()[0]!.attributes;
    },
    event: (name) => {
      const found = events().find((span) => span.name === name);
      if (found === undefined) throw new Error(`no event ${name} among ${events().map((span) => span.name)}`);
      return found;
    },
    payloads: () => events().map(payloadOf),
  };
}

export function observing(options: SipObserverOptions = {}): Written & { readonly observer: SipObserver } {
  const written = memory();
  return { ...written, observer: new SipObserver({ tracerProvider: written.provider, ...options }) };
}

export function payloadOf(span: ReadableSpan): Payload {
  return JSON.parse(String(span.attributes['witness.payload'])) as Payload;
}

/** Waits for what sockets and processes do in their own time. */
export async function until(what: string, isSo: () => boolean, timeoutMs = 20_000): Promise<void> {
  const endMs = Date.now() + timeoutMs;
  while (!isSo()) {
    if (Date.now() > endMs) throw new Error(`still not: ${what}`);
    await sleep(10);
  }
}

/** What differs from message to message. */
export interface Told {
  readonly callId?: string;
  readonly cseq?: number;
  readonly method?: string;
  readonly branch?: string;
  readonly from?: string;
  readonly to?: string;
  readonly fromTag?: string;
  readonly toTag?: string | undefined;
  readonly headers?: readonly string[];
  readonly body?: string;
}

function write(start: string, method: string, told: Told): string {
  const { callId = 'call-1@here', cseq = 1, branch = 'z9hG4bK1', fromTag = 'alice', toTag, body = '' } = told;
  return [
    start,
    `Via: SIP/2.0/UDP 10.0.0.1:5060;branch=${branch};rport`,
    `From: "Alice" <${told.from ?? 'sip:alice@example.com'}>${fromTag === '' ? '' : `;tag=${fromTag}`}`,
    `To: <${told.to ?? 'sip:bob@example.com'}>${toTag === undefined ? '' : `;tag=${toTag}`}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} ${method}`,
    ...(told.headers ?? []),
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}

export function request(method: string, told: Told = {}): string {
  return write(`${method} sip:bob@10.0.0.2 SIP/2.0`, method, told);
}

/** An answer to a request with the same `told`. */
export function response(status: number, reason: string, told: Told & { readonly method?: string } = {}): string {
  return write(`SIP/2.0 ${status} ${reason}`, told.method ?? 'INVITE', told);
}

const SDP = [
  'v=0',
  'o=- 1 1 IN IP4 10.0.0.1',
  's=-',
  'c=IN IP4 10.0.0.1',
  't=0 0',
  'm=audio 4000 RTP/AVP 111 0',
  'a=rtpmap:111 opus/48000/2',
  'a=ice-pwd:verysecretpassword',
  '',
].join('\r\n');

/** An INVITE's body with a secret in it, and its header. */
export const offer: { readonly body: string; readonly headers: readonly string[] } = {
  body: SDP,
  headers: ['Content-Type: application/sdp'],
};

/** Both ends of the tests' hop, as the caller and as the callee see them. */
export const ends = { local: { address: '10.0.0.1', port: 5060 }, peer: { address: '10.0.0.2', port: 5060 } };

/** Feeds messages that the caller sent (`>`) or received (`<`), a hundred milliseconds apart. */
export function feed(
  observer: SipObserver,
  messages: readonly (readonly ['>' | '<', string])[],
  fromMs = 1_700_000_000_000,
): number {
  let time = fromMs;
  for (const [arrow, message] of messages) {
    const direction = arrow === '>' ? 'sent' : 'received';
    const observation: SipObservation = { direction, transport: 'udp', ...ends, time };
    observer.observe(message, observation);
    time += 100;
  }
  return time;
}

/** A call from INVITE to the answer of BYE. */
export function wholeCall(told: Told = {}): (readonly ['>' | '<', string])[] {
  const toTag = 'bob';
  return [
    ['>', request('INVITE', { ...offer, ...told })],
    ['<', response(100, 'Trying', told)],
    ['<', response(180, 'Ringing', { ...told, toTag })],
    ['<', response(200, 'OK', { ...offer, ...told, toTag })],
    ['>', request('ACK', { ...told, toTag, branch: 'z9hG4bK2' })],
    ['>', request('BYE', { ...told, toTag, branch: 'z9hG4bK3', cseq: 2 })],
    ['<', response(200, 'OK', { ...told, toTag, branch: 'z9hG4bK3', cseq: 2, method: 'BYE' })],
  ];
}
