/** Spans in memory, frames, and a sender of the shape of grandiose's with switches for what may go wrong. */
import { createHash } from 'node:crypto';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import type { VideoFrame } from '../dist/index.js';

export const UYVY = 1_498_831_189;

export interface Watched {
  readonly tracerProvider: BasicTracerProvider;
  spans(name?: string): ReadableSpan[];
  /** The payloads of the events of a name. */
  payloads(name: string): Record<string, unknown>[];
}

export function watch(): Watched {
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const spans = (name?: string): ReadableSpan[] =>
    exporter.getFinishedSpans().filter((span) => name === undefined || span.name === name);
  return { tracerProvider, spans, payloads: (name) => spans(name).map(payloadOf) };
}

export function payloadOf(span: ReadableSpan): Record<string, unknown> {
  return JSON.parse(String(span.attributes['witness.payload'])) as Record<string, unknown>;
}

export const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');

/** A small UYVY frame, one a minute, so that no machine is too slow for it; octets behind the picture are padding. */
export function frameOf(seed: number, { xres = 8, yres = 4, padding = 0 } = {}): VideoFrame & { data: Buffer } {
  const lineStrideBytes = 2 * xres;
  const data = Buffer.alloc(lineStrideBytes * yres + padding);
  for (let i = 0; i < data.length; i++) data[i] = (seed * 31 + i * 7) & 0xff;
  return {
    xres,
    yres,
    frameRateN: 1,
    frameRateD: 60,
    fourCC: UYVY,
    pictureAspectRatio: 16 / 9,
    frameFormatType: 1,
    lineStrideBytes,
    timecode: BigInt(seed) * 166_833n,
    data,
  };
}

/** What may go wrong. */
export interface Switches {
  readonly rejectVideo?: (call: number) => unknown;
  readonly throwVideo?: (call: number) => unknown;
  readonly rejectAudio?: unknown;
  readonly rejectDestroy?: unknown;
  /** Overwrites the frame's octets as soon as the call is made, as an application may that reuses its buffer. */
  readonly scribble?: boolean;
}

/** Refuses any other `this`, as native senders do. */
export class FakeSender {
  readonly name = 'studio-1';
  readonly clockVideo = true;
  readonly sent: { readonly hash: string; readonly frame: VideoFrame }[] = [];
  listeners = 0;
  #switches: Switches;
  #calls = 0;
  #isDestroyed = false;

  constructor(switches: Switches = {}) {
    this.#switches = switches;
  }

  get isDestroyed(): boolean {
    return this.#isDestroyed;
  }

  video(frame: VideoFrame & { data: Buffer }): Promise<string> {
    const call = this.#calls++;
    const thrown = this.#switches.throwVideo?.(call);
    if (thrown !== undefined) throw thrown;
    const rejected = this.#switches.rejectVideo?.(call);
    if (rejected !== undefined) return Promise.reject(rejected);
    this.sent.push({ hash: sha256(frame.data), frame });
    if (this.#switches.scribble === true) frame.data.fill(0xee);
    return Promise.resolve(`sent ${call}`);
  }

  audio(_: { readonly data: Buffer }): Promise<void> {
    return this.#switches.rejectAudio === undefined ? Promise.resolve() : Promise.reject(this.#switches.rejectAudio);
  }

  connections(): number {
    return this.#calls > 0 ? 2 : 0;
  }

  tally(): { readonly on_program: boolean } {
    return { on_program: this.#calls > 0 };
  }

  on(): this {
    this.listeners++;
    return this;
  }

  destroy(): Promise<void> {
    this.#isDestroyed = true;
    return this.#switches.rejectDestroy === undefined
      ? Promise.resolve()
      : Promise.reject(this.#switches.rejectDestroy);
  }
}

/** Waits until a condition holds. */
export async function until(condition: () => boolean): Promise<void> {
  for (const start = Date.now(); !condition(); ) {
    if (Date.now() - start > 20_000) throw new Error('it did not come about in 20 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
