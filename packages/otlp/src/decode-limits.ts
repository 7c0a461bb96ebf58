/** How much one request and one span may hold. The size of the request itself is its receiver's limit, not ours. */

/** No limit may allow deeper values: encoders and decoders recurse once per level. */
export const MAX_VALUE_DEPTH = 256;

/** Limits of the request decoders, protobuf and JSON alike. */
export interface DecodeLimits {
  /** Levels of nested attribute values, the attribute's own value being level 1; at most {@link MAX_VALUE_DEPTH}. */
  readonly maxDepth: number;
  /** Attributes of one span, its events and links, and the values nested in them, together; likewise one resource or scope. */
  readonly maxAttributes: number;
  readonly maxEvents: number;
  readonly maxLinks: number;
  /**
   * Attributes, nested values, events and links of the whole request. It bounds memory (an empty attribute takes two bytes
   * in a request and about seventy in memory), so exceeding it refuses the request.
   */
  readonly maxValues: number;
}

/** Used where a caller names no limit. */
export const defaultDecodeLimits: DecodeLimits = Object.freeze({
  maxDepth: 64,
  maxAttributes: 100_000,
  maxEvents: 100_000,
  maxLinks: 100_000,
  maxValues: 4_000_000,
});

/** For bytes that an encoder of this package wrote: only what recursion needs. */
export const ownBytesLimits: DecodeLimits = Object.freeze({
  maxDepth: MAX_VALUE_DEPTH,
  maxAttributes: Infinity,
  maxEvents: Infinity,
  maxLinks: Infinity,
  maxValues: Infinity,
});

/** The defaults with `limits` over them. Throws RangeError for a limit that is not a whole number in range. */
export function resolveDecodeLimits(limits: Partial<DecodeLimits> = {}): DecodeLimits {
  const resolved = { ...defaultDecodeLimits, ...limits };
  for (const [name, value] of Object.entries(resolved)) {
    const most = name === 'maxDepth' ? MAX_VALUE_DEPTH : Infinity;
    if (!(name in defaultDecodeLimits)) throw new RangeError(`${name} is not a decode limit`);
    if (value !== Infinity && !Number.isSafeInteger(value)) throw new RangeError(`${name} must be a whole number`);
    if (value < 0 || value > most) throw new RangeError(`${name} must be between 0 and ${most}`);
  }
  return resolved;
}
