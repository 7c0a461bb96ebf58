/** The thread of the anchorer. */
import { parentPort, workerData } from 'node:worker_threads';
import { AnchorSchedule } from '@infrafabric/cosigner/anchor';
import type { AnchorThreadData } from './anchorer.js';

const { paths, plan } = workerData as AnchorThreadData;
await new AnchorSchedule(paths, plan, (event) => parentPort!.postMessage(event)).run();
