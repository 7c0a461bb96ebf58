/**
 * The last moments of a process, for as many pipelines as there are with one pair of listeners. An event loop that runs dry
 * is given work again until everything is committed; `process.exit` waits for nobody, so there memory goes to the spool.
 */

/** What is to be done then. Neither may throw. */
export interface LastWork {
  /** The event loop ran dry: send what is buffered. */
  flush(): void;
  /** The process exits: write down, synchronously, what is not committed. */
  spill(): void;
}

const open = new Set<LastWork>();

/** Calls `work` at the end of the process, unless the returned function was called before. */
export function atExit(work: LastWork): () => void {
  if (open.size === 0) process.on('beforeExit', flushAll).on('exit', spillAll);
  open.add(work);
  return () => {
    if (open.delete(work) && open.size === 0) process.off('beforeExit', flushAll).off('exit', spillAll);
  };
}

/** Of every exporter and processor in this process: writes to the spool what is not committed. */
export function spillAll(): void {
  for (const work of open) work.spill();
}

function flushAll(): void {
  for (const work of open) work.flush();
}
