/**
 * Programs from elsewhere that a test compares us with. Where one is absent its tests are skipped by name; with
 * REQUIRE_PEERS=1, as `.ci/run` sets it, they fail instead, so that a missing peer cannot pass unseen.
 */
import { spawnSync } from 'node:child_process';

/** What a test hands over: vitest's test context has it. */
interface Skippable {
  skip(note?: string): never;
}

export interface Peer {
  readonly name: string;
  readonly present: boolean;
  /** First line that the command printed; empty when absent. */
  readonly version: string;
  /** Call first in a test that needs the peer: returns when it is there, else skips the test or fails it. */
  need(context: Skippable): void;
}

/**
 * Looks for a peer by running it once.
 * @param command harmless, ends by itself with exit code 0, e.g. `['openssl', 'version']`
 */
export function peer(name: string, command: readonly [string, ...string[]]): Peer {
  const [program, ...args] = command;
  const run = spawnSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 20_000 });
  const present = run.status === 0;
  const version = present ? (`${run.stdout}${run.stderr}`.trim().split('\n')[0] ?? '') : '';
  return {
    name,
    present,
    version,
    need(context) {
      if (present) return;
      const note = `${name} is not there (\`${command.join(' ')}\` did not succeed)`;
      if (process.env.REQUIRE_PEERS === '1') throw new Error(`${note}, and REQUIRE_PEERS=1 asks for it`);
      context.skip(note);
    },
  };
}
