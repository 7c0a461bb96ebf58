/** The worker's side: hashes slots of shared memory in the order in which they are named. */
import { parentPort } from 'node:worker_threads';
import { sha256Hex } from '@infrafabric/format';
import type { HashReply, HashRequest } from './worker-hasher.js';

const PAGE_WORDS = 1_024;

let memory: SharedArrayBuffer | undefined;

parentPort?.on('message', (request: HashRequest) => {
  if ('memory' in request) {
    memory = request.memory;
    touch(memory);
    return;
  }
  const bytes = new Uint8Array(memory!, request.offset, request.octets);
  parentPort?.postMessage({ id: request.id, sha256: sha256Hex(bytes) } satisfies HashReply);
});

/** Has the system map each page now and here, not while the sending thread copies its first frames. Changes no octet. */
function touch(fresh: SharedArrayBuffer): void {
  const words = new Int32Array(fresh);
  for (let at = 0; at < words.length; at += PAGE_WORDS) Atomics.or(words, at, 0);
}
