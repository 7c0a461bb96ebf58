import { join } from 'node:path';
import { expectOrder, testService } from './service-cases.js';

testService({
  block: 'node',
  peer: undefined,
  files: { 'service.mjs': join(import.meta.dirname, 'peers/service.mjs') },
  expectSpans: expectOrder,
});
