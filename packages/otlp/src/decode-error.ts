/** The one error of this package's decoders. */

/**
 * Why bytes or text could not be read:
 * - `truncated`: a length or value runs past the end of its message
 * - `bad_varint`: a varint of more than 64 bits
 * - `bad_tag`: field number 0 or above 2^29-1, a group, or a wire type that does not exist
 * - `wrong_wire_type`: a field of the schema written with another wire type
 * - `bad_json`: the text is not JSON
 * - `bad_shape`: JSON of another shape than OTLP's; the message holds the path
 * - `out_of_range`: a JSON number outside its field's type; the message holds the path
 * - `too_many_values`: the request holds more than `maxValues` values
 * - `bad_span`: `decodeSpan` was given a span that a request would have had rejected
 * - `not_canonical`: `decodeResourceContext`, `decodeScopeContext` or `assembleTraceRequest` was given bytes that the
 *   encoders of this package do not write
 */
export type OtlpDecodeErrorCode =
  | 'truncated'
  | 'bad_varint'
  | 'bad_tag'
  | 'wrong_wire_type'
  | 'bad_json'
  | 'bad_shape'
  | 'out_of_range'
  | 'too_many_values'
  | 'bad_span'
  | 'not_canonical';

/** The input is no OTLP trace request. Permanent: the same bytes fail again, so answer 400 and never retry. */
export class OtlpDecodeError extends Error {
  override readonly name = 'OtlpDecodeError';
  readonly code: OtlpDecodeErrorCode;

  constructor(code: OtlpDecodeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
