/** What both sources say, the datagrams and the status port: who said what to whom, about which call. */

import { hexOf } from '@infrafabric/format';
import type { AliasAddress, TransportAddress } from '../ras/addresses.js';

/** When and between whom. */
export interface Occurrence {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly from: string | undefined;
  readonly to: string | undefined;
  /** What H.225.0 calls the message: `ARQ`. */
  readonly label: string;
  /** What of it was concluded and not seen; `event` is all of it. */
  readonly inferred?: readonly string[] | undefined;
}

/** Which call, and whose side of it. */
export interface CallSide {
  /** 32 hex digits; where a sender gives none, those of the conference and the call reference. */
  readonly callId: string;
  readonly callReference: number | undefined;
  readonly endpointId: string;
  /** Of the called side; undefined when that is not said. */
  readonly isAnswering: boolean | undefined;
}

/** When an endpoint says that its call was answered and ended, milliseconds since 1970, to the second. */
export interface CallTimes {
  readonly connectMs: number | undefined;
  readonly endMs: number | undefined;
}

const MAX_NAMES = 8;
const MAX_NAME_CHARS = 256;

/** Text from the wire, as it is recorded: bounded, and Unicode. */
export function boundedText(text: string): string {
  return text.slice(0, MAX_NAME_CHARS).toWellFormed();
}

/** Names of a party: `bob`, `2002`. At most eight; those of kinds that are not decoded are left out. */
export function namesOf(aliases: readonly AliasAddress[] | undefined): readonly string[] | undefined {
  if (aliases === undefined) return undefined;
  return aliases.slice(0, MAX_NAMES).flatMap((alias) => {
    if (typeof alias.value === 'string') return [boundedText(alias.value)];
    if (alias.name !== 'transportID') return [];
    const address = addressText(alias.value);
    return address === undefined ? [] : [address];
  });
}

/** `192.0.2.7:1720`, `[2001:db8:0:0:0:0:0:1]:1720`; undefined for addresses that are none of IP. */
export function addressText(address: TransportAddress | undefined): string | undefined {
  if (address === undefined) return undefined;
  if (address.name === 'ipAddress' || address.name === 'ipSourceRoute') {
    return `${address.value.ip.join('.')}:${address.value.port}`;
  }
  if (address.name !== 'ip6Address') return undefined;
  const { ip, port } = address.value;
  const groups: string[] = [];
  for (let i = 0; i < ip.length; i += 2) groups.push((ip[i]! * 256 + ip[i + 1]!).toString(16));
  return `[${groups.join(':')}]:${port}`;
}

/** 32 hex digits of a GUID. */
export function callIdText(guid: Uint8Array): string {
  return hexOf(guid);
}
