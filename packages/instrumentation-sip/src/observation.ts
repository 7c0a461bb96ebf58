/** A message on its way: what an observer is told about the hop, and how that is shown. */
import type { Context, HrTime } from '@opentelemetry/api';
import type { SipDirection, SipEndpoint, SipTransport } from './sip-message.js';

/** What the source of a message knows about it. */
export interface SipObservation {
  /** `passing`: `local` is where it came from and `peer` where it goes. */
  readonly direction: SipDirection;
  readonly transport?: SipTransport | undefined;
  /** This end. Default: not known, shown as `local`. */
  readonly local?: SipEndpoint | undefined;
  /** The other end of the hop. Default: not known, shown as `remote`. */
  readonly peer?: SipEndpoint | undefined;
  /** When it was sent or arrived, milliseconds since 1970. Default: now. */
  readonly time?: number | undefined;
  /** Where a call that begins with it belongs. Default: the active context. */
  readonly context?: Context | undefined;
}

/** The same with times and names settled: columns of the ladder, already pseudonymised. */
export interface Hop {
  readonly direction: SipDirection;
  readonly transport: SipTransport | undefined;
  /** Column of the sender. */
  readonly from: string;
  /** Column of the receiver. */
  readonly to: string;
  /** Address of the other end, for `network.peer.*`. */
  readonly peer: SipEndpoint | undefined;
  readonly timeMs: number;
}

/** `address:port`, IPv6 in brackets. */
export function endpointText(endpoint: SipEndpoint): string {
  const address = endpoint.address.includes(':') ? `[${endpoint.address}]` : endpoint.address;
  return endpoint.port === undefined ? address : `${address}:${endpoint.port}`;
}

/** An endpoint of `address:port`, `[v6]:port`, or an address alone. */
export function endpointOf(text: string): SipEndpoint {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text);
  const address = match?.[1] ?? match?.[2];
  if (address === undefined) return { address: text };
  return match?.[3] === undefined ? { address } : { address, port: Number(match[3]) };
}

/** Latest time that a Date can hold, milliseconds. */
const MAX_TIME_MS = 8.64e15;

/** A time that a source gave, if it is one: milliseconds from 1970 on; else now. */
export function timeOrNow(time: number | undefined): number {
  return time !== undefined && time >= 0 && time <= MAX_TIME_MS ? time : Date.now();
}

/**
 * A time as OpenTelemetry's seconds and nanoseconds: of numbers, SDKs guess whether they are since 1970 or since the process
 * began, and older ones guess wrong of all that was captured before it did. @param timeMs milliseconds since 1970, 0 or more
 */
export function hrTimeOf(timeMs: number): HrTime {
  const seconds = Math.floor(timeMs / 1_000);
  // Microseconds: a double has no more of a time of today.
  return [seconds, Math.min(999_999, Math.round((timeMs - seconds * 1_000) * 1_000)) * 1_000];
}
