import { goService, peerFile } from './peer-programs.js';
import { expectOrder, testService } from './service-cases.js';

testService({
  block: 'go',
  peer: goService,
  files: { service: peerFile('bin/go-service') },
  expectSpans: expectOrder,
});
