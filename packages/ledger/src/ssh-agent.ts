/**
 * A private key in another process: the client side of the ssh-agent protocol (draft-ietf-sshm-ssh-agent) for Ed25519. An
 * agent signs the very octets that it is given, so its signature is a checkpoint's. What it answers is untrusted: bounded in
 * size and time here, and verified by the writer before it is stored.
 */
import { createHash } from 'node:crypto';
import { concatBytes, keyIdHexOf } from '@infrafabric/format';
import { LedgerError } from './ledger-error.js';
import type { Signer } from './signer.js';

const FAILURE = 5;
const REQUEST_IDENTITIES = 11;
const IDENTITIES_ANSWER = 12;
const SIGN_REQUEST = 13;
const SIGN_RESPONSE = 14;
const ED25519 = Buffer.from('ssh-ed25519');
/** Of one message; OpenSSH has the same limit. */
const MAX_MESSAGE_OCTETS = 256 * 1024;
/** The write lock is held meanwhile. */
const TIMEOUT_MS = 5_000;

/** An Ed25519 key in an agent. */
export interface AgentKey {
  /** 32 octets. */
  readonly publicKey: Uint8Array;
  /** As `ssh-add -l` shows it: `SHA256:` and base64 without padding. */
  readonly fingerprint: string;
  /** What the agent calls it; any text. */
  readonly comment: string;
}

/** Where an agent listens, and how patient this side is. */
export interface SshAgentOptions {
  /** Path of a Unix socket, as in `SSH_AUTH_SOCK`. */
  readonly socketPath: string;
  /** For one question, from connecting to the whole answer, milliseconds; default 5,000. */
  readonly timeoutMs?: number | undefined;
}

/** The Ed25519 keys that an agent holds; others are left out. @throws LedgerError `signer` by rejection. */
export async function sshAgentKeys(options: SshAgentOptions): Promise<AgentKey[]> {
  const answer = new Answer(await ask(options, Buffer.of(REQUEST_IDENTITIES)), IDENTITIES_ANSWER);
  const keys: AgentKey[] = [];
  // The count is the agent's word; the octets end before a false one does harm.
  for (let left = answer.uint32(); left > 0; left--) {
    const blob = answer.string();
    const comment = answer.string().toString('utf8');
    const key = new Answer(blob);
    if (!key.string().equals(ED25519)) continue;
    const publicKey = Uint8Array.from(key.string());
    const fingerprint = `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
    if (publicKey.length === 32) keys.push({ publicKey, fingerprint, comment });
  }
  return keys;
}

/**
 * A signer whose key an ssh-agent holds, or any process that speaks as one. It fails with LedgerError `signer`, within the
 * time given, when the agent does not answer, does not have the key or does not want to sign.
 * @param publicKey 32 octets
 */
export function sshAgentSigner(
  options: SshAgentOptions & { readonly origin: string; readonly publicKey: Uint8Array },
): Signer {
  const { origin, publicKey } = options;
  const blob = concatBytes(sshString(ED25519), sshString(publicKey));
  return {
    publicKey,
    keyIdHex: keyIdHexOf(origin, publicKey),
    sign: async (message) => {
      const request = [Buffer.of(SIGN_REQUEST), sshString(blob), sshString(message), Buffer.alloc(4)];
      const answer = new Answer(await ask(options, Buffer.concat(request)), SIGN_RESPONSE);
      const signature = new Answer(answer.string());
      if (!signature.string().equals(ED25519)) throw agentError(options, 'answered with a signature of another kind');
      return Uint8Array.from(signature.string());
    },
    check: async () => {
      const keys = await sshAgentKeys(options);
      if (keys.some((key) => Buffer.compare(key.publicKey, publicKey) === 0)) return;
      throw agentError(options, 'does not hold the key of this ledger');
    },
  };
}

/** One question on a connection of its own, so that no answer can belong to another question. */
async function ask(options: SshAgentOptions, request: Uint8Array): Promise<Buffer> {
  const { socketPath, timeoutMs = TIMEOUT_MS } = options;
  // Loaded only now: a process that appends one event with a key file has no use for it.
  const { connect } = await import('node:net');
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let octets = 0;
    const socket = connect(socketPath);
    const fail = (what: string, cause?: unknown): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(agentError(options, what, cause));
    };
    const timer = setTimeout(() => fail(`did not answer within ${timeoutMs} ms`), timeoutMs);
    socket.on('error', (error) => fail(`cannot be reached: ${error.message}`, error));
    socket.on('close', () => fail('hung up before it had answered'));
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      octets += chunk.length;
      if (octets < 4) return;
      const answer = chunks.length === 1 ? chunk : Buffer.concat(chunks);
      const length = answer.readUInt32BE(0);
      if (length < 1 || length > MAX_MESSAGE_OCTETS) fail(`announced an answer of ${length} octets`);
      else if (octets > 4 + length) fail('said more than it had announced');
      else if (octets === 4 + length) {
        clearTimeout(timer);
        socket.destroy();
        if (answer[4] === FAILURE) reject(agentError(options, 'refused'));
        else resolve(answer.subarray(4));
      }
    });
    socket.write(sshString(request));
  });
}

/** Octets of an answer, read from the front. @throws LedgerError `signer` where they end too early. */
class Answer {
  readonly #octets: Buffer;
  #at = 0;

  constructor(octets: Buffer, type?: number) {
    this.#octets = octets;
    if (type !== undefined && octets[this.#at++] !== type) throw malformed();
  }

  uint32(): number {
    if (this.#at + 4 > this.#octets.length) throw malformed();
    this.#at += 4;
    return this.#octets.readUInt32BE(this.#at - 4);
  }

  string(): Buffer {
    const length = this.uint32();
    if (this.#at + length > this.#octets.length) throw malformed();
    this.#at += length;
    return this.#octets.subarray(this.#at - length, this.#at);
  }
}

/** RFC 4251 §5: the length as uint32, then the octets. A message has the same form. */
function sshString(octets: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(octets.length);
  return Buffer.concat([length, octets]);
}

function malformed(): LedgerError {
  return new LedgerError('signer', 'the ssh-agent answered with something that is no answer', {
    hint: 'check what listens on the socket that IF_WITNESS_SIGNER names',
  });
}

function agentError({ socketPath }: SshAgentOptions, what: string, cause?: unknown): LedgerError {
  return new LedgerError('signer', `the ssh-agent at ${socketPath} ${what}`, {
    ...(cause === undefined ? {} : { cause }),
    hint: 'see that it runs and holds the key (SSH_AUTH_SOCK=… ssh-add -l); nothing was written',
  });
}
