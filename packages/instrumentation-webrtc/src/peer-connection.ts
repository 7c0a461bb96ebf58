/**
 * What is used of a peer connection, and no more: browsers, werift, node-datachannel's polyfill and @roamhq/wrtc all have
 * it. Nothing here is trusted to be there or to be of the type that the W3C's WebRTC 1.0 gives it.
 */

/** Anything that has listeners. Events are looked at with care: some stacks emit none, or plain objects. */
export interface EventTargetLike {
  // `never` for the listener's parameter would refuse typed stacks; a method's parameter is bivariant.
  addEventListener(type: string, listener: (event?: unknown) => void, options?: unknown): unknown;
  removeEventListener?(type: string, listener: (event?: unknown) => void, options?: unknown): unknown;
}

/** Anything shaped like RTCPeerConnection. */
export interface PeerConnectionLike extends EventTargetLike {
  readonly signalingState: string;
  readonly iceGatheringState: string;
  readonly iceConnectionState: string;
  readonly connectionState: string;
  readonly localDescription?: unknown;
  readonly remoteDescription?: unknown;
  getStats(): Promise<unknown>;
  close(): unknown;
}

/** A member of an unknown value; undefined for what has none, and for getters that throw. */
export function member(of: unknown, name: string): unknown {
  if ((typeof of !== 'object' || of === null) && typeof of !== 'function') return undefined;
  try {
    return (of as Readonly<Record<string, unknown>>)[name];
  } catch {
    return undefined;
  }
}

/** The same, when it is text: at most `limit` UTF-16 units of it. */
export function textMember(of: unknown, name: string, limit = 128): string | undefined {
  const value = member(of, name);
  return typeof value === 'string' ? value.slice(0, limit).toWellFormed() : undefined;
}

/** The same, when it is a finite number. */
export function numberMember(of: unknown, name: string): number | undefined {
  const value = member(of, name);
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** Whether a value can be listened to. */
export function isEventTarget(value: unknown): value is EventTargetLike {
  return typeof member(value, 'addEventListener') === 'function';
}
