/** Runs a command as the shell would: its stdin, stdout and stderr are ours. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/** How a command ended. */
export interface Ended {
  /** Its own; 128 + n after signal n; 127 when it was not found, 126 when it could not be started. */
  readonly exitCode: number;
  readonly durationNanos: bigint;
  /** The signal that ended it, or why it did not start, in words. */
  readonly fault: string | undefined;
}

/** Signals that a terminal or supervisor sends. A terminal's reach the command by themselves; we only outlive them. */
const FROM_TERMINAL = ['SIGINT', 'SIGQUIT'] as const;
const HANDED_ON = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;

/** Runs a command with variables added to our environment. Never throws. */
export function runCommand(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ended> {
  const start = process.hrtime.bigint();
  return new Promise((resolve) => {
    const child = spawn(args[0]!, args.slice(1), { stdio: 'inherit', env: { ...process.env, ...env } });
    const ignore = (): void => undefined;
    const handOn = (signal: NodeJS.Signals): void => void child.kill(signal);
    for (const signal of FROM_TERMINAL) process.on(signal, ignore);
    for (const signal of HANDED_ON) process.on(signal, handOn);
    const end = (exitCode: number, fault?: string): void => {
      for (const signal of FROM_TERMINAL) process.off(signal, ignore);
      for (const signal of HANDED_ON) process.off(signal, handOn);
      resolve({ exitCode, durationNanos: process.hrtime.bigint() - start, fault });
    };
    child.on('error', (error: NodeJS.ErrnoException) => end(error.code === 'ENOENT' ? 127 : 126, error.message));
    child.on('exit', (code, signal) => {
      if (signal === null) end(code ?? 0);
      else end(128 + constants.signals[signal], `ended by ${signal}`);
    });
  });
}
