/** The one error class of anchoring: why there is no anchor, or why one must not be made. */

/** Stable codes of {@link AnchorError}; the sentences may change. */
export type AnchorErrorCode =
  /** No key is held that could check the checkpoint. */
  | 'no-key'
  /** The newest checkpoint is not what it should be, or the ledger is behind its remembered head. */
  | 'ledger'
  /** An older anchor, or a witness, knows more entries than there are, or other ones. `evidence` holds the notes. */
  | 'contradicted'
  /** The program that gets the anchor failed. */
  | 'command'
  /** A folder or file cannot be read or written. */
  | 'io'
  /** Too few witnesses cosigned. */
  | 'policy-unmet';

/** The message is one line without a full stop; the hint says what to do. */
export class AnchorError extends Error {
  override readonly name = 'AnchorError';
  readonly code: AnchorErrorCode;
  readonly hint: string | undefined;
  /** Checkpoint notes that contradict each other: keep both, they are the proof. */
  readonly evidence: readonly string[];

  constructor(
    code: AnchorErrorCode,
    message: string,
    options: ErrorOptions & { readonly hint?: string | undefined; readonly evidence?: readonly string[] } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.evidence = options.evidence ?? [];
  }
}
