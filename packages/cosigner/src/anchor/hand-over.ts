/** Gives an anchor to any program: a mailer, `git`, `curl`. */
import { spawn } from 'node:child_process';
import { AnchorError } from './anchor-error.js';

/**
 * Runs a shell command with a text on its stdin. @param timeoutMs after which it is killed; undefined for never
 * @param output where its stdout goes; its stderr is ours
 * @throws AnchorError `command` unless it ends with 0
 */
export async function handOver(
  text: string | Uint8Array,
  command: string,
  options: { readonly timeoutMs?: number | undefined; readonly output?: 'inherit' | 'stderr' } = {},
): Promise<void> {
  const ended = await new Promise<string | undefined>((resolve) => {
    const child = spawn(command, {
      shell: true,
      stdio: ['pipe', options.output === 'stderr' ? 2 : 'inherit', 'inherit'],
      ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs, killSignal: 'SIGKILL' as const }),
    });
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) =>
      resolve(code === 0 ? undefined : signal === null ? `exit code ${code}` : signal),
    );
    // A command may well not read it to its end.
    child.stdin!.on('error', () => undefined);
    child.stdin!.end(text);
  });
  if (ended !== undefined) throw new AnchorError('command', `--exec ${command}: ${ended}`);
}
