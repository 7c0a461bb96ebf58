/**
 * Attack matrix: disk full, I/O error, end of the process at the system calls of a writer. Some of what run.mjs does with all of
 * them: at the first, the middle and the last call of each name.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { newDirectory } from '../attacks/ledger-files.js';
import { someFaults } from './fault-plan.js';
import { countCalls, type Fault, strace } from './faulty-writer.js';
import { playFaults } from './play-faults.js';

describe('a fault at a system call', () => {
  let plan: Fault[];

  beforeAll(async () => {
    if (strace.present) plan = someFaults(await countCalls(newDirectory()));
  });

  test('that creates a ledger, commits or remembers the head loses nothing that was acknowledged', {
    timeout: 600_000,
  }, async (context) => {
    strace.need(context);
    // Key, ledger, log and head are written by these.
    const calls = new Set(plan.map(({ call }) => call));
    for (const call of ['pwrite64', 'write', 'fsync', 'openat', 'mkdir', 'rename']) expect(calls).toContain(call);
    const { classes, failures, missed } = await playFaults(plan);
    console.log(`${plan.length} faults:\n${[...classes].map(([line, count]) => `${count}  ${line}`).join('\n')}`);
    expect(failures).toEqual([]);
    // A run differs from the one in which calls were counted by a few, where threads interfere.
    expect(missed).toBeLessThan(plan.length / 10);
    expect(classes.size).toBeGreaterThan(20);
  });
});
