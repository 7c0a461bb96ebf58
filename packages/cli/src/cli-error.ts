/** The one error class of this package: why a command stops, for people and for `--json`. */
import type { ExitCode } from './exit-code.js';

/** Stable codes of {@link CliError}. Errors of the packages below keep their own codes (`locked`, `vkey.malformed` …). */
export type CliErrorCode =
  /** The command line is wrong. */
  | 'usage'
  /** A file, stdin or the environment holds something that cannot be used. */
  | 'input'
  /** A file cannot be read or written. */
  | 'io'
  /** No trace, entry or key has that id. */
  | 'not-found'
  /** A trace id prefix fits several traces. */
  | 'ambiguous'
  /** The file is not an anchor that a known key of this ledger signed. */
  | 'not-an-anchor'
  /** No key is held that could check the ledger. */
  | 'no-key'
  /** The ledger file was replaced while it was read. */
  | 'replaced'
  /** The ledger is behind its remembered head, or its newest checkpoint is not what it should be. */
  | 'ledger'
  /** A witness, or an older anchor, knows more entries than there are, or other ones. */
  | 'contradicted'
  /** Too few witnesses cosigned. */
  | 'policy-unmet'
  /** What is to be imported is not what a held key signed, or no held key can tell. */
  | 'unverified'
  /** Neither the ledger nor the spool took the event. */
  | 'not-recorded'
  /** A command that was to be run failed. */
  | 'command';

/** Stops a command. The message is one line without a full stop; the hint says what to do. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly code: CliErrorCode;
  readonly hint: string | undefined;
  readonly exitCode: ExitCode;

  constructor(
    code: CliErrorCode,
    message: string,
    options: ErrorOptions & { readonly hint?: string | undefined; readonly exitCode?: ExitCode } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? 2;
  }
}

/** A mistake in the command line. */
export function usageError(message: string, hint?: string): CliError {
  return new CliError('usage', message, { hint });
}
