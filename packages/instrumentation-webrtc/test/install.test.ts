import { describe, expect, test } from 'vitest';
import { RTCPeerConnection } from 'werift';
import { hookMethod } from '../dist/hook-method.js';
import { installWebRtcInstrumentation, instrumentPeerConnection, type PeerConnectionLike } from '../dist/index.js';
import { RecordedSpans } from './recorded-spans.js';
import { type AnyConnection, connect, STACKS, werift } from './stacks.js';

const CONFIGURATION = { iceUseIpv6: false, iceServers: [], iceAdditionalHostAddresses: ['127.0.0.1'] };

/** A global with a constructor of its own. */
function holderOf(): { RTCPeerConnection: typeof RTCPeerConnection } {
  return { RTCPeerConnection };
}

describe('the installer', () => {
  test('has every connection watched, until it is undone', async () => {
    const spans = new RecordedSpans();
    const holder = holderOf();
    const undo = installWebRtcInstrumentation({ tracerProvider: spans.provider }, holder);
    const [a, b] = [new holder.RTCPeerConnection(CONFIGURATION), new holder.RTCPeerConnection(CONFIGURATION)];
    await connect(a as unknown as AnyConnection, b as unknown as AnyConnection);
    undo();
    expect(holder.RTCPeerConnection).toBe(RTCPeerConnection);
    const later = new holder.RTCPeerConnection(CONFIGURATION);
    await Promise.all([a.close(), b.close(), later.close()]);
    await expect.poll(() => spans.all.filter(({ name }) => name === 'webrtc.peer_connection').length).toBe(2);
    expect(spans.payloads('data_channel_opened')).toHaveLength(2);
  });

  test('leaves instanceof, statics, names, arguments and subclasses as they are', async () => {
    const spans = new RecordedSpans();
    class Own extends RTCPeerConnection {
      static readonly own = 7;
    }
    const holder = { RTCPeerConnection: Own };
    installWebRtcInstrumentation({ tracerProvider: spans.provider }, holder);
    const pc = new holder.RTCPeerConnection(CONFIGURATION);
    expect(pc).toBeInstanceOf(holder.RTCPeerConnection);
    expect(pc).toBeInstanceOf(RTCPeerConnection);
    expect(pc.constructor).toBe(Own);
    expect(holder.RTCPeerConnection.own).toBe(7);
    expect(holder.RTCPeerConnection.name).toBe('Own');
    expect(pc.getConfiguration().iceAdditionalHostAddresses).toEqual(['127.0.0.1']);
    class More extends holder.RTCPeerConnection {
      readonly more = true;
    }
    const more = new More(CONFIGURATION);
    expect(more).toBeInstanceOf(More);
    expect(more.more).toBe(true);
    await Promise.all([pc.close(), more.close()]);
    expect(spans.payloads('webrtc_connection_started')).toHaveLength(2);
  });

  test('installed twice watches once, and under another’s wrapper is undone without taking that away', async () => {
    const spans = new RecordedSpans();
    const holder = holderOf();
    const undo = installWebRtcInstrumentation({ tracerProvider: spans.provider }, holder);
    installWebRtcInstrumentation({ tracerProvider: spans.provider }, holder)();
    await new holder.RTCPeerConnection(CONFIGURATION).close();
    expect(spans.payloads('webrtc_connection_started')).toHaveLength(1);
    const others = class extends holder.RTCPeerConnection {};
    holder.RTCPeerConnection = others;
    undo();
    expect(holder.RTCPeerConnection).toBe(others);
    await new holder.RTCPeerConnection(CONFIGURATION).close();
    expect(spans.payloads('webrtc_connection_started')).toHaveLength(1);
  });

  test('asks a function for each connection, and leaves alone what it does not want', async () => {
    const spans = new RecordedSpans();
    const holder = holderOf();
    const made: PeerConnectionLike[] = [];
    const undo = installWebRtcInstrumentation((pc) => {
      made.push(pc);
      if (made.length === 3) throw new Error('not now');
      return made.length === 1 ? undefined : { peerId: 'second', tracerProvider: spans.provider };
    }, holder);
    const all = [1, 2, 3].map(() => new holder.RTCPeerConnection(CONFIGURATION));
    expect(made).toEqual(all);
    await Promise.all(all.map((pc) => pc.close()));
    undo();
    expect(spans.payloads('webrtc_connection_started', 'second')).toHaveLength(1);
  });

  test('says what is missing', () => {
    expect(() => installWebRtcInstrumentation({}, {})).toThrow(/no RTCPeerConnection/);
    expect(() => installWebRtcInstrumentation({ statsIntervalMs: -1 }, holderOf())).toThrow(RangeError);
    expect(() => instrumentPeerConnection({} as PeerConnectionLike)).toThrow(/addEventListener, getStats, close/);
    const pc = werift.make();
    expect(() => instrumentPeerConnection(pc, { timeoutMs: Number.NaN })).toThrow(RangeError);
    expect(() => instrumentPeerConnection(pc, { flush: 'x' as never })).toThrow(TypeError);
    expect(() => instrumentPeerConnection(pc, { rttUnit: 'us' as never })).toThrow(TypeError);
    pc.close();
  });
});

test('a connection is watched once', async () => {
  const spans = new RecordedSpans();
  for (const stack of STACKS) {
    const pc = stack.make();
    const watch = instrumentPeerConnection(pc, { peerId: stack.name, tracerProvider: spans.provider });
    expect(instrumentPeerConnection(pc)).toBe(watch);
    pc.close();
    await watch.ended;
    expect(spans.payloads('webrtc_connection_started', stack.name)).toHaveLength(1);
  }
});

test('a method with something around it keeps its this, arguments, result and errors, and comes off again', () => {
  class Counter {
    count = 1;
    add(by: number): number {
      if (by < 0) throw new RangeError('only upwards');
      this.count += by;
      return this.count;
    }
  }
  const counter = new Counter();
  const seen: unknown[] = [];
  const undo = hookMethod(counter, 'add', (proceed) => {
    seen.push('before');
    return proceed();
  });
  expect(counter.add(2)).toBe(3);
  expect(() => counter.add(-1)).toThrow(RangeError);
  expect(seen).toHaveLength(2);
  expect(Object.keys(counter)).toEqual(['count']);
  undo();
  expect(Object.hasOwn(counter, 'add')).toBe(false);
  expect(hookMethod(counter, 'none', () => undefined)()).toBeUndefined();
});

test('a tracer that throws does not stop a call', async () => {
  const provider = {
    getTracer() {
      throw new Error('no tracer');
    },
  };
  const holder = holderOf();
  const undo = installWebRtcInstrumentation({ tracerProvider: provider }, holder);
  const [a, b] = [new holder.RTCPeerConnection(CONFIGURATION), new holder.RTCPeerConnection(CONFIGURATION)];
  await connect(a as unknown as AnyConnection, b as unknown as AnyConnection);
  await Promise.all([a.close(), b.close()]);
  undo();
});
