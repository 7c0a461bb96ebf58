/** RFC 8785 of an event's payload: what its hash is taken of, the same in every language and for every reader. */

import type { JsonValue, Payload } from '@infrafabric/events';
import { encodeString } from '@infrafabric/format';

/**
 * Canonical JSON of a payload. Ledger entries hold no fractions, negatives and nulls; payloads may, and are written as
 * RFC 8785 §3.2.2.3 says. Members that are undefined are left out, a lone surrogate becomes U+FFFD, a number that JSON
 * has not is null.
 */
export function canonicalPayload(payload: Payload): string {
  return encode(payload);
}

function encode(value: JsonValue): string {
  if (typeof value === 'string') return encodeString(value.isWellFormed() ? value : value.toWellFormed());
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (isList(value)) return `[${value.map(encode).join(',')}]`;
  let text = '';
  for (const key of Object.keys(value).sort()) {
    const member = value[key];
    if (member !== undefined) text += `${text === '' ? '' : ','}${encodeString(key.toWellFormed())}:${encode(member)}`;
  }
  return `{${text}}`;
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
