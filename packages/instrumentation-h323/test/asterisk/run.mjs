#!/usr/bin/env node
/** `node packages/instrumentation-h323/test/asterisk/run.mjs`: Asterisk at our gatekeeper; get-asterisk.sh gets it. */
import { relative, resolve } from 'node:path';
import { startVitest } from 'vitest/node';

const root = resolve(import.meta.dirname, '../../../..');
const vitest = await startVitest('test', [], {
  root,
  include: [relative(root, resolve(import.meta.dirname, 'asterisk.interop.ts'))],
  reporters: ['verbose'],
  watch: false,
});
await vitest.close();
