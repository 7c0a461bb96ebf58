/** The real ssh-agent of OpenSSH, with keys of its own, for tests. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { peer } from './peers.js';

export const sshAgent = peer('ssh-agent', [
  'sh',
  '-c',
  'command -v ssh-agent && command -v ssh-add && command -v ssh-keygen',
]);

/** An agent that runs until the test ends. */
export interface RunningAgent {
  readonly socketPath: string;
  /** Makes a key, gives it to the agent and to nobody else. */
  add(comment: string, type?: 'ed25519' | 'rsa'): void;
  /** `ssh-add` with these arguments. */
  sshAdd(...args: readonly string[]): string;
}

/** Starts an agent in a directory; its socket's path must be short. */
export async function startAgent(directory: string): Promise<RunningAgent> {
  const socketPath = join(directory, 'agent.sock');
  const child = spawn('ssh-agent', ['-D', '-a', socketPath], { stdio: 'ignore' });
  onTestFinished(() => void child.kill());
  while (!existsSync(socketPath)) {
    if (child.exitCode !== null) throw new Error(`ssh-agent ended with ${child.exitCode}`);
    await sleep(5);
  }
  let keys = 0;
  const run = (program: string, args: readonly string[]): string => {
    const ran = spawnSync(program, args, { env: { ...process.env, SSH_AUTH_SOCK: socketPath }, encoding: 'utf8' });
    if (ran.status !== 0) throw new Error(`${program} ${args.join(' ')}: ${ran.stderr}`);
    return ran.stdout;
  };
  return {
    socketPath,
    add(comment, type = 'ed25519') {
      const file = join(directory, `key-${keys++}`);
      run('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', comment, '-f', file]);
      run('ssh-add', ['-q', file]);
      run('rm', [file, `${file}.pub`]);
    },
    sshAdd: (...args) => run('ssh-add', args),
  };
}
