/** `node test/faults/run.mjs`: every kind of fault at every system call. What comes of it is printed by class. */
import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { newDirectory } from '../attacks/ledger-files.js';
import { expectRecovered } from './expect-recovered.js';
import { everyFault } from './fault-plan.js';
import { countCalls, type Fault, runWithFault, strace } from './faulty-writer.js';

const CALLS = process.env.FAULT_CALLS?.split(' ');

test('no fault at any system call loses what was acknowledged, or leaves a ledger that is not VALID', {
  timeout: 3_600_000,
}, async (context) => {
  strace.need(context);
  const counts = await countCalls(newDirectory());
  const plan = everyFault(counts).filter(({ call }) => CALLS === undefined || CALLS.includes(call));
  console.log(`${plan.length} faults at`, Object.fromEntries(counts));
  const classes = new Map<string, number>();
  const failures: string[] = [];
  const queue = plan.values();
  const work = async (): Promise<void> => {
    for (const fault of queue) {
      const name = await outcomeOf(fault).catch((error: Error) => {
        failures.push(error.message);
        return 'FAILED';
      });
      const line = `${fault.kind.padEnd(6)} ${fault.call.padEnd(12)} ${name}`;
      classes.set(line, (classes.get(line) ?? 0) + 1);
    }
  };
  await Promise.all([work(), work()]);
  for (const [line, count] of [...classes].sort()) console.log(`${String(count).padStart(4)}  ${line}`);
  expect(failures).toEqual([]);
});

async function outcomeOf(fault: Fault): Promise<string> {
  const folder = newDirectory();
  const outcome = await runWithFault(folder, fault);
  const left = await expectRecovered(folder, fault, outcome);
  rmSync(folder, { recursive: true });
  const word = outcome.killed ? 'killed' : (outcome.failure ?? 'went on');
  return `${outcome.injected ? '' : 'not reached, '}${word}; left: ${left}`;
}
