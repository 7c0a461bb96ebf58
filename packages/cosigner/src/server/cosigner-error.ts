/** The one error class of the server side: why a witness cannot start or cannot go on. */

/** Stable codes of {@link CosignerError}; the sentences may change. */
export type CosignerErrorCode =
  /** There is no key in the folder. */
  | 'no-key'
  /** The key file is damaged. */
  | 'bad-key'
  /** A key is there already. */
  | 'key-exists'
  /** The list of logs cannot be read, or holds something else than keys of logs. */
  | 'bad-logs'
  /** What was cosigned before is not there any more, or damaged: it must not be guessed. */
  | 'state'
  /** Another witness runs on the same folder. */
  | 'in-use'
  /** The address cannot be listened on. */
  | 'listen';

/** Stops a witness. The message is one line without a full stop; the hint says what to do. */
export class CosignerError extends Error {
  override readonly name = 'CosignerError';
  readonly code: CosignerErrorCode;
  readonly hint: string | undefined;

  constructor(code: CosignerErrorCode, message: string, options: ErrorOptions & { readonly hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}
