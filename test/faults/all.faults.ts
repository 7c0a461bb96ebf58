/** `node test/faults/run.mjs`: every kind of fault at every system call. What comes of it is printed by class. */
import { expect, test } from 'vitest';
import { newDirectory } from '../attacks/ledger-files.js';
import { everyFault } from './fault-plan.js';
import { countCalls, strace } from './faulty-writer.js';
import { playFaults } from './play-faults.js';

const asked = process.env.FAULT_CALLS?.split(' ');

test('no fault at any system call loses what was acknowledged, or leaves a ledger that is not VALID', {
  timeout: 7_200_000,
}, async (context) => {
  strace.need(context);
  const counts = await countCalls(newDirectory());
  const plan = everyFault(counts).filter(({ call }) => asked === undefined || asked.includes(call));
  expect(plan.length, `calls are ${[...counts.keys()].join(', ')}`).toBeGreaterThan(0);
  console.log(`${plan.length} faults at`, Object.fromEntries(counts));
  const { classes, failures, missed } = await playFaults(plan);
  for (const [line, count] of classes) console.log(`${String(count).padStart(4)}  ${line}`);
  console.log(`${plan.length} faults, ${missed} of them not reached, ${failures.length} failures`);
  expect(failures).toEqual([]);
});
