/** Files that only their owner may read, written so that a crash leaves either the old file or the new one. */
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Creates a directory, and its parents, with mode 0700. */
export function makePrivateDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
}

/**
 * Writes a file of mode 0600: temporary name, fsync, rename, fsync of the directory.
 * `exclusive`: fails with EEXIST on a file that is there already.
 */
export function writePrivateFile(path: string, data: string | Uint8Array, options: { exclusive?: boolean } = {}): void {
  const target = options.exclusive === true ? path : `${path}.${process.pid}.tmp`;
  const fd = openSync(target, options.exclusive === true ? 'wx' : 'w', 0o600);
  try {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
    fsyncSync(fd);
  } catch (error) {
    unlinkSync(target);
    throw error;
  } finally {
    closeSync(fd);
  }
  if (target !== path) renameSync(target, path);
  syncDirectory(dirname(path));
}

/** Makes renames and unlinks in a directory durable. */
export function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
