/**
 * A walk through parsed OTLP/JSON that knows where it is: each reader takes one JSON value for one proto3 type, by the
 * proto3 JSON mapping, and refuses any other with the path to it. `null` is the field's default.
 */
import { OtlpDecodeError } from './decode-error.js';
import type { DecodeLimits } from './decode-limits.js';
import { DecodeState } from './decode-state.js';

const NOTHING: readonly unknown[] = [];

/** Reads JSON values and keeps the path to the one being read. */
export class JsonWalk {
  readonly state: DecodeState;
  private readonly path: (string | number)[] = [];

  constructor(limits: DecodeLimits) {
    this.state = new DecodeState(limits);
  }

  /** Steps into a member; every `enter` but that of a throwing walk is followed by a {@link JsonWalk.leave}. */
  enter(key: string | number): void {
    this.path.push(key);
  }

  /** Steps out of the member entered last. */
  leave(): void {
    this.path.pop();
  }

  /** The error for the value being read. */
  error(expected: string, code: 'bad_shape' | 'out_of_range' = 'bad_shape'): OtlpDecodeError {
    const path = this.path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key.slice(0, 64)}`)).join('');
    return new OtlpDecodeError(code, `$${path}: expected ${expected}`);
  }

  /** An object, or no members for null. */
  members(value: unknown): [key: string, value: unknown][] {
    if (value === null || value === undefined) return [];
    if (typeof value !== 'object' || Array.isArray(value)) throw this.error('an object');
    return Object.entries(value);
  }

  /** An array, or an empty one for null. */
  list(value: unknown): readonly unknown[] {
    if (value === null) return NOTHING;
    if (!Array.isArray(value)) throw this.error('an array');
    return value;
  }

  /** A string; a lone surrogate becomes U+FFFD and makes the current field lossy. */
  text(value: unknown): string {
    if (value === null) return '';
    if (typeof value !== 'string') throw this.error('a string');
    if (value.isWellFormed()) return value;
    this.state.markLossy();
    return value.toWellFormed();
  }

  /** A uint32, as a number or a decimal string. */
  uint32(value: unknown): number {
    const number = this.integer(value);
    if (number < 0n || number > 0xffff_ffffn) throw this.error('a uint32', 'out_of_range');
    return Number(number);
  }

  /** A uint64, as a decimal string or a number; a number beyond 2^53 makes the current field lossy. */
  uint64(value: unknown): bigint {
    const number = this.integer(value);
    if (number < 0n || number > 0xffff_ffff_ffff_ffffn) throw this.error('a uint64', 'out_of_range');
    return number;
  }

  /** An enum value, as a number or by its proto name; unknown numbers are kept. */
  enumValue(value: unknown, names: readonly string[]): number {
    if (typeof value === 'string') {
      const index = names.indexOf(value);
      if (index < 0) throw this.error(`an integer or one of ${names.join(', ')}`);
      return index;
    }
    const number = this.integer(value);
    if (BigInt.asIntN(32, number) !== number) throw this.error('an int32', 'out_of_range');
    return Number(number);
  }

  /** A decimal string or a whole number; a number beyond 2^53 makes the current field lossy. */
  integer(value: unknown): bigint {
    if (value === null) return 0n;
    if (typeof value === 'number' && Number.isInteger(value)) {
      if (!Number.isSafeInteger(value)) this.state.markLossy();
      return BigInt(value);
    }
    // Twenty digits hold any 64-bit integer; BigInt takes quadratic time on long ones.
    if (typeof value === 'string' && /^-?[0-9]{1,20}$/.test(value)) return BigInt(value);
    throw this.error('an integer, as a decimal string or a number');
  }
}
