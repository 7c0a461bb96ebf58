/** What can be wrong with a datagram, or with a value that is to be encoded as one. */

/**
 * `truncated`: the octets end within a value. `value`: a value that the type does not allow. `limit`: larger than this codec
 * reads. `unsupported`: legal, but of a kind that RAS does not need (fragmented lengths).
 */
export type PerErrorCode = 'truncated' | 'value' | 'limit' | 'unsupported';

/** A datagram that cannot be decoded. It is the sender's: count it, and go on with the next. */
export class PerError extends Error {
  readonly code: PerErrorCode;

  constructor(code: PerErrorCode, message: string) {
    super(message);
    this.name = 'PerError';
    this.code = code;
  }
}
