import { join } from 'node:path';
import { python } from './peer-programs.js';
import { expectOrder, testService } from './service-cases.js';

testService({
  block: 'python',
  peer: python,
  files: { 'service.py': join(import.meta.dirname, 'peers/service.py') },
  expectSpans: expectOrder,
});
