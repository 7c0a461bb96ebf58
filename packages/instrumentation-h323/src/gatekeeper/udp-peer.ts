/** A UDP socket that sends and receives RAS messages, shows every datagram to an observer, and survives what is none. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { diag } from '@opentelemetry/api';
import { SCOPE_NAME } from '../names.js';
import type { TransportAddress } from '../ras/addresses.js';
import { decodeRas, encodeRas, type RasMessage } from '../ras/codec.js';
import type { DatagramInfo } from '../ras/ras-observer.js';

/** An IPv4 address and a port. */
export interface UdpAddress {
  readonly host: string;
  readonly port: number;
}

/** Sees every datagram: `(octets, info) => observer.observe(octets, info)`. */
export type DatagramListener = (datagram: Uint8Array, info: DatagramInfo) => void;

/** One end. */
export class UdpPeer {
  readonly #socket: Socket;
  readonly #onDatagram: DatagramListener | undefined;
  #local = '';

  constructor(
    onMessage: (message: RasMessage, from: UdpAddress, datagram: Uint8Array) => void,
    onDatagram?: DatagramListener,
  ) {
    this.#onDatagram = onDatagram;
    this.#socket = createSocket('udp4');
    this.#socket.on('error', (error) => diag.debug(`${SCOPE_NAME}: UDP`, error));
    this.#socket.on('message', (datagram: Uint8Array, { address, port }: RemoteInfo) => {
      this.#onDatagram?.(datagram, { direction: 'received', peer: `${address}:${port}`, local: this.#local });
      let message: RasMessage;
      try {
        message = decodeRas(datagram);
      } catch {
        return;
      }
      try {
        onMessage(message, { host: address, port }, datagram);
      } catch (error) {
        diag.error(`${SCOPE_NAME}: a message was not answered`, error);
      }
    });
  }

  /** Binds. @param port 0 for any. @throws what the system throws, e.g. when the port is in use */
  open(host: string, port: number): Promise<UdpAddress> {
    return new Promise((resolve, reject) => {
      this.#socket.once('error', reject);
      this.#socket.bind(port, host, () => {
        this.#socket.off('error', reject);
        const bound = this.#socket.address();
        this.#local = `${bound.address}:${bound.port}`;
        resolve({ host: bound.address, port: bound.port });
      });
    });
  }

  /** Sends a message. @returns the datagram @throws TypeError, RangeError for a value that is not of the message's type */
  send(message: RasMessage, to: UdpAddress): Uint8Array {
    const datagram = encodeRas(message);
    this.sendAgain(datagram, to);
    return datagram;
  }

  /** Sends a datagram once more. */
  sendAgain(datagram: Uint8Array, to: UdpAddress): void {
    this.#onDatagram?.(datagram, { direction: 'sent', peer: `${to.host}:${to.port}`, local: this.#local });
    this.#socket.send(datagram, to.port, to.host);
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }
}

/** An IPv4 address as H.225.0 writes it. @throws TypeError for a host that is none */
export function transportAddressOf({ host, port }: UdpAddress): TransportAddress {
  const ip = Uint8Array.from(host.split('.').map(Number));
  if (ip.length !== 4 || !/^\d{1,3}(?:\.\d{1,3}){3}$/.test(host)) throw new TypeError(`${host} is no IPv4 address`);
  return { name: 'ipAddress', value: { ip, port } };
}
