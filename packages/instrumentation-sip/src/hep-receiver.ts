/**
 * Takes HEPv3 captures over UDP and has them observed: the way in for servers in any language. Who may send here may say
 * anything: bind it to an address that only the capturing servers reach. Node only.
 */
import type { AddressInfo } from 'node:net';
import { decodeHep, type HepPacket } from './hep-packet.js';
import { parseRtcpReport } from './rtcp-report.js';
import type { SipTransport } from './sip-message.js';
import type { SipObserver } from './sip-observer.js';

/** Counts since the receiver began. */
export interface HepCounts {
  readonly datagrams: number;
  /** Of them: no HEPv3, cut short, or deflated into nothing that inflates. */
  readonly undecodable: number;
  /** Of them: neither SIP nor RTCP reports. */
  readonly otherProtocols: number;
}

const SIP = 1;
const RTCP_JSON = 5;
/** What a deflated payload may inflate to, octets. */
const MAX_INFLATED = 131_072;

/** Decodes and hands on. Listen with it, or give it the datagrams of a socket of your own. */
export class HepReceiver {
  readonly #observer: SipObserver;
  #inflate: ((octets: Uint8Array) => Uint8Array) | undefined;
  #close: (() => Promise<void>) | undefined;
  #datagrams = 0;
  #undecodable = 0;
  #otherProtocols = 0;

  constructor(observer: SipObserver) {
    this.#observer = observer;
  }

  /**
   * Listens on a UDP socket of its own.
   * @returns where
   * @throws what binding throws; TypeError when it listens already
   */
  async listen(options: { readonly port?: number; readonly host?: string } = {}): Promise<AddressInfo> {
    if (this.#close !== undefined) throw new TypeError('it listens already: close it first, or use another receiver');
    // Loaded here, so that pages which observe JsSIP can bundle this package.
    const { createSocket } = await import('node:dgram');
    const { inflateSync } = await import('node:zlib');
    this.#inflate = (octets) => inflateSync(octets, { maxOutputLength: MAX_INFLATED });
    const { port = 9060, host = '127.0.0.1' } = options;
    const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', recvBufferSize: 4_194_304 });
    socket.on('message', (datagram) => this.receive(datagram));
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(port, host, () => {
        socket.off('error', reject);
        resolve();
      });
    });
    // A later error of one datagram must not end the process that is watched.
    socket.on('error', () => {
      this.#undecodable++;
    });
    this.#close = () => new Promise((resolve) => socket.close(() => resolve()));
    return socket.address();
  }

  /** Takes a datagram. Never throws. */
  receive(datagram: Uint8Array): void {
    this.#datagrams++;
    const packet = decodeHep(datagram);
    const payload = packet === undefined ? undefined : this.#payloadOf(packet);
    if (packet === undefined || payload === undefined) this.#undecodable++;
    else if (packet.payloadProtocol === SIP) this.#observeSip(packet, payload);
    else if (packet.payloadProtocol === RTCP_JSON && packet.correlationId !== undefined) {
      for (const quality of parseRtcpReport(payload, packet.timeMs)) {
        this.#observer.recordQuality(packet.correlationId, quality);
      }
    } else this.#otherProtocols++;
  }

  get counts(): HepCounts {
    return { datagrams: this.#datagrams, undecodable: this.#undecodable, otherProtocols: this.#otherProtocols };
  }

  /** Stops listening. The observer stays open. */
  async close(): Promise<void> {
    const close = this.#close;
    this.#close = undefined;
    await close?.();
  }

  #observeSip(packet: HepPacket, payload: Uint8Array): void {
    const { source, destination, timeMs } = packet;
    this.#observer.observe(payload, {
      direction: 'passing',
      transport: transportOf(packet.ipProtocol),
      local: source,
      peer: destination,
      time: timeMs,
    });
  }

  #payloadOf(packet: HepPacket): Uint8Array | undefined {
    if (!packet.isCompressed) return packet.payload;
    try {
      return this.#inflate?.(packet.payload);
    } catch {
      return undefined;
    }
  }
}

function transportOf(ipProtocol: number | undefined): SipTransport | undefined {
  switch (ipProtocol) {
    case 6:
      return 'tcp';
    case 17:
      return 'udp';
    case 22:
      return 'ws';
    case 132:
      return 'sctp';
    default:
      return undefined;
  }
}
