/** tshark as an independent decoder: datagrams go in as a capture file, fields come out of its PDML. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { peer } from '../../../test/peers.js';

export const tsharkPeer = peer('tshark', ['tshark', '--version']);

/** One field as tshark prints it. */
export interface TsharkField {
  readonly name: string;
  readonly show: string;
  /** Hex of the octets that it stands in. */
  readonly value: string;
}

/** A capture of IPv4 packets, each one datagram to UDP port 1719 (https://www.tcpdump.org/manpages/pcap-savefile.5.html). */
export function captureOf(datagrams: readonly Uint8Array[]): Buffer {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(65_535, 16);
  head.writeUInt32LE(101, 20); // LINKTYPE_RAW
  return Buffer.concat([head, ...datagrams.flatMap((octets, i) => [...packetOf(octets, i)])]);
}

function* packetOf(octets: Uint8Array, i: number): Iterable<Buffer> {
  const length = 28 + octets.length;
  const record = Buffer.alloc(16);
  record.writeUInt32LE(i, 0);
  record.writeUInt32LE(length, 8);
  record.writeUInt32LE(length, 12);
  const headers = Buffer.alloc(28);
  headers[0] = 0x45;
  headers.writeUInt16BE(length, 2);
  headers[8] = 64;
  headers[9] = 17;
  // Another sender each time, so that tshark sees no retransmissions.
  headers.writeUInt32BE(0x0a00_0001 + i, 12);
  headers.writeUInt32BE(0x7f00_0001, 16);
  headers.writeUInt16BE(30_000, 20);
  headers.writeUInt16BE(1719, 22);
  headers.writeUInt16BE(8 + octets.length, 24);
  yield record;
  yield headers;
  yield Buffer.from(octets);
}

/** What tshark decodes, datagram by datagram: the fields of H.225.0 in their order. */
export function tsharkFields(datagrams: readonly Uint8Array[]): readonly (readonly TsharkField[])[] {
  const folder = mkdtempSync(join(tmpdir(), 'h323-tshark-'));
  const file = join(folder, 'ras.pcap');
  writeFileSync(file, captureOf(datagrams));
  const run = spawnSync('tshark', ['-r', file, '-T', 'pdml'], {
    encoding: 'utf8',
    maxBuffer: 1 << 30,
    // Not what a user's own settings say.
    env: { PATH: process.env.PATH, HOME: folder, TZ: 'UTC' },
  });
  rmSync(folder, { recursive: true });
  if (run.status !== 0) throw new Error(run.stderr);
  return run.stdout
    .split('<packet>')
    .slice(1)
    .map((packet) => {
      const begin = packet.indexOf('<proto name="h225"');
      const body = begin < 0 ? '' : packet.slice(begin);
      return [...body.matchAll(/<field name="([^"]*)"([^>]*)>/g)].map(([, name, attributes]) => ({
        name: name!,
        show: / show="([^"]*)"/.exec(attributes!)?.[1] ?? '',
        value: / value="([^"]*)"/.exec(attributes!)?.[1] ?? '',
      }));
    });
}
