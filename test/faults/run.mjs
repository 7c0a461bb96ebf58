#!/usr/bin/env node
/**
 * `node test/faults/run.mjs [CALL…]`: a writer under strace, with an I/O error, a full disk or the end of the process at each of
 * its system calls in turn, or at those named. About a thousand runs; prints what came of them.
 */
import { join } from 'node:path';
import { startVitest } from 'vitest/node';

if (process.argv.length > 2) process.env.FAULT_CALLS = process.argv.slice(2).join(' ');

const vitest = await startVitest('test', [], {
  root: join(import.meta.dirname, '../..'),
  include: ['test/faults/all.faults.ts'],
  reporters: ['verbose'],
  watch: false,
});
await vitest.close();
