/** A log of nothing but leaves, with which a witness can be asked anything: true, forked, badly proved. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  consistencyProof,
  EMPTY_ROOT_HEX,
  encodeCheckpoint,
  encodeNote,
  encodeVkey,
  leafHashHex,
  nodeHashHex,
  parseVkey,
  type VerifierKey,
} from '@infrafabric/format';
import { afterAll } from 'vitest';
import {
  createWitnessKey,
  encodeAddCheckpoint,
  logsFile,
  startWitnessServer,
  type WitnessEvent,
  type WitnessServer,
  type WitnessServerOptions,
} from '../dist/index.js';

const root = mkdtempSync(join(tmpdir(), 'cosigner-'));
let folders = 0;
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A folder that is gone after the test. */
export function tempFolder(): string {
  return join(root, String(folders++));
}

/** A log: `salt` decides its leaves, so that another salt is another history. */
export class TestLog {
  readonly origin: string;
  readonly key: VerifierKey;
  readonly vkey: string;
  readonly #private: KeyObject;

  constructor(origin: string) {
    this.origin = origin;
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    this.#private = privateKey;
    this.vkey = encodeVkey(origin, publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));
    this.key = parseVkey(this.vkey);
  }

  readonly hashOf =
    (salt: string) =>
    (from: number, to: number): string => {
      if (to - from === 1) return leafHashHex(`${salt} ${from}`);
      let half = 1;
      while (half * 2 < to - from) half *= 2;
      return nodeHashHex(this.hashOf(salt)(from, from + half), this.hashOf(salt)(from + half, to));
    };

  rootHex(size: number, salt = 'main'): string {
    return size === 0 ? EMPTY_ROOT_HEX : this.hashOf(salt)(0, size);
  }

  proof(oldSize: number, newSize: number, salt = 'main'): string[] {
    return consistencyProof(oldSize, newSize, this.hashOf(salt));
  }

  text(size: number, salt = 'main'): string {
    return encodeCheckpoint({ origin: this.origin, size, rootHex: this.rootHex(size, salt) });
  }

  note(size: number, salt = 'main', further = ''): string {
    return this.signed(this.text(size, salt) + further);
  }

  signed(text: string): string {
    const signature = sign(null, Buffer.from(text), this.#private);
    return encodeNote(text, [{ name: this.origin, keyIdHex: this.key.keyIdHex, signature }]);
  }

  /** The body of a request, honest unless told otherwise. */
  request(
    oldSize: number,
    size: number,
    salt = 'main',
    proof = this.proof(Math.min(oldSize, size), size, salt),
  ): Uint8Array {
    return encodeAddCheckpoint({ oldSize, proof, note: Buffer.from(this.note(size, salt)) });
  }
}

/** A witness in a folder of its own, for these logs. */
export async function witnessFor(
  logs: readonly TestLog[],
  options: Partial<WitnessServerOptions> = {},
): Promise<{ server: WitnessServer; folder: string; url: string; events: WitnessEvent[] }> {
  const folder = options.folder ?? tempFolder();
  if (options.folder === undefined) {
    await createWitnessKey(folder, 'witness.example/test');
    writeFileSync(logsFile(folder), logs.map(({ vkey }) => `log ${vkey}\n`).join(''));
  }
  const events: WitnessEvent[] = [];
  const server = await startWitnessServer({ port: 0, onEvent: (event) => events.push(event), ...options, folder });
  return { server, folder, url: `http://127.0.0.1:${server.port}`, events };
}

/** What a witness answers. */
export async function post(
  url: string,
  body: Uint8Array | string,
): Promise<{ status: number; type: string; text: string }> {
  const response = await fetch(`${url}/add-checkpoint`, { method: 'POST', body });
  return { status: response.status, type: response.headers.get('content-type') ?? '', text: await response.text() };
}
