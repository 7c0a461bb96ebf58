/** Plays a plan of faults, two at a time, and says what came of it. */
import { rmSync } from 'node:fs';
import { expect } from 'vitest';
import { newDirectory } from '../attacks/ledger-files.js';
import { expectRecovered } from './expect-recovered.js';
import { type Fault, runWithFault } from './faulty-writer.js';

/** How a plan ended. */
export interface Played {
  /** How often each thing happened: kind and call, what the writer said, what it left. */
  readonly classes: ReadonlyMap<string, number>;
  /** What did not hold. */
  readonly failures: readonly string[];
  /** How many faults were not reached. */
  readonly missed: number;
}

/** Plays each fault on a home of its own. */
export async function playFaults(plan: readonly Fault[]): Promise<Played> {
  const classes = new Map<string, number>();
  const failures: string[] = [];
  let missed = 0;
  const queue = plan.values();
  const play = async (): Promise<void> => {
    for (const fault of queue) {
      const { kind, call, nth } = fault;
      const folder = newDirectory();
      let what = 'FAILED';
      try {
        const outcome = await runWithFault(folder, fault);
        if (!outcome.injected) missed++;
        // Reading and writing are also how the writer is told to begin and says what it did.
        if (!/^(read|write)$/.test(call))
          expect(outcome.failure ?? 'io', 'the error is the ledger’s').toMatch(/^[a-z.-]+$/);
        const left = await expectRecovered(folder, fault, outcome);
        const ended = outcome.failure ?? (outcome.opened ? 'went on' : 'never began');
        what = `${outcome.killed ? 'killed' : ended}; left: ${left}`;
        rmSync(folder, { recursive: true });
      } catch (error) {
        failures.push(`${kind} at ${call} number ${nth}: ${(error as Error).message}`);
      }
      const line = `${kind.padEnd(6)}  ${call.padEnd(12)}  ${what}`;
      classes.set(line, (classes.get(line) ?? 0) + 1);
    }
  };
  await Promise.all([play(), play()]);
  return { classes: new Map([...classes].sort()), failures, missed };
}
