/** The second thread of {@link verifyFile}: opens the file for itself, says which state it sees, then does its part of the work. */
import { parentPort, workerData } from 'node:worker_threads';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { carryOut, type Work, type WorkFindings } from './verify-part.js';

/** @internal What the first thread says. */
export type ToThread = { readonly type: 'open' } | { readonly type: 'judge'; readonly work: Work };

/** @internal What the second thread answers. */
export type FromThread =
  | { readonly type: 'opened'; readonly note: Uint8Array | undefined }
  | { readonly type: 'judged'; readonly findings: WorkFindings };

const port = parentPort!;
const { path } = workerData as { readonly path: string };
let reader: LedgerReader | undefined;

port.on('message', (message: ToThread) => {
  if (message.type === 'open') {
    reader?.close();
    reader = LedgerReader.open(path);
    answer({ type: 'opened', note: reader.newestNote() });
  } else {
    answer({ type: 'judged', findings: carryOut(reader!, message.work, true) });
    reader!.close();
    port.close();
  }
});

function answer(message: FromThread): void {
  port.postMessage(message);
}
