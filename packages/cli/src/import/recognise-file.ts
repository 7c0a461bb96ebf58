/** What a file is, by its first octets and, of JSON, by its first members. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { CliError, usageError } from '../cli-error.js';

/** What `import` can take. */
export type SourceKind = 'ledger' | 'json-export' | 'bundle';

const LOOKED_AT = 4_096;
const SQLITE = 'SQLite format 3\0';

/** @throws CliError `io`, `usage` with the command that takes such a file, where one does. */
export function recogniseFile(file: string): SourceKind {
  const start = startOf(file);
  if (start.startsWith(SQLITE)) return 'ledger';
  if (start.startsWith('{"bundle":"')) return 'bundle';
  const trimmed = start.replace(/^\ufeff/, '').trimStart();
  if (/^\{\s*"ledger"\s*:/.test(trimmed)) return 'json-export';
  if (/"resource_?[sS]pans"/.test(trimmed)) {
    throw usageError(
      `${file} holds OpenTelemetry spans, not entries of a ledger`,
      'if-witness ingest takes OTLP files: its spans become new entries',
    );
  }
  if (trimmed.startsWith('seq,hash,type,'))
    throw usageError(`${file} is a CSV export, which lacks most of a ledger`, 'export it once more with --format json');
  throw usageError(
    `${file} is neither a ledger nor an export of one`,
    'import takes a ledger file, or what if-witness export writes with --format json or bundle',
  );
}

function startOf(file: string): string {
  try {
    if (!statSync(file).isFile()) throw new Error('not a regular file');
    const fd = openSync(file, 'r');
    try {
      const octets = Buffer.alloc(LOOKED_AT);
      return octets.toString('utf8', 0, readSync(fd, octets, 0, LOOKED_AT, 0));
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    throw new CliError('io', `${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
}
