/** Keys in an ssh-agent: the real one, and one that misbehaves in every way there is. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeVkey, parseVkey } from '@infrafabric/format';
import { LedgerThread } from '@infrafabric/ledger/thread';
import { encodeTraceRequest } from '@infrafabric/otlp';
import { verifyEd25519 } from '@infrafabric/verify';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { spanDraft, verifyAgainstHead, vkeyOf } from '../../../test/attacks/ledger-files.js';
import { spanRecord } from '../../../test/attacks/spans.js';
import { sshAgent, startAgent } from '../../../test/ssh-agent.js';
import { Ledger, LedgerError, signerOfSeed, sshAgentKeys, sshAgentSigner } from '../dist/index.js';

const SEED = Buffer.alloc(32, 3);
const ORIGIN = 'if-witness/agent';

let directory: string;
let home: string;
beforeEach(() => {
  // The path of a Unix socket has some hundred octets at most.
  directory = mkdtempSync(join(tmpdir(), 'agent-'));
  home = join(directory, 'home');
  return () => rmSync(directory, { recursive: true });
});
afterEach(() => {
  delete process.env.IF_WITNESS_SIGNER;
  delete process.env.IF_WITNESS_SIGNER_KEY;
});

function uint32(n: number): Buffer {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(n);
  return octets;
}

const string = (octets: Uint8Array | string): Buffer =>
  Buffer.concat([uint32(Buffer.from(octets).length), Buffer.from(octets)]);
const message = (...parts: readonly Uint8Array[]): Buffer => string(Buffer.concat(parts));
const blobOf = (publicKey: Uint8Array): Buffer => Buffer.concat([string('ssh-ed25519'), string(publicKey)]);
const signatureOf = (signature: Uint8Array): Buffer =>
  string(Buffer.concat([string('ssh-ed25519'), string(signature)]));

/** An agent of which a test says what it answers. */
async function fakeAgent(answer: (request: Buffer, socket: Socket) => void): Promise<string> {
  const socketPath = join(directory, `fake-${randomBytes(4).toString('hex')}.sock`);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', (request) => answer(request.subarray(4), socket));
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return socketPath;
}

/** What an honest agent with the key of the seed answers. */
async function honest(request: Buffer): Promise<Buffer> {
  const { publicKey, sign } = signerOfSeed(ORIGIN, SEED);
  if (request[0] === 11) return message(Buffer.of(12), uint32(1), string(blobOf(publicKey)), string('mine'));
  const blob = request.readUInt32BE(1);
  const data = request.subarray(5 + blob + 4, 5 + blob + 4 + request.readUInt32BE(5 + blob));
  return message(Buffer.of(14), signatureOf(await sign(data)));
}

describe('the ssh-agent of OpenSSH', () => {
  beforeEach((context) => sshAgent.need(context));

  test('lists its Ed25519 keys, and gives the signature that the key alone can make', async () => {
    const agent = await startAgent(directory);
    agent.add('login', 'rsa');
    agent.add('the ledger');
    const keys = await sshAgentKeys(agent);
    expect(keys).toMatchObject([{ comment: 'the ledger' }]);
    expect(agent.sshAdd('-l')).toContain(keys[0]!.fingerprint);
    const { publicKey } = keys[0]!;
    const signer = sshAgentSigner({ ...agent, origin: ORIGIN, publicKey });
    expect(signer.keyIdHex).toBe(parseVkey(encodeVkey(ORIGIN, publicKey)).keyIdHex);
    const text = Buffer.from('any text\n');
    expect(verifyEd25519(publicKey, text, await signer.sign(text))).toBe(true);
    await signer.check!();
    agent.sshAdd('-D');
    await expect(signer.check!()).rejects.toMatchObject({ code: 'signer' });
    await expect(signer.sign(text)).rejects.toMatchObject({
      code: 'signer',
      message: expect.stringContaining('refused'),
    });
  });

  test('holds the key of a ledger from its first entry on, and of the next epochs', async () => {
    const agent = await startAgent(directory);
    agent.add('first');
    process.env.IF_WITNESS_SIGNER = `ssh-agent:${agent.socketPath}`;
    const ledger = await Ledger.open({ home });
    onTestFinished(() => ledger.close());
    await ledger.append([spanDraft(1)]);
    await expect(ledger.rotate()).rejects.toMatchObject({
      code: 'signer.unknown',
      message: expect.stringContaining('used that key already'),
      hint: expect.stringContaining('(first)'),
    });
    agent.add('second');
    agent.add('third');
    await expect(ledger.rotate()).rejects.toMatchObject({
      hint: expect.stringMatching(/SHA256:\S+ \(second\), SHA256:\S+ \(third\)/),
    });
    expect(await ledger.rotate({ signerKey: 'third' })).toMatchObject({ oldPrivateHalf: 'elsewhere' });
    const thread = new LedgerThread({ home });
    onTestFinished(() => thread.close());
    await thread.appendTraceRequest(encodeTraceRequest([spanRecord(2)]));
    await expect(ledger.rotate({ signerKey: 'first' })).rejects.toMatchObject({ code: 'signer.unknown' });
    await ledger.rotate();
    await thread.appendTraceRequest(encodeTraceRequest([spanRecord(3)]));
    const files = readdirSync(home, { recursive: true, encoding: 'utf8' });
    expect(files.filter((file) => file.endsWith('.key'))).toEqual([]);
    expect(files.filter((file) => file.endsWith('.vkey'))).toHaveLength(3);
    expect(await ledger.rotate({ to: 'file' })).toMatchObject({ oldPrivateHalf: 'elsewhere' });
    // Now a key file signs, and the agent is not asked.
    agent.sshAdd('-D');
    await thread.appendTraceRequest(encodeTraceRequest([spanRecord(4)]));
    const report = verifyAgainstHead(join(home, 'witness.db'), { key: parseVkey(vkeyOf(join(home, 'witness.db'))) });
    expect(report).toMatchObject({ verdict: 'VALID', key: { epochs: 4 }, entries: 8 });
  });

  test('of several keys gives the one that is asked for to a new ledger, by comment or fingerprint', async () => {
    const agent = await startAgent(directory);
    agent.add('one');
    agent.add('two');
    process.env.IF_WITNESS_SIGNER = `ssh-agent:${agent.socketPath}`;
    await expect(Ledger.open({ home })).rejects.toMatchObject({ code: 'signer.unknown' });
    const [, two] = await sshAgentKeys(agent);
    for (const [i, name] of ['two', two!.fingerprint].entries()) {
      process.env.IF_WITNESS_SIGNER_KEY = name;
      const ledger = await Ledger.open({ home: `${home}${i}` });
      expect(parseVkey(vkeyOf(ledger.paths.ledger)).publicKey).toEqual(two!.publicKey);
      await ledger.close();
    }
    process.env.IF_WITNESS_SIGNER_KEY = 'three';
    await expect(Ledger.open({ home })).rejects.toMatchObject({
      message: expect.stringContaining('no Ed25519 key "three"'),
    });
  });
});

describe('an agent', () => {
  const { publicKey } = signerOfSeed(ORIGIN, SEED);
  const cases: readonly [what: string, answer: (socket: Socket) => void, says: RegExp][] = [
    ['that hangs up', (socket) => socket.end(), /hung up/],
    ['that says nothing', () => undefined, /within 200 ms/],
    [
      'that sends an octet at a time',
      (socket) => void setInterval(() => socket.write('\0'), 60).unref(),
      /within 200 ms|of 0 octets/,
    ],
    [
      'that announces four gigabytes',
      (socket) => socket.write(Buffer.alloc(4, 0xff)),
      /announced an answer of 4294967295/,
    ],
    ['that announces nothing', (socket) => socket.write(Buffer.alloc(4)), /announced an answer of 0/],
    ['that says more than it announced', (socket) => socket.write(Buffer.from('0000000105ffffff', 'hex')), /more than/],
    ['that stops in the middle', (socket) => socket.end(Buffer.from('0000001005', 'hex')), /hung up/],
    ['that refuses', (socket) => socket.write(message(Buffer.of(5))), /refused/],
    ['that answers another question', (socket) => socket.write(message(Buffer.of(12), uint32(0))), /no answer/],
    ['whose lengths lead beyond the end', (socket) => socket.write(message(Buffer.of(14), uint32(99))), /no answer/],
    [
      'that answers with an RSA signature',
      (socket) => socket.write(message(Buffer.of(14), string(Buffer.concat([string('rsa-sha2-512'), string('x')])))),
      /another kind/,
    ],
  ];
  test.each(cases)('%s fails the signature in bounded time and memory', async (_, answer, says) => {
    const socketPath = await fakeAgent((_request, socket) => answer(socket));
    const signer = sshAgentSigner({ socketPath, timeoutMs: 200, origin: ORIGIN, publicKey });
    const error = await signer.sign(Buffer.from('text')).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(LedgerError);
    expect(error).toMatchObject({ code: 'signer', message: expect.stringMatching(says), hint: expect.any(String) });
  });

  test('that claims a thousand million keys in a short answer is told apart from one that has them', async () => {
    const socketPath = await fakeAgent((_, socket) => socket.write(message(Buffer.of(12), uint32(1_000_000_000))));
    await expect(sshAgentKeys({ socketPath })).rejects.toMatchObject({ code: 'signer' });
  });

  test('that is not there fails with where it was looked for', async () => {
    const socketPath = join(directory, 'none.sock');
    await expect(sshAgentKeys({ socketPath })).rejects.toMatchObject({ message: expect.stringContaining(socketPath) });
  });

  test('whose signature is another’s never gets it into the ledger, and the write lock is free again', async () => {
    let lie: ((request: Buffer) => Promise<Buffer>) | undefined;
    const socketPath = await fakeAgent(
      (request, socket) => void (lie ?? honest)(request).then((said) => socket.write(said)),
    );
    process.env.IF_WITNESS_SIGNER = `ssh-agent:${socketPath}`;
    const ledger = await Ledger.open({ home });
    onTestFinished(() => ledger.close());
    await ledger.append([spanDraft(1)]);
    const lies: readonly ((request: Buffer) => Promise<Buffer>)[] = [
      async () => message(Buffer.of(14), signatureOf(new Uint8Array(64))),
      async () => message(Buffer.of(14), signatureOf(new Uint8Array(63))),
      async () => message(Buffer.of(14), signatureOf(createHash('sha512').update('x').digest())),
      async () =>
        message(Buffer.of(14), signatureOf(await signerOfSeed(ORIGIN, Buffer.alloc(32, 4)).sign(Buffer.from('text')))),
    ];
    for (const each of lies) {
      lie = each;
      await expect(ledger.append([spanDraft(2)])).rejects.toMatchObject({ code: 'signer' });
    }
    lie = undefined;
    await ledger.append([spanDraft(2)]);
    await ledger.probe();
    const path = ledger.paths.ledger;
    expect(verifyAgainstHead(path, { key: parseVkey(vkeyOf(path)) })).toMatchObject({ verdict: 'VALID', entries: 3 });
  });

  test('that offers a key with which anybody can sign founds no ledger', async () => {
    const weak = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0));
    const answer = message(Buffer.of(12), uint32(1), string(blobOf(weak)), string('weak'));
    process.env.IF_WITNESS_SIGNER = `ssh-agent:${await fakeAgent((_, socket) => socket.write(answer))}`;
    await expect(Ledger.open({ home })).rejects.toMatchObject({ code: 'vkey.weak' });
  });

  test('whose key has a name of escape codes is named in the hint, cut', async () => {
    const comment = `\u001b[2J${'x'.repeat(1000)}`;
    const other = signerOfSeed(ORIGIN, Buffer.alloc(32, 4)).publicKey;
    const keys = [publicKey, other].flatMap((key) => [string(blobOf(key)), string(comment)]);
    const answer = message(Buffer.of(12), uint32(2), ...keys);
    process.env.IF_WITNESS_SIGNER = `ssh-agent:${await fakeAgent((_, socket) => socket.write(answer))}`;
    const error = (await Ledger.open({ home }).catch((caught: unknown) => caught)) as LedgerError;
    expect(error).toMatchObject({ code: 'signer.unknown' });
    expect(error.hint!.length).toBeLessThan(500);
  });
});

test.each([
  ['pkcs11:token', 'which is no signer'],
  ['ssh-agent:', 'which is no signer'],
  ['ssh-agent', 'SSH_AUTH_SOCK is not set'],
])('IF_WITNESS_SIGNER=%s is refused with what to write, and nothing is created', async (text, says) => {
  const { SSH_AUTH_SOCK } = process.env;
  delete process.env.SSH_AUTH_SOCK;
  onTestFinished(() => {
    if (SSH_AUTH_SOCK !== undefined) process.env.SSH_AUTH_SOCK = SSH_AUTH_SOCK;
  });
  process.env.IF_WITNESS_SIGNER = text;
  await expect(Ledger.open({ home })).rejects.toMatchObject({
    code: 'signer.unknown',
    message: expect.stringContaining(says),
    hint: expect.stringContaining('ssh-agent:/path'),
  });
  expect(readdirSync(directory)).toEqual([]);
});
