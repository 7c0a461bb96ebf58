/** Attributes and their values out of OTLP/JSON. */
import { parseBase64 } from './base64.js';
import type { JsonWalk } from './json-walk.js';
import type { AnyValue, KeyValue } from './span-record.js';

/** Reads an array of `KeyValue`, in its order. */
export function parseAttributes(walk: JsonWalk, value: unknown): KeyValue[] {
  return parseKeyValues(walk, value, 1);
}

function parseKeyValues(walk: JsonWalk, json: unknown, depth: number): KeyValue[] {
  const list: KeyValue[] = [];
  walk.list(json).forEach((element, i) => {
    if (!walk.state.countAttribute()) return;
    walk.enter(i);
    if (element === null) throw walk.error('an object');
    let key = '';
    let value: AnyValue = null;
    for (const [name, member] of walk.members(element)) {
      walk.enter(name);
      if (name === 'key') key = walk.text(member);
      else if (name === 'value') value = parseAnyValue(walk, member, depth);
      else walk.state.markUnknown();
      walk.leave();
    }
    walk.leave();
    list.push([key, value]);
  });
  return list;
}

function parseAnyValue(walk: JsonWalk, json: unknown, depth: number): AnyValue {
  if (!walk.state.allowDepth(depth)) return null;
  let value: AnyValue | undefined;
  for (const [name, member] of walk.members(json)) {
    walk.enter(name);
    const read = parseMember(walk, name, member, depth);
    if (read !== undefined) {
      if (value !== undefined) throw walk.error('one member of AnyValue, not two');
      value = read;
    }
    walk.leave();
  }
  return value ?? null;
}

/** One member of the oneof; `undefined` when it sets nothing. */
function parseMember(walk: JsonWalk, name: string, json: unknown, depth: number): AnyValue | undefined {
  switch (name) {
    case 'stringValue':
    case 'string_value':
      return json === null ? undefined : walk.text(json);
    case 'boolValue':
    case 'bool_value':
      if (json === null) return undefined;
      if (typeof json !== 'boolean') throw walk.error('true or false');
      return json;
    case 'intValue':
    case 'int_value':
      return json === null ? undefined : parseInt64(walk, json);
    case 'doubleValue':
    case 'double_value':
      return parseDouble(walk, json);
    case 'arrayValue':
    case 'array_value':
      return json === null ? undefined : parseArray(walk, json, depth + 1);
    case 'kvlistValue':
    case 'kvlist_value':
      return json === null ? undefined : parseKvlist(walk, json, depth + 1);
    case 'bytesValue':
    case 'bytes_value':
      return json === null ? undefined : parseBytes(walk, json);
    default:
      walk.state.markUnknown();
      return undefined;
  }
}

/**
 * An integer outside int64 is refused as a string but kept as a double when it is a number: the JS SDK writes every whole
 * double as `intValue` in JSON, and as `double_value` in protobuf where it does not fit.
 */
function parseInt64(walk: JsonWalk, json: unknown): AnyValue {
  const integer = walk.integer(json);
  if (BigInt.asIntN(64, integer) === integer) return integer;
  if (typeof json === 'number') return json;
  throw walk.error('an int64', 'out_of_range');
}

/** `null` sets nothing but is lossy: it is what `JSON.stringify`, and so the JS SDK, makes of NaN and the infinities. */
function parseDouble(walk: JsonWalk, json: unknown): AnyValue | undefined {
  if (json === null) {
    walk.state.markLossy();
    return undefined;
  }
  if (json === 'NaN') return NaN;
  if (json === 'Infinity') return Infinity;
  if (json === '-Infinity') return -Infinity;
  const isNumeral = typeof json === 'string' && /^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$/.test(json);
  if (typeof json !== 'number' && !isNumeral) throw walk.error('a number, "NaN", "Infinity" or "-Infinity"');
  const number = Number(json);
  // A numeral beyond the doubles, such as 1e999.
  if (!Number.isFinite(number)) walk.state.markLossy();
  return number;
}

function parseArray(walk: JsonWalk, json: unknown, depth: number): AnyValue {
  const values: AnyValue[] = [];
  for (const [name, member] of walk.members(json)) {
    walk.enter(name);
    if (name !== 'values') walk.state.markUnknown();
    else {
      walk.list(member).forEach((element, i) => {
        if (!walk.state.countAttribute()) return;
        walk.enter(i);
        if (element === null) throw walk.error('an object');
        values.push(parseAnyValue(walk, element, depth));
        walk.leave();
      });
    }
    walk.leave();
  }
  return values;
}

function parseKvlist(walk: JsonWalk, json: unknown, depth: number): AnyValue {
  let kvlist: KeyValue[] = [];
  for (const [name, member] of walk.members(json)) {
    walk.enter(name);
    if (name === 'values') kvlist = parseKeyValues(walk, member, depth);
    else walk.state.markUnknown();
    walk.leave();
  }
  return { kvlist };
}

function parseBytes(walk: JsonWalk, json: unknown): Uint8Array {
  const bytes = typeof json === 'string' ? parseBase64(json) : undefined;
  if (bytes === undefined) throw walk.error('base64');
  return bytes;
}
