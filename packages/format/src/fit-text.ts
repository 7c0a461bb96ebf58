/** Text that fits: every string of an entry has an octet limit after JSON escaping, so that their sum cannot pass 65,535. */
import { encodeString } from './canonical-json.js';

/** Octet limits, after JSON escaping and without the quotes, of the strings in a span body. */
export const TEXT_LIMITS: {
  readonly business: number;
  readonly business_parent: number;
  readonly component: number;
  readonly event: number;
  readonly service: number;
  readonly usage: number;
} = {
  business: 4096,
  business_parent: 4096,
  component: 1024,
  event: 8192,
  service: 1024,
  /** Each of model, provider, operation, response, scope, and each attribute key. */
  usage: 512,
};

/** A text within its limit. */
export interface FittedText {
  readonly text: string;
  /** It was cut, at a scalar boundary. */
  readonly cut: boolean;
  /** A lone surrogate became U+FFFD. */
  readonly lossy: boolean;
}

/** The longest prefix of `text` that takes at most `limitOctets` of UTF-8 once JSON-escaped. */
export function fitText(text: string, limitOctets: number): FittedText {
  const lossy = !text.isWellFormed();
  const whole = lossy ? text.toWellFormed() : text;
  // Six octets a UTF-16 unit (\u0000) is the most that escaping makes.
  if (whole.length * 6 <= limitOctets) return { text: whole, cut: false, lossy };
  let octets = 0;
  let end = 0;
  for (const scalar of whole) {
    octets += octetsOf(scalar);
    if (octets > limitOctets) return { text: whole.slice(0, end), cut: true, lossy };
    end += scalar.length;
  }
  return { text: whole, cut: false, lossy };
}

function octetsOf(scalar: string): number {
  const code = scalar.codePointAt(0)!;
  if (code < 0x80) return code >= 0x20 && code !== 0x22 && code !== 0x5c ? 1 : encodeString(scalar).length - 2;
  return code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}
