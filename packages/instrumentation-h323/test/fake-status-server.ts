/** A status port that says what it is told to: telnet greeting, lines, a backlog; whole, or octet by octet; and that breaks. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

const GREETING = Buffer.from([0xff, 0xfd, 0x03, 0xff, 0xfb, 0x05, 0xff, 0xfe, 0x01]);

/** What GnuGk says first. */
export const VERSION_LINES = [
  'Version:',
  'Gatekeeper(GNU) Version(5.15.0) Ext(…) Build(…) Sys(…)',
  'Startup: Sun, 22 Nov 2026 11:10:11 GMT   Running: 0 days 00:05:13',
  ';',
];

export class FakeStatusServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Commands that arrived. */
  readonly commands: string[] = [];
  /** Lines of the backlog, with their prefixes. */
  backlog: readonly string[] = [];
  /** Said after the greeting of each connection. */
  greeting: readonly string[] = VERSION_LINES;
  connections = 0;
  port = 0;

  constructor() {
    this.#server = createServer((socket) => this.#serve(socket));
  }

  async listen(port = 0): Promise<void> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.port = (this.#server.address() as AddressInfo).port;
  }

  /** Says lines to all that are connected. */
  say(lines: readonly string[]): void {
    for (const socket of this.#sockets) socket.write(textOf(lines));
  }

  /** The same, each octet in a packet of its own as far as the system lets it. */
  async sayByOctet(octets: Uint8Array): Promise<void> {
    for (const octet of octets) {
      for (const socket of this.#sockets) {
        socket.write(Uint8Array.of(octet));
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Breaks all connections. */
  drop(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.drop();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(socket: Socket): void {
    this.connections++;
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.on('data', (octets) => {
      for (const command of octets.toString().split(/\r?\n/).filter(Boolean)) {
        this.commands.push(command);
        if (command === 'printeventbacklog') socket.write(textOf(this.backlog));
      }
    });
    socket.write(GREETING);
    socket.write(textOf(this.greeting));
  }
}

/** Lines as they are sent. */
export function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\r\n`).join('');
}

/** All that a connection sees: greeting, version, lines. */
export function streamOf(lines: readonly string[]): Uint8Array {
  return Buffer.concat([GREETING, Buffer.from(textOf(lines))]);
}

/** Waits until something holds; the test's own time limit ends it. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}
