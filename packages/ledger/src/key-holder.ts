/**
 * Who holds private keys that are not in files: the process that `IF_WITNESS_SIGNER` names. It says where to ask; which key
 * signs, the ledger says, and for a new key `IF_WITNESS_SIGNER_KEY` or the caller.
 */
import { encodeVkey } from '@infrafabric/format';
import { LedgerError } from './ledger-error.js';
import type { Signer } from './signer.js';
import { type AgentKey, type SshAgentOptions, sshAgentKeys, sshAgentSigner } from './ssh-agent.js';

/** Holder of keys that this process cannot read. */
export interface KeyHolder {
  /** A signer with a key of this holder; whether it is there shows when it is asked. */
  signer(origin: string, publicKey: Uint8Array): Signer;
  /**
   * A key for a new epoch.
   * @param wanted fingerprint or comment; without it there must be just one that is not used
   * @throws LedgerError by rejection: `signer`; `signer.unknown`, which lists the keys that there are.
   */
  choose(origin: string, isUsed: (vkey: string) => boolean, wanted?: string): Promise<Signer>;
}

/** The holder that the environment names; undefined for key files. @throws LedgerError `signer.unknown`. */
export function keyHolderOf(env: NodeJS.ProcessEnv = process.env): KeyHolder | undefined {
  const text = env.IF_WITNESS_SIGNER ?? '';
  if (text === '') return undefined;
  const [, named] = /^ssh-agent(?::(.+))?$/s.exec(text) ?? [undefined, undefined];
  if (named === undefined && text !== 'ssh-agent') {
    throw new LedgerError(
      'signer.unknown',
      `IF_WITNESS_SIGNER is ${JSON.stringify(text.slice(0, 80))}, which is no signer`,
      {
        hint: 'write ssh-agent:/path/of/its/socket, or ssh-agent for the one in SSH_AUTH_SOCK',
      },
    );
  }
  const socketPath = named ?? env.SSH_AUTH_SOCK ?? '';
  if (socketPath === '') {
    throw new LedgerError('signer.unknown', 'IF_WITNESS_SIGNER says ssh-agent, but SSH_AUTH_SOCK is not set', {
      hint: 'write ssh-agent:/path/of/its/socket',
    });
  }
  return agentHolder({ socketPath }, env.IF_WITNESS_SIGNER_KEY || undefined);
}

function agentHolder(options: SshAgentOptions, byDefault: string | undefined): KeyHolder {
  const signer = (origin: string, publicKey: Uint8Array): Signer => sshAgentSigner({ ...options, origin, publicKey });
  return {
    signer,
    choose: async (origin, isUsed, wanted = byDefault) => {
      const all = await sshAgentKeys(options);
      const asked = all.filter(
        ({ fingerprint, comment }) => wanted === undefined || [fingerprint, comment].includes(wanted),
      );
      const fresh = asked.filter(({ publicKey }) => !isUsed(encodeVkey(origin, publicKey)));
      const [only] = fresh;
      if (only !== undefined && fresh.length === 1) return signer(origin, only.publicKey);
      throw new LedgerError('signer.unknown', `${whyNone(asked, fresh, wanted)}: ${options.socketPath}`, {
        hint:
          all.length === 0
            ? 'add one: ssh-keygen -t ed25519 -f KEY, then ssh-add KEY'
            : listOf(fresh.length > 0 ? fresh : all),
      });
    },
  };
}

function whyNone(asked: readonly AgentKey[], fresh: readonly AgentKey[], wanted: string | undefined): string {
  if (fresh.length > 1) return `the ssh-agent holds ${fresh.length} keys, and it is not said which one is the ledger's`;
  if (asked.length > 0) return 'the ledger has used that key already, and a key serves one epoch';
  return wanted === undefined
    ? 'the ssh-agent holds no Ed25519 key'
    : `the ssh-agent holds no Ed25519 key ${JSON.stringify(wanted)}`;
}

function listOf(keys: readonly AgentKey[]): string {
  const names = keys.slice(0, 8).map(({ fingerprint, comment }) => `${fingerprint} (${comment.slice(0, 80)})`);
  return `name one with IF_WITNESS_SIGNER_KEY, or for a rotation with --to; it holds ${names.join(', ')}`;
}
