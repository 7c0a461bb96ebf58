/**
 * A second reading of OTLP/JSON: a walk driven by protobufjs' description of the schema, by the proto3 JSON mapping with
 * OTLP's exceptions (hex ids, integers for enums), that hands protobufjs a message to encode; and what protobufjs makes of
 * the same JSON by itself. Syntax is left to JSON.parse in both.
 */
import { isUtf8 } from 'node:buffer';
import protobuf, { type Field, type Type } from 'protobufjs';
import { messageType } from '../../packages/otlp/test/otlp-proto.js';
import { decodeWithProtobufjs } from '../../packages/otlp/test/protobufjs-records.js';
import { Malformed, nestedType } from '../../packages/otlp/test/wire-reference.js';
import { MAX_DEPTH, type Reading, readingOf } from './second-reading.js';

/** Where protobufjs reads something else than we do on purpose. */
export type JsonDifference =
  | 'value of another type'
  | 'number out of range'
  | 'integer beyond int64'
  | 'name in snake_case'
  | 'two members of an AnyValue'
  | 'lone surrogate'
  | 'base64 that is not standard'
  | 'id that is not hex'
  | 'spans of deeper values';

type Members = Record<string, unknown>;

const REQUEST = messageType('ExportTraceServiceRequest');
const IDS = new Set(['traceId', 'spanId', 'parentSpanId']);
/** Stands for an id that is no hex: no id has this length. */
const NO_ID = Uint8Array.of(255);
/** Lists that are read under both spellings of their name; elsewhere the last counts. */
const JOINED = new Set(['resourceSpans', 'scopeSpans']);

/** The fields of a message by both spellings of their names. */
const tables = new Map<Type, ReadonlyMap<string, Field>>();

function fieldsOf(type: Type): ReadonlyMap<string, Field> {
  let table = tables.get(type);
  if (table === undefined) {
    const pairs = type.fieldsArray.map((field) => [field.name, field.resolve()] as const);
    table = new Map([
      ...pairs.map(([name, field]) => [protobuf.util.camelCase(name), field] as const),
      ...pairs.map(([name, field]) => [name.replaceAll(/[A-Z]/g, (c) => `_${c.toLowerCase()}`), field] as const),
    ]);
    tables.set(type, table);
  }
  return table;
}

/** By the rules. `seen` collects where protobufjs would differ. */
export function readJsonByTheRules(body: Uint8Array, seen: Set<JsonDifference>): Reading {
  try {
    return new Walk(seen).read(body);
  } catch (error) {
    if (error instanceof Malformed) return 'refused';
    throw error;
  }
}

function parse(body: Uint8Array): unknown {
  if (!isUtf8(body)) throw new Malformed('not UTF-8');
  const text = Buffer.from(body).toString();
  try {
    return JSON.parse(text.startsWith('\ufeff') ? text.slice(1) : text);
  } catch {
    throw new Malformed('not JSON');
  }
}

class Walk {
  readonly #seen: Set<JsonDifference>;
  readonly #rejected: Record<string, number> = {};
  /** Why the span, or the resource or scope, that is being read cannot be kept. */
  #rejection: string | undefined;

  constructor(seen: Set<JsonDifference>) {
    this.#seen = seen;
  }

  read(body: Uint8Array): Reading {
    const json = parse(body);
    if (json === null) throw this.#malformed();
    const request = this.#message(REQUEST, json, 0);
    const resourceSpans = (request.resourceSpans ?? []) as Members[];
    const bytes = REQUEST.encode(REQUEST.fromObject({ resourceSpans })).finish();
    const { spans, rejected } = decodeWithProtobufjs(bytes);
    const all = { ...rejected };
    for (const [reason, count] of Object.entries(this.#rejected)) all[reason] = (all[reason] ?? 0) + count;
    return readingOf({ spans, rejected: all });
  }

  #malformed(difference: JsonDifference = 'value of another type'): Malformed {
    this.#seen.add(difference);
    return new Malformed(difference);
  }

  #reject(reason: string, difference: JsonDifference): void {
    this.#seen.add(difference);
    this.#rejection ??= reason;
  }

  #message(type: Type, json: unknown, level: number): Members {
    if (json === null) return {};
    if (typeof json !== 'object' || Array.isArray(json)) throw this.#malformed();
    if (['ResourceSpans', 'ScopeSpans', 'Span'].includes(type.name)) return this.#holder(type, json as Members, level);
    return this.#members(type, Object.entries(json), level);
  }

  /** What holds spans is read for itself first: if it cannot be kept, no span in it is. */
  #holder(type: Type, json: Members, level: number): Members {
    const outer = this.#rejection;
    this.#rejection = undefined;
    const isInner = ([name]: [string, unknown]): boolean => {
      const nested = fieldsOf(type).get(name);
      return nested !== undefined && ['ScopeSpans', 'Span'].includes(nestedType(nested)?.name ?? '');
    };
    const entries = Object.entries(json);
    const own = this.#members(
      type,
      entries.filter((entry) => !isInner(entry)),
      level,
    );
    this.#rejection = outer ?? this.#rejection;
    const inner = this.#members(type, entries.filter(isInner), level);
    const rejection = this.#rejection;
    this.#rejection = outer;
    if (type.name !== 'Span' || rejection === undefined) return { ...own, ...inner };
    this.#rejected[rejection] = (this.#rejected[rejection] ?? 0) + 1;
    return { isRejected: true };
  }

  #members(type: Type, entries: readonly (readonly [string, unknown])[], level: number): Members {
    const members: Members = {};
    for (const [name, json] of entries) {
      const field = fieldsOf(type).get(name);
      // The schema has none there, but the JS SDK writes one: it is read like the one that counts.
      if (type.name === 'Resource' && /^schema(Url|_url)$/.test(name)) this.#text(json);
      if (field === undefined) continue;
      if (name !== field.name) this.#seen.add('name in snake_case');
      if (field.partOf !== null && json === null) continue;
      const [key, value] = this.#field(type, field, json, level);
      if (field.partOf !== null && Object.keys(members).length > 0) throw this.#malformed('two members of an AnyValue');
      const before = JOINED.has(key) ? ((members[key] as unknown[] | undefined) ?? []) : [];
      members[key] = JOINED.has(key) ? [...before, ...(value as unknown[])] : value;
    }
    if (type.name === 'Link' && [members.traceId, members.spanId].includes(NO_ID))
      this.#reject('link_id', 'id that is not hex');
    return members;
  }

  #field(type: Type, field: Field, json: unknown, level: number): [name: string, value: unknown] {
    if (field.repeated) {
      if (json !== null && !Array.isArray(json)) throw this.#malformed();
      const values = ((json ?? []) as unknown[]).map((element) => {
        if (element === null) throw this.#malformed();
        return this.#value(field, element, level);
      });
      return [field.name, values.filter((value) => (value as Members).isRejected !== true)];
    }
    if (type.name === 'AnyValue' && field.name === 'intValue') {
      const integer = this.#integer(json);
      if (BigInt.asIntN(64, integer) === integer) return ['intValue', String(integer)];
      if (typeof json !== 'number') throw this.#malformed('number out of range');
      // As the JS SDK writes a whole double in JSON.
      this.#seen.add('integer beyond int64');
      return ['doubleValue', json];
    }
    return [field.name, this.#value(field, json, level)];
  }

  #value(field: Field, json: unknown, level: number): unknown {
    const nested = nestedType(field);
    if (nested?.name === 'AnyValue') {
      if (level < MAX_DEPTH) return this.#message(nested, json, level + 1);
      this.#reject('too_deep', 'spans of deeper values');
      return {};
    }
    if (nested !== undefined) return this.#message(nested, json, level);
    if (field.resolvedType !== null) return this.#enum(field, json);
    switch (field.type) {
      case 'string':
        return this.#text(json);
      case 'bool':
        if (typeof json !== 'boolean') throw this.#malformed();
        return json;
      case 'uint32':
      case 'fixed32':
        return Number(this.#within(this.#integer(json), 0n, 2n ** 32n - 1n));
      case 'fixed64':
        return String(this.#within(this.#integer(json), 0n, 2n ** 64n - 1n));
      case 'double':
        return this.#double(json);
      default:
        return IDS.has(field.name) ? this.#id(json) : this.#base64(json);
    }
  }

  #text(json: unknown): string {
    if (json === null) return '';
    if (typeof json !== 'string') throw this.#malformed();
    if (!json.isWellFormed()) this.#seen.add('lone surrogate');
    return json.toWellFormed();
  }

  #enum(field: Field, json: unknown): number {
    const { values } = field.resolvedType as protobuf.Enum;
    if (typeof json !== 'string') return Number(this.#within(this.#integer(json), -(2n ** 31n), 2n ** 31n - 1n));
    if (!Object.hasOwn(values, json)) throw this.#malformed();
    return values[json]!;
  }

  #integer(json: unknown): bigint {
    if (json === null) return 0n;
    const isWhole =
      typeof json === 'number' ? Number.isInteger(json) : typeof json === 'string' && /^-?\d{1,20}$/.test(json);
    if (!isWhole) throw this.#malformed();
    return BigInt(json as number | string);
  }

  #within(value: bigint, least: bigint, most: bigint): bigint {
    if (value < least || value > most) throw this.#malformed('number out of range');
    return value;
  }

  #double(json: unknown): number {
    if (typeof json === 'number') return json;
    if (typeof json !== 'string' || !/^(NaN|-?Infinity|-?\d+(\.\d+)?([eE][-+]?\d+)?)$/.test(json))
      throw this.#malformed();
    return Number(json);
  }

  #id(json: unknown): Uint8Array {
    if (json === null) return new Uint8Array();
    if (typeof json !== 'string') throw this.#malformed();
    if (/^([0-9a-f]{2})*$/i.test(json)) return Buffer.from(json, 'hex');
    this.#seen.add('id that is not hex');
    return NO_ID;
  }

  #base64(json: unknown): Uint8Array {
    const [, digits, padding] = (typeof json === 'string' && /^([\w+/-]*)(={0,2})$/.exec(json)) || [];
    if (digits === undefined || digits.length % 4 === 1) throw this.#malformed('base64 that is not standard');
    if (padding !== '' && (digits.length + padding!.length) % 4 !== 0)
      throw this.#malformed('base64 that is not standard');
    if (/[-_]/.test(digits) || (digits.length + padding!.length) % 4 !== 0)
      this.#seen.add('base64 that is not standard');
    return Buffer.from(digits, 'base64');
  }
}

/** As protobufjs alone reads it, but for the ids, which it would take for base64. */
export function readJsonByProtobufjs(body: Uint8Array): Reading {
  try {
    return readingOf(
      decodeWithProtobufjs(REQUEST.encode(REQUEST.fromObject(withBytesAsIds(parse(body)) as Members)).finish()),
    );
  } catch {
    return 'refused';
  }
}

function withBytesAsIds(json: unknown, level = 0): unknown {
  // Nothing that is nested deeper holds an id.
  if (typeof json !== 'object' || json === null || level > 20) return json;
  if (Array.isArray(json)) return json.map((element) => withBytesAsIds(element, level + 1));
  return Object.fromEntries(
    Object.entries(json).map(([name, value]) => [
      name,
      IDS.has(name) && typeof value === 'string' ? Buffer.from(value, 'hex') : withBytesAsIds(value, level + 1),
    ]),
  );
}
