/** The one error class of this package: something cannot be written exactly, or untrusted text is not what it claims. */

/** Stable codes of {@link FormatError}; the sentences may change. */
export type FormatErrorCode =
  | 'hex'
  | 'base64'
  | 'utf8'
  | 'json.value'
  | 'json.depth'
  | 'entry.malformed'
  | 'entry.too-large'
  | 'note.malformed'
  | 'note.too-large'
  | 'checkpoint.malformed'
  | 'cosignature.malformed'
  | 'anchor.malformed'
  | 'policy.malformed'
  | 'bundle.malformed'
  | 'bundle.version'
  | 'proof.malformed'
  | 'proof.too-large'
  | 'vkey.malformed'
  | 'vkey.weak'
  | 'payload.too-large';

/** Thrown by encoders for values they cannot write exactly and by parsers for text that is malformed. */
export class FormatError extends Error {
  override readonly name = 'FormatError';
  readonly code: FormatErrorCode;
  constructor(code: FormatErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
