/** Who is registered with the small gatekeeper, under which names and where. */

import { hexOf } from '@infrafabric/format';
import { encodePer } from '../per/encode.js';
import type { AliasAddress, TransportAddress } from '../ras/addresses.js';
import { transportAddress } from '../ras/addresses.js';
import type { UdpAddress } from './udp-peer.js';

/** One endpoint. */
export interface Registration {
  readonly endpointId: string;
  readonly aliases: readonly AliasAddress[];
  readonly signalAddress: TransportAddress;
  /** From where it asked; the gatekeeper's own requests go there. */
  readonly rasAddress: UdpAddress;
  expiresMs: number;
}

const MAX_REGISTRATIONS = 10_000;

/** The table. What is not refreshed in its time is forgotten. */
export class Registrations {
  readonly #endpoints = new Map<string, Registration>();
  readonly #lifetimeMs: number;
  #next = 1;

  constructor(timeToLiveS: number) {
    // A keep-alive may be late by a few retransmissions.
    this.#lifetimeMs = timeToLiveS * 1000 + 15_000;
  }

  get size(): number {
    this.#forget();
    return this.#endpoints.size;
  }

  get(endpointId: string | undefined): Registration | undefined {
    this.#forget();
    return endpointId === undefined ? undefined : this.#endpoints.get(endpointId);
  }

  /** Registers an endpoint, again under its old id when it comes from where it was. @returns the taken names, or undefined when there is no room */
  add(
    aliases: readonly AliasAddress[],
    signalAddress: TransportAddress,
    rasAddress: UdpAddress,
  ): Registration | { readonly taken: readonly AliasAddress[] } | undefined {
    this.#forget();
    const same = [...this.#endpoints.values()].find((other) => isSameAddress(other.signalAddress, signalAddress));
    const taken = aliases.filter((alias) => {
      const holder = this.#holderOf(alias);
      return holder !== undefined && holder !== same;
    });
    if (taken.length > 0) return { taken };
    if (same === undefined && this.#endpoints.size >= MAX_REGISTRATIONS) return undefined;
    const endpointId = same?.endpointId ?? `${this.#next++}_endp`;
    const registration = { endpointId, aliases, signalAddress, rasAddress, expiresMs: this.#expiry() };
    this.#endpoints.set(endpointId, registration);
    return registration;
  }

  refresh(registration: Registration): void {
    registration.expiresMs = this.#expiry();
  }

  remove(endpointId: string): void {
    this.#endpoints.delete(endpointId);
  }

  /** The endpoint that is called by one of these names, or is at this address. */
  destination(
    aliases: readonly AliasAddress[] | undefined,
    address: TransportAddress | undefined,
  ): Registration | undefined {
    this.#forget();
    for (const alias of aliases ?? []) {
      const holder = this.#holderOf(alias);
      if (holder !== undefined) return holder;
    }
    if (address === undefined) return undefined;
    return [...this.#endpoints.values()].find((other) => isSameAddress(other.signalAddress, address));
  }

  #holderOf(alias: AliasAddress): Registration | undefined {
    for (const endpoint of this.#endpoints.values()) {
      if (endpoint.aliases.some(({ name, value }) => name === alias.name && value === alias.value)) return endpoint;
    }
    return undefined;
  }

  #expiry(): number {
    return Date.now() + this.#lifetimeMs;
  }

  #forget(): void {
    const nowMs = Date.now();
    for (const [id, { expiresMs }] of this.#endpoints) if (expiresMs < nowMs) this.#endpoints.delete(id);
  }
}

function isSameAddress(a: TransportAddress, b: TransportAddress): boolean {
  return hexOf(encodePer(transportAddress, a)) === hexOf(encodePer(transportAddress, b));
}
