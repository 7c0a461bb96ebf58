/** From the spool into the ledger: append, and only after commit remove. Dying in between leaves duplicates, which it knows. */
import type { Spool } from '@infrafabric/ledger';
import type { RequestSummary } from '@infrafabric/ledger/thread';
import { ProtoReader } from '@infrafabric/otlp';
import { concat } from './concat.js';

/** What draining needs of its owner. */
export interface Drain {
  /** @throws by rejection; then draining ends with that. */
  append(request: Uint8Array): Promise<RequestSummary>;
  /** Spans that have left the spool. */
  drained(summary: RequestSummary): void;
  /** A file that is kept under another name, because not all of it can be witnessed. */
  setAside(name: string, why: string): void;
  /** Asked before each file. */
  isStopped(): boolean;
}

/** Small files share a commit up to this size. */
const GROUP_BYTES = 1024 * 1024;

type SpoolFile = readonly [name: string, request: Uint8Array];

/** Drains what is in the spool now, oldest first. @throws what `append` or the file system throws, by rejection. */
export async function drainSpool(spool: Spool, drain: Drain): Promise<void> {
  let group: SpoolFile[] = [];
  let bytes = 0;
  for (const name of spool.list()) {
    if (drain.isStopped()) return;
    const request = spool.read(name);
    if (request === undefined) continue;
    if (!isFramed(request)) {
      spool.setAside(name);
      drain.setAside(name, 'it is not an OTLP request');
      continue;
    }
    if (bytes > 0 && bytes + request.length > GROUP_BYTES) {
      await drainFiles(spool, drain, group);
      await pause();
      group = [];
      bytes = 0;
    }
    group.push([name, request]);
    bytes += request.length;
  }
  if (group.length > 0 && !drain.isStopped()) await drainFiles(spool, drain, group);
}

/** A commit keeps the process alive; between two of them a process that has nothing else to do may end. */
function pause(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 1).unref();
  });
}

async function drainFiles(spool: Spool, drain: Drain, files: readonly SpoolFile[]): Promise<void> {
  const summary = await drain.append(concat(files.map(([, request]) => request)));
  if (summary.rejected.length > 0 && files.length > 1) {
    // Which of them? One by one; what was committed just now is recognised.
    for (const file of files) await drainFiles(spool, drain, [file]);
    return;
  }
  for (const [name] of files) {
    if (summary.rejected.length === 0) spool.remove(name);
    else {
      spool.setAside(name);
      drain.setAside(name, `spans were rejected: ${summary.rejected.map(({ reason }) => reason).join(', ')}`);
    }
  }
  drain.drained(summary);
}

/** Whether the outermost fields end where the file ends: only then can its neighbour in a group not be read as part of it. */
function isFramed(request: Uint8Array): boolean {
  const reader = new ProtoReader(request);
  try {
    while (reader.pos < reader.end) reader.skip(reader.tag());
    return request.length > 0;
  } catch {
    return false;
  }
}
