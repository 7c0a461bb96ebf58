/** How many connections are watched at the same time. */
import { expect, test } from 'vitest';
import { instrumentPeerConnection, type PeerConnectionLike } from '../dist/index.js';
import { MAX_OPEN_CONNECTIONS, openConnectionCount } from '../dist/open-connections.js';
import { RecordedSpans } from './recorded-spans.js';

/** A connection that was made and then forgotten. */
class Forgotten extends EventTarget implements PeerConnectionLike {
  readonly signalingState = 'stable';
  readonly iceGatheringState = 'new';
  readonly iceConnectionState = 'new';
  readonly connectionState = 'new';

  async getStats(): Promise<unknown> {
    return new Map();
  }

  close(): void {}
}

test('with one more than may be open the oldest ends, as evicted, and is no failure', () => {
  const spans = new RecordedSpans();
  const watch = (peerId: string) =>
    instrumentPeerConnection(new Forgotten(), { tracerProvider: spans.provider, peerId });
  const ends = () => spans.all.filter(({ name }) => name === 'webrtc.peer_connection');
  const watched = Array.from({ length: MAX_OPEN_CONNECTIONS }, (_, i) => watch(`peer-${i}`));
  expect(openConnectionCount()).toBe(MAX_OPEN_CONNECTIONS);
  expect(ends()).toEqual([]);

  watched.push(watch('one-more'));
  expect(openConnectionCount()).toBe(MAX_OPEN_CONNECTIONS);
  expect(ends()).toHaveLength(1);
  expect(spans.connection('peer-0').attributes).toMatchObject({
    'call.end_reason': 'evicted',
    'call.last_code': 'new',
  });
  expect(spans.connection('peer-0').status.code).toBe(0);
  expect(spans.payloads('webrtc_connection_closed', 'peer-0')).toMatchObject([{ end_reason: 'evicted' }]);

  for (const each of watched) each.stop();
  expect(openConnectionCount()).toBe(0);
  expect(ends()).toHaveLength(MAX_OPEN_CONNECTIONS + 1);
});
