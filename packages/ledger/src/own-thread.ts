/** Worker threads in which nothing of the application runs: neither its `--import` hooks nor those that NODE_OPTIONS names. */
import { type ResourceLimits, Worker } from 'node:worker_threads';

/** Starts a thread that does not keep the process alive. @param data what it finds in `workerData`. */
export function startOwnThread(module: URL, name: string, data: unknown, resourceLimits?: ResourceLimits): Worker {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const worker = new Worker(module, {
    workerData: data,
    execArgv: [],
    env,
    name,
    ...(resourceLimits === undefined ? {} : { resourceLimits }),
  });
  worker.unref();
  return worker;
}
