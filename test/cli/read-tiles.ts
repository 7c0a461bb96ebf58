/** A tlog-tiles directory, read and recomputed from its bundles without any of our own code. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

const sha256 = (...parts: (Buffer | Uint8Array)[]): Buffer =>
  createHash('sha256').update(Buffer.concat(parts)).digest();

/** MTH of RFC 6962 §2.1 over hashes of leaves. */
function treeHash(hashes: readonly Buffer[]): Buffer {
  if (hashes.length === 0) return sha256();
  if (hashes.length === 1) return hashes[0]!;
  let k = 1;
  while (2 * k < hashes.length) k *= 2;
  return sha256(Buffer.of(1), treeHash(hashes.slice(0, k)), treeHash(hashes.slice(k)));
}

function pathOf(level: string, index: number, width: number): string {
  const groups = [String(index % 1000).padStart(3, '0')];
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000))
    groups.unshift(`x${String(rest % 1000).padStart(3, '0')}`);
  return `tile/${level}/${groups.join('/')}${width < 256 ? `.p/${width}` : ''}`;
}

/** What a directory holds. */
export interface ReadTiles {
  readonly note: string;
  readonly size: number;
  readonly entries: readonly string[];
  /** Files that the checkpoint does not ask for. */
  readonly others: readonly string[];
}

/** Reads all that the checkpoint asks for. @throws Error where a file is missing, or differs from what the bundles give. */
export function readTiles(directory: string): ReadTiles {
  const note = readFileSync(join(directory, 'checkpoint'), 'utf8');
  const [, decimal, root] = note.split('\n');
  const size = Number(decimal);
  const asked = new Set(['checkpoint']);
  const read = (path: string): Buffer => {
    asked.add(path);
    return readFileSync(join(directory, path));
  };
  const entries: Buffer[] = [];
  for (let first = 0; first < size; first += 256) {
    const width = Math.min(256, size - first);
    const path = pathOf('entries', first / 256, width);
    const bundle = read(path);
    let at = 0;
    for (let i = 0; i < width; i++) {
      const end = at + 2 + bundle.readUInt16BE(at);
      entries.push(bundle.subarray(at + 2, end));
      at = end;
    }
    if (at !== bundle.length) throw new Error(`${path} has ${bundle.length - at} octets too many`);
  }
  const leaves = entries.map((entry) => sha256(Buffer.of(0), entry));
  if (treeHash(leaves).toString('base64') !== root) throw new Error('the bundles do not give the root');
  for (let level = 0, row = leaves; row.length > 0; level++) {
    const above: Buffer[] = [];
    for (let first = 0; first < row.length; first += 256) {
      const hashes = row.slice(first, first + 256);
      const path = pathOf(String(level), first / 256, hashes.length);
      if (!read(path).equals(Buffer.concat(hashes))) throw new Error(`${path} does not hold the hashes of the bundles`);
      if (hashes.length === 256) above.push(treeHash(hashes));
    }
    row = above;
  }
  const there = (readdirSync(directory, { recursive: true }) as string[]).filter(
    (path) => !statSync(join(directory, path)).isDirectory(),
  );
  return {
    note,
    size,
    entries: entries.map(String),
    others: there.map((path) => relative('.', path)).filter((path) => !asked.has(path)),
  };
}
