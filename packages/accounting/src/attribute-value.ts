/** Single attribute values, read as text, as a count or as a decimal. They come from outside: any type, any length. */
import { fitText, TEXT_LIMITS } from '@infrafabric/format';
import { decimalText, integerDigits, parseDecimal } from './decimal.js';

/** An OTLP `AnyValue`: `bigint` is an int_value, `number` a double_value, `null` a value with no member set. */
export type AttributeValue =
  | string
  | boolean
  | bigint
  | number
  | Uint8Array
  | null
  | readonly AttributeValue[]
  | { readonly kvlist: readonly (readonly [key: string, value: AttributeValue])[] };

/** Attributes in the order received. */
export type Attributes = readonly (readonly [key: string, value: AttributeValue])[];

/** A value that is there but cannot be what its key claims. */
export const IMPOSSIBLE: unique symbol = Symbol('impossible');

/** Longest text that is decoded as JSON; names and ids are shorter by far, and nothing larger may cost time here. */
const MAX_JSON_CHARS = 4096;
const COUNT = /^(\d{1,16})(?:\.0{1,16})?$/;
const MAX_COUNT = BigInt(Number.MAX_SAFE_INTEGER);
/** Decimal places and integer digits of a quantity. */
const MAX_QUANTITY_DIGITS = 24;

/**
 * A text without the JSON quotes that some producers send (`"\"gpt-4o\""`). Undefined for what stands for nothing: empty
 * text, `null`, Python's `None`.
 */
export function bareText(text: string): string | undefined {
  let bare = text;
  if (text.length > 1 && text.length <= MAX_JSON_CHARS && text.startsWith('"') && text.endsWith('"')) {
    try {
      bare = JSON.parse(text) as string;
    } catch {
      // Not JSON after all: the quotes are part of the text.
    }
  }
  return bare === '' || bare === 'null' || bare === 'None' ? undefined : bare;
}

/** A name or id, cut to what an entry has room for; undefined for other types than text and int. */
export function readText(value: AttributeValue, fitting?: Fitting): string | undefined {
  if (typeof value === 'bigint') return BigInt.asIntN(64, value) === value ? String(value) : undefined;
  if (typeof value !== 'string') return undefined;
  const bare = bareText(value.slice(0, MAX_JSON_CHARS + 1))?.trim();
  return bare ? fitUsageText(bare, fitting) : undefined;
}

/** What became of the texts of one usage. */
export interface Fitting {
  /** One was cut. */
  cut: boolean;
  /** One had a lone surrogate. */
  lossy: boolean;
}

/** A text within the limit of a usage string. */
export function fitUsageText(text: string, fitting?: Fitting): string {
  // Cut roughly before the exact cut, so that many megabytes are not scanned: an octet holds no two characters.
  const fitted = fitText(text.slice(0, TEXT_LIMITS.usage + 1), TEXT_LIMITS.usage);
  if (fitting !== undefined) {
    fitting.cut ||= fitted.cut;
    fitting.lossy ||= fitted.lossy;
  }
  return fitted.text;
}

/**
 * A count 0…2^53−1 from an int, an integral double or decimal text. {@link IMPOSSIBLE} for negatives, NaN, fractions, larger
 * numbers, other text and other types; undefined for text that stands for nothing.
 */
export function readCount(value: AttributeValue): number | typeof IMPOSSIBLE | undefined {
  if (typeof value === 'bigint') return value >= 0n && value <= MAX_COUNT ? Number(value) : IMPOSSIBLE;
  // Adding 0 makes −0, which canonical JSON refuses, a plain zero.
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value + 0 : IMPOSSIBLE;
  if (typeof value !== 'string') return IMPOSSIBLE;
  const bare = bareText(value);
  if (bare === undefined) return undefined;
  const count = Number(COUNT.exec(bare)?.[1] ?? Number.NaN);
  return Number.isSafeInteger(count) ? count : IMPOSSIBLE;
}

/** An exact quantity as plain decimal text; as {@link readCount} otherwise, with at most 24 digits on each side of the point. */
export function readQuantity(value: AttributeValue): string | typeof IMPOSSIBLE | undefined {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint') return IMPOSSIBLE;
  const bare = typeof value === 'string' ? bareText(value) : String(value);
  if (bare === undefined) return undefined;
  const decimal = parseDecimal(bare);
  if (decimal === undefined || integerDigits(decimal) > MAX_QUANTITY_DIGITS) return IMPOSSIBLE;
  if (-decimal.exponent > MAX_QUANTITY_DIGITS) return IMPOSSIBLE;
  const scale = Math.max(0, -decimal.exponent);
  return decimalText(decimal.digits * 10n ** BigInt(decimal.exponent + scale), scale);
}

/** Whether a value says yes: `true`, or the text of it. */
export function readFlag(value: AttributeValue): boolean {
  return value === true || (typeof value === 'string' && bareText(value)?.toLowerCase() === 'true');
}
