/** The one error class of this package. Tampering found by the judge is an answer; tampering found by the writer is a refusal. */

/** Stable codes of {@link LedgerError}; the sentences may change. */
export type LedgerErrorCode =
  /** Another process holds the write lock; try again. */
  | 'locked'
  /** The file or file system cannot be written. */
  | 'readonly'
  /** The disk or quota is full; free space, then try again. */
  | 'full'
  /** The file is missing or was replaced while open. */
  | 'gone'
  /** SQLite says that the file is damaged or is no database. */
  | 'corrupt'
  /** The operating system failed a read or write; whether the batch is stored is unknown. */
  | 'io'
  /** The file is a database but not a ledger of this version. */
  | 'schema'
  /** The SQLite in use has a bug that can lose committed data. */
  | 'sqlite-version'
  /** The native module of better-sqlite3 is missing, or was built for another version of Node. */
  | 'sqlite-build'
  /** The private key of this ledger is not in the witness home. */
  | 'key.missing'
  /** A key file is damaged or belongs to another ledger. */
  | 'key.invalid'
  /** The newest checkpoint does not fit the stored entries, tree or key: do not sign on top of it. */
  | 'tampered'
  /** The file is older than, or differs from, the remembered head. */
  | 'behind-head'
  /** A redaction entry that breaks a rule of redactions, and would make the ledger invalid. */
  | 'redaction'
  /** The file holds entries already, where an import needs one without. */
  | 'not-fresh'
  /** The signer failed or answered something else than a signature; it may work later. */
  | 'signer'
  /** `IF_WITNESS_SIGNER` does not say which signer, or which of its keys. */
  | 'signer.unknown'
  /** The ledger or its thread was closed. */
  | 'closed';

/** Why the ledger could not do it, with advice. */
export class LedgerError extends Error {
  override readonly name = 'LedgerError';
  readonly code: LedgerErrorCode;
  /** One sentence that says what to do. */
  readonly hint: string | undefined;

  constructor(code: LedgerErrorCode, message: string, options?: ErrorOptions & { readonly hint?: string | undefined }) {
    super(message, options);
    this.code = code;
    this.hint = options?.hint;
  }
}

/** Codes after which the same call may succeed later without anybody mending the ledger itself. */
export function isRetryable(error: unknown): boolean {
  return error instanceof LedgerError && ['locked', 'readonly', 'full', 'gone', 'io', 'signer'].includes(error.code);
}

/** Translates what SQLite or the operating system threw; anything else passes unchanged. */
export function ledgerErrorOf(error: unknown, path: string): unknown {
  if (error instanceof LedgerError || !(error instanceof Error)) return error;
  const code = (error as { code?: unknown }).code;
  if (typeof code !== 'string') return error;
  const known = translate(code);
  return known === undefined
    ? error
    : new LedgerError(known.code, `${known.what}: ${path}`, { cause: error, hint: known.hint });
}

function translate(code: string): { code: LedgerErrorCode; what: string; hint: string } | undefined {
  if (/^SQLITE_(BUSY|LOCKED|PROTOCOL)/.test(code)) {
    return { code: 'locked', what: 'the ledger is locked by another process', hint: 'try again, or raise --timeout' };
  }
  if (/^(SQLITE_FULL|SQLITE_IOERR_SHMSIZE|ENOSPC|EDQUOT)/.test(code)) {
    return {
      code: 'full',
      what: 'no space left for the ledger',
      hint: 'free disk space; nothing of the ledger is lost',
    };
  }
  if (/^(SQLITE_READONLY_DBMOVED|ENOENT)/.test(code)) {
    return { code: 'gone', what: 'the ledger file is gone', hint: 'put the file back, or name another with --ledger' };
  }
  if (/^(SQLITE_READONLY|SQLITE_PERM|SQLITE_AUTH|EACCES|EROFS|EPERM)/.test(code)) {
    return {
      code: 'readonly',
      what: 'the ledger cannot be written',
      hint: 'check owner and mode of the file and its directory',
    };
  }
  if (/^(SQLITE_CANTOPEN|EEXIST|ENOTDIR|EISDIR|ELOOP|ENAMETOOLONG)/.test(code)) {
    return { code: 'gone', what: 'the ledger cannot be opened', hint: 'check that the path exists and may be read' };
  }
  // Statements read nothing that a ledger may not hold: a value that is too big is one that a damaged file claims to have.
  if (/^SQLITE_(CORRUPT|NOTADB|TOOBIG|MISMATCH)/.test(code)) {
    return {
      code: 'corrupt',
      what: 'the file is damaged or is not a ledger',
      hint: 'run if-witness verify, then restore a copy',
    };
  }
  // Statements are fixed and rows are made here, so where SQLite refuses one it is the file that is not what it should be.
  if (/^SQLITE_CONSTRAINT/.test(code)) {
    return {
      code: 'tampered',
      what: 'the ledger holds rows where the next ones belong',
      hint: 'run if-witness verify; nothing was written',
    };
  }
  if (code === 'SQLITE_ERROR') {
    return {
      code: 'corrupt',
      what: 'the file is not laid out as a ledger',
      hint: 'run if-witness verify, then restore a copy',
    };
  }
  if (/^(SQLITE_IOERR|EIO|SQLITE_NOMEM)/.test(code)) {
    return { code: 'io', what: 'reading or writing the ledger failed', hint: 'check the disk, then try again' };
  }
  if (/^(EMFILE|ENFILE)$/.test(code)) {
    return { code: 'io', what: 'too many files are open', hint: 'close some or raise the limit, then try again' };
  }
  return undefined;
}
