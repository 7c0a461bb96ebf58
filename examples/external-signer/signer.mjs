/**
 * `node signer.mjs SOCKET STATE`: holds an Ed25519 key and answers as an ssh-agent on a Unix socket. It signs checkpoints of
 * one ledger. STATE is a directory: the key, and the journal of everything that was signed.
 */
import { createHash, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

const [socketPath, state] = process.argv.slice(2);
mkdirSync(state, { recursive: true, mode: 0o700 });
const key = ownKey(join(state, 'key.pem'));
const journal = openSync(join(state, 'journal'), 'a+', 0o600);
/** The ledger that it signs for: that of the first line. */
let origin = readFileSync(journal, 'utf8').split(/[ \n]/)[1] || undefined;

const MAX_MESSAGE_OCTETS = 256 * 1024;
const FAILURE = Buffer.of(5);
const string = (octets) => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(Buffer.from(octets).length);
  return Buffer.concat([length, Buffer.from(octets)]);
};
// The last 32 octets of a SubjectPublicKeyInfo are the raw key (RFC 8410).
const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);
const blob = Buffer.concat([string('ssh-ed25519'), string(publicKey)]);

function ownKey(file) {
  if (!existsSync(file)) {
    const { privateKey } = generateKeyPairSync('ed25519');
    writeFileSync(file, privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
  }
  return readFileSync(file, 'utf8');
}

/** The answer to one message, without its length. Untrusted input. */
function answer(message) {
  if (message[0] === 11) return Buffer.concat([Buffer.of(12, 0, 0, 0, 1), string(blob), string('external-signer')]);
  if (message[0] !== 13) return FAILURE;
  const asked = take(message, 1);
  const text = asked === undefined ? undefined : take(message, 5 + asked.length);
  if (text === undefined || !asked.equals(blob)) return FAILURE;
  const refusal = whyNot(text.toString('latin1'));
  if (refusal !== undefined) {
    console.error(`signer: refused: ${refusal}`);
    return FAILURE;
  }
  const signature = Buffer.concat([string('ssh-ed25519'), string(sign(null, text, key))]);
  return Buffer.concat([Buffer.of(14), string(signature)]);
}

function take(message, at) {
  if (at + 4 > message.length) return undefined;
  const end = at + 4 + message.readUInt32BE(at);
  return end > message.length ? undefined : message.subarray(at + 4, end);
}

/** Its rules; what they let through is in the journal, durable, before it is signed. */
function whyNot(text) {
  // The three lines of a checkpoint: https://c2sp.org/tlog-checkpoint.
  const [, name, size, root] = /^([!-*,-~]{1,255})\n(0|[1-9]\d{0,15})\n([A-Za-z0-9+/]{43}=)\n$/.exec(text) ?? [];
  if (root === undefined) return 'this is no checkpoint';
  if (origin !== undefined && name !== origin) return `a checkpoint of ${name}, and this key is that of ${origin}`;
  appendFileSync(journal, `${new Date().toISOString()} ${name} ${size} ${root}\n`);
  fsyncSync(journal);
  origin = name;
  return undefined;
}

const server = createServer((socket) => {
  let pending = Buffer.alloc(0);
  socket.setTimeout(10_000, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.on('data', (octets) => {
    pending = Buffer.concat([pending, octets]);
    while (pending.length >= 4) {
      const length = pending.readUInt32BE(0);
      if (length < 1 || length > MAX_MESSAGE_OCTETS) return void socket.destroy();
      if (pending.length < 4 + length) return;
      socket.write(string(answer(pending.subarray(4, 4 + length))));
      pending = pending.subarray(4 + length);
    }
  });
});
server.listen(socketPath, () => {
  // Who may write to the socket may have checkpoints signed.
  chmodSync(socketPath, 0o600);
  const fingerprint = createHash('sha256').update(blob).digest('base64').replace(/=+$/, '');
  console.log(`signer: SHA256:${fingerprint} at ${socketPath}`);
});
