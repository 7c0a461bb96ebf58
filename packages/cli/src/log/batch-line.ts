/** One line of `log --batch`: a JSON object whose members are named as the flags, with underscores. */
import type { AnyValue, KeyValue } from '@infrafabric/otlp';
import { usageError } from '../cli-error.js';
import {
  completeEvent,
  KINDS,
  parseCost,
  parseCount,
  parseName,
  parseTime,
  requireFreeKey,
  requireText,
  STATUSES,
} from './event-values.js';
import { jsonMembers } from './json-members.js';
import type { PartialEvent, WitnessEvent } from './witness-event.js';

type Fill = { -readonly [Member in keyof PartialEvent]: PartialEvent[Member] };

/** What each member of a line does; `raw` is its JSON text. */
const MEMBERS: Readonly<Record<string, (event: Fill, raw: string, what: string) => void>> = {
  event: (event, raw, what) => {
    event.event = requireText(textOf(raw, what), what);
  },
  component: (event, raw, what) => {
    event.component = requireText(textOf(raw, what), what);
  },
  trace_id: (event, raw, what) => {
    event.businessId = requireText(textOf(raw, what), what);
  },
  parent_trace_id: (event, raw, what) => {
    event.parentBusinessId = requireText(textOf(raw, what), what);
  },
  payload: (event, raw) => {
    event.payload = raw;
  },
  tokens_in: (event, raw, what) => {
    event.tokensIn = parseCount(textOrNumber(raw, what), what);
  },
  tokens_out: (event, raw, what) => {
    event.tokensOut = parseCount(textOrNumber(raw, what), what);
  },
  cost: (event, raw, what) => {
    event.costUsd = parseCost(textOrNumber(raw, what), what);
  },
  model: (event, raw, what) => {
    event.model = requireText(textOf(raw, what), what);
  },
  provider: (event, raw, what) => {
    event.provider = requireText(textOf(raw, what), what);
  },
  start: (event, raw, what) => {
    event.startUnixNano = parseTime(textOrNumber(raw, what), what);
  },
  end: (event, raw, what) => {
    event.endUnixNano = parseTime(textOrNumber(raw, what), what);
  },
  kind: (event, raw, what) => {
    event.kind = parseName(textOf(raw, what), KINDS, what);
  },
  status: (event, raw, what) => {
    event.status = { code: parseName(textOf(raw, what), STATUSES, what), message: event.status?.message ?? '' };
  },
  status_message: (event, raw, what) => {
    event.status = { code: event.status?.code ?? 0, message: textOf(raw, what) };
  },
  attributes: (event, raw, what) => {
    event.attributes = attributesOf(raw, what);
  },
};

/** The event of a line; `defaults` stand in for members that it lacks. A member that is null is not there. @throws CliError `usage`. */
export function parseBatchLine(line: string, defaults: PartialEvent): WitnessEvent {
  const event: Fill = { ...defaults };
  for (const [name, raw] of membersOf(line)) {
    const fill = Object.hasOwn(MEMBERS, name) ? MEMBERS[name] : undefined;
    if (fill === undefined) {
      throw usageError(`there is no member ${JSON.stringify(name)}`, `members are ${Object.keys(MEMBERS).join(', ')}`);
    }
    if (raw !== 'null') fill(event, raw, name);
  }
  return completeEvent(event, (member) => member);
}

function membersOf(line: string): Map<string, string> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new SyntaxError('it is no object');
    return jsonMembers(line);
  } catch (error) {
    throw usageError(`not a JSON object: ${(error as Error).message}`);
  }
}

function textOf(raw: string, what: string): string {
  if (!raw.startsWith('"')) throw usageError(`${what} must be text`);
  return JSON.parse(raw) as string;
}

/** The digits of a number as they were written: a double would not have them all. */
function textOrNumber(raw: string, what: string): string {
  if (raw.startsWith('"')) return JSON.parse(raw) as string;
  if (!/^[-\d]/.test(raw)) throw usageError(`${what} must be a number or text`);
  return raw;
}

function attributesOf(raw: string, what: string): KeyValue[] {
  if (!raw.startsWith('{')) throw usageError(`${what} must be an object`);
  const keys = new Set<string>();
  return [...jsonMembers(raw)].map(([key, value]) => {
    keys.add(requireFreeKey(key, keys, what));
    return [key, anyValueOf(JSON.parse(value), key)];
  });
}

function anyValueOf(value: unknown, key: string): AnyValue {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  if (typeof value === 'number') {
    if (!Number.isInteger(value)) return value;
    if (!Number.isSafeInteger(value)) throw usageError(`attribute ${key}: ${value} is beyond 2^53`, 'write it as text');
    return BigInt(value);
  }
  if (Array.isArray(value)) return value.map((item) => anyValueOf(item, key));
  return { kvlist: Object.entries(value as object).map(([name, member]) => [name, anyValueOf(member, key)] as const) };
}
