/**
 * A ledger as a C2SP tlog-tiles directory: a new one, or one that an earlier export wrote, which is continued. All that is
 * written is hashed, and must give the root that the newest checkpoint names; its signature is not checked here.
 */
import { type ParsedCheckpoint, partialWidth, TILE_WIDTH, tilePath } from '@infrafabric/format';
import type { LedgerReader } from '@infrafabric/ledger/reader';
import { readNote } from '@infrafabric/verify';
import { CliError, usageError } from '../cli-error.js';
import { TileDirectory } from './tile-directory.js';
import { TileWriter } from './tile-writer.js';

/** What an export of tiles did. */
export interface WrittenTiles {
  readonly origin: string;
  /** Entries that the directory's checkpoint covers now. */
  readonly size: number;
  /** Those of them that it did not cover before. */
  readonly added: number;
  /** Tiles and bundles written. */
  readonly files: number;
}

/** How far it is: entries are written, then files are made durable. */
export type OnTiles = (stage: 'entries' | 'files', done: number, all: number) => void;

/** @throws CliError `usage` (no such directory, another ledger's), `ledger` (exit code 1), `io`. */
export function writeTiles(reader: LedgerReader, path: string, onTiles: OnTiles): WrittenTiles {
  const note = reader.newestNote();
  const newest = note === undefined ? undefined : checkpointOf(note);
  if (note === undefined || newest === undefined) throw notExportable(`there is no checkpoint in ${reader.path}`);
  const directory = new TileDirectory(path);
  try {
    const before = checkpointBefore(directory, path, newest);
    const from = before?.size ?? 0;
    const writer = new TileWriter(reader, directory, from);
    if (before !== undefined && writer.rootHex() !== before.rootHex) {
      const message = `${path} holds another history of this ledger: the roots of the first ${from} entries differ`;
      throw contradicted(message, 'keep the directory as evidence');
    }
    let bundles = 0;
    writer.add(newest.size, () => onTiles('entries', ++bundles * TILE_WIDTH, newest.size - from));
    if (writer.rootHex() !== newest.rootHex) {
      throw notExportable('the entries do not give the root that the newest checkpoint names');
    }
    writer.end();
    let durable = 0;
    directory.commit(note, () => onTiles('files', ++durable, writer.files));
    removePartials(directory, from, newest.size);
    return { origin: newest.origin, size: newest.size, added: newest.size - from, files: writer.files };
  } finally {
    directory.close();
  }
}

/** Where the directory ends; that must be in this ledger's past. */
function checkpointBefore(
  directory: TileDirectory,
  path: string,
  newest: ParsedCheckpoint,
): ParsedCheckpoint | undefined {
  if (directory.checkpoint === undefined) return undefined;
  const before = checkpointOf(directory.checkpoint);
  if (before === undefined) throw usageError(`the checkpoint in ${path} is not one`, 'name a new directory');
  if (before.origin !== newest.origin) {
    throw usageError(`${path} holds the tiles of ${before.origin}, not of ${newest.origin}`, 'name another directory');
  }
  if (before.size > newest.size) {
    const message = `the ledger has ${newest.size} entries, the tiles in ${path} have ${before.size}`;
    throw contradicted(message, 'it was cut, or an older copy was put back: keep the directory as evidence');
  }
  for (const file of lastFiles(before.size)) {
    if (!directory.has(file)) {
      throw usageError(`${path} should hold ${before.size} entries, but ${file} is missing`, 'name a new directory');
    }
  }
  return before;
}

/** The last tile of each level, and the last bundle. */
function* lastFiles(size: number): Generator<string> {
  for (let level = 0; TILE_WIDTH ** level <= size; level++) {
    const last = Math.floor((Math.floor(size / TILE_WIDTH ** level) - 1) / TILE_WIDTH);
    const width = partialWidth(level, size) || TILE_WIDTH;
    yield tilePath(level, last, width);
    if (level === 0) yield tilePath('entries', last, width);
  }
}

/** A log may delete partial tiles once the full one is there; who still asks for one takes that. */
function removePartials(directory: TileDirectory, before: number, size: number): void {
  for (let level = 0; TILE_WIDTH ** level <= before; level++) {
    const index = Math.floor(before / TILE_WIDTH ** (level + 1));
    if (partialWidth(level, before) === 0 || size < (index + 1) * TILE_WIDTH ** (level + 1)) continue;
    directory.remove(`${tilePath(level, index)}.p`);
    if (level === 0) directory.remove(`${tilePath('entries', index)}.p`);
  }
}

function checkpointOf(note: Uint8Array): ParsedCheckpoint | undefined {
  const read = readNote(note);
  return read.ok ? read.checkpoint : undefined;
}

function notExportable(message: string): CliError {
  return new CliError('ledger', message, { hint: 'run if-witness verify', exitCode: 1 });
}

function contradicted(message: string, hint: string): CliError {
  return new CliError('ledger', message, { hint: `${hint}, and run if-witness verify`, exitCode: 1 });
}
