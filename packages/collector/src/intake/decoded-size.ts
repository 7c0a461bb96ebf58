/**
 * What a request would be in memory once it is decoded, told from its octets. Of thirty octets of protobuf a span takes
 * twenty times as much, and of two octets of JSON a value fifty times: the size of a body bounds nothing by itself.
 */
import { countSpans, type DecodeLimits } from '@infrafabric/otlp';
import type { TraceRequest } from './intake.js';

/** About 600 octets each. */
const MAX_SPANS = 200_000;
/** Ids and the tags around them: no span that is kept is shorter. */
const LEAST_SPAN_OCTETS = 30;
/** Brackets, commas and colons of JSON outside of its texts; what is between two of them takes 110 octets at most. */
const MAX_JSON_MARKS = 3_000_000;

/** For decoding. Values take 110 octets or so. */
export const DECODE_LIMITS: Partial<DecodeLimits> = { maxValues: 2_000_000 };

/** Why a request is too much to be decoded, whoever asks again; undefined when it is not. */
export function decodedSizeProblem({ body, encoding }: TraceRequest): string | undefined {
  if (encoding === 'json') {
    if (body.length <= MAX_JSON_MARKS || countMarks(body) <= MAX_JSON_MARKS) return undefined;
    return `the request holds more than ${MAX_JSON_MARKS} brackets, commas and colons: send fewer spans at a time`;
  }
  if (body.length <= MAX_SPANS * LEAST_SPAN_OCTETS || countSpans(body) <= MAX_SPANS) return undefined;
  return `the request holds more than ${MAX_SPANS} spans: send fewer at a time`;
}

/** Of text that may be no JSON: then it is refused later, by its parser. */
function countMarks(text: Uint8Array): number {
  let marks = 0;
  let isText = false;
  for (let i = 0; i < text.length; i++) {
    const octet = text[i]!;
    if (isText) {
      if (octet === BACKSLASH) i++;
      else if (octet === QUOTE) isText = false;
    } else if (octet === QUOTE) isText = true;
    else if (octet === COMMA || octet === COLON || octet === BRACE || octet === BRACKET) marks++;
  }
  return marks;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const BRACE = 0x7b;
