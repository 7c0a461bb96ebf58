/** Single values of an event, checked. `what` names the flag or member in messages: `--cost`, `cost`. */
import { decimalUsd, parsePicoUsd } from '@infrafabric/accounting';
import {
  WITNESS_COMPONENT,
  WITNESS_COST_USD,
  WITNESS_PAYLOAD,
  WITNESS_TRACE_ID,
  WITNESS_TRACE_PARENT_ID,
} from '@infrafabric/semconv';
import { usageError } from '../cli-error.js';
import { parseUnixNano } from './time-text.js';
import type { PartialEvent, WitnessEvent } from './witness-event.js';

/** Kinds of span, by name. */
export const KINDS: Readonly<Record<string, number>> = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 };

/** Status codes, by name. */
export const STATUSES: Readonly<Record<string, number>> = { unset: 0, ok: 1, error: 2 };

/** The attribute keys that carry what a flag says. */
export const USAGE_KEYS: Readonly<Record<'tokensIn' | 'tokensOut' | 'model' | 'provider', string>> = {
  tokensIn: 'gen_ai.usage.input_tokens',
  tokensOut: 'gen_ai.usage.output_tokens',
  model: 'gen_ai.response.model',
  provider: 'gen_ai.provider.name',
};

const OWN_KEYS: Readonly<Record<string, string>> = {
  [WITNESS_TRACE_ID]: '--trace-id',
  [WITNESS_TRACE_PARENT_ID]: '--parent-trace-id',
  [WITNESS_COMPONENT]: '--component',
  [WITNESS_PAYLOAD]: '--payload',
  [WITNESS_COST_USD]: '--cost',
  [USAGE_KEYS.tokensIn]: '--tokens-in',
  [USAGE_KEYS.tokensOut]: '--tokens-out',
  [USAGE_KEYS.model]: '--model',
  [USAGE_KEYS.provider]: '--provider',
};

/** Text that must not be empty. */
export function requireText(text: string | undefined, what: string): string {
  if (text === undefined) throw usageError(`${what} is missing`);
  if (text === '') throw usageError(`${what} is empty`, 'a variable may be unset in the script that calls this');
  return text;
}

/** A whole number 0…2^53−1. */
export function parseCount(text: string, what: string): number {
  const count = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(count)) throw usageError(`${what} must be a whole number of 0 or more, not ${quote(text)}`);
  return count;
}

/** Exact decimal US dollars. */
export function parseCost(text: string, what: string): string {
  try {
    return decimalUsd(parsePicoUsd(text));
  } catch (error) {
    throw usageError(`${what}: ${(error as Error).message}`);
  }
}

/** Nanoseconds since the Unix epoch. */
export function parseTime(text: string, what: string): bigint {
  const nanos = parseUnixNano(text);
  if (nanos === undefined) {
    throw usageError(
      `${what} is not a time: ${quote(text)}`,
      'write RFC 3339 with an offset (2025-11-11T10:00:00.5Z) or Unix seconds, milliseconds, microseconds or nanoseconds',
    );
  }
  return nanos;
}

/** The number of a name. */
export function parseName(text: string, names: Readonly<Record<string, number>>, what: string): number {
  const number = Object.hasOwn(names, text) ? names[text] : undefined;
  if (number === undefined) throw usageError(`${what} is one of ${Object.keys(names).join(', ')}, not ${quote(text)}`);
  return number;
}

/** A span of more than this would not fit what verifiers read. */
export const MAX_PAYLOAD_CHARS: number = 16 * 1024 * 1024;

/** Valid JSON text, as it is. */
export function requireJson(text: string, what: string): string {
  if (text.length > MAX_PAYLOAD_CHARS) {
    throw usageError(
      `${what} has ${text.length} characters, more than ${MAX_PAYLOAD_CHARS}`,
      'keep it elsewhere and log its SHA-256',
    );
  }
  try {
    JSON.parse(text);
  } catch (error) {
    throw usageError(
      `${what} is not JSON: ${(error as Error).message}`,
      `quote it for the shell: ${what} '{"frame": 42}'`,
    );
  }
  return text;
}

/** A key for a further attribute: not empty, not one that a flag sets, not one of `taken`. */
export function requireFreeKey(key: string, taken: ReadonlySet<string>, what: string): string {
  if (key === '') throw usageError(`${what} has an empty key`);
  const own = Object.hasOwn(OWN_KEYS, key) ? OWN_KEYS[key] : undefined;
  if (own !== undefined) throw usageError(`${what} cannot set ${key}`, `use ${own}`);
  if (taken.has(key)) throw usageError(`${what} sets ${quote(key)} twice`);
  return key;
}

/** The whole event, if nothing is missing. `nameOf` says how a member is called where the event came from. */
export function completeEvent(event: PartialEvent, nameOf: (member: 'event' | 'component') => string): WitnessEvent {
  const { startUnixNano: start, endUnixNano: end } = event;
  if (start !== undefined && end !== undefined && end < start) throw usageError('the end is before the start');
  return {
    ...event,
    event: requireText(event.event, nameOf('event')),
    component: requireText(event.component, nameOf('component')),
  };
}

function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
