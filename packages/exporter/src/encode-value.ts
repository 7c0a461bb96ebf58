/**
 * What applications hand to the OpenTelemetry API, as OTLP fields. Values become what the SDK's own protobuf serializer
 * makes of them; what that would drop or break on has a defined form here, or the span is refused with a reason.
 */
import { defaultDecodeLimits, type ProtoWriter } from '@infrafabric/otlp';
import type { Attributes, HrTime } from './readable-span.js';
import { RefusedSpan } from './refused-span.js';

const INT64_MIN = -(2 ** 63);
const INT64_END = 2 ** 63;
const UINT32_END = 2 ** 32;
/** uint64 nanoseconds end in the year 2554. */
const LAST_SECOND = 18_446_744_073;

/** Counts values, so that a graph of shared objects, small in memory, cannot unfold into bytes without end. */
export class ValueBudget {
  #left = defaultDecodeLimits.maxAttributes;

  take(): void {
    if (--this.#left < 0) throw new RefusedSpan('too_many_attributes');
  }
}

/** Writes attributes under `tag`, in their order. */
export function writeAttributes(writer: ProtoWriter, tag: number, attributes: Attributes, budget: ValueBudget): void {
  for (const key in attributes) {
    if (Object.hasOwn(attributes, key)) writeKeyValue(writer, tag, key, attributes[key], 1, budget);
  }
}

function writeKeyValue(
  writer: ProtoWriter,
  tag: number,
  key: string,
  value: unknown,
  depth: number,
  budget: ValueBudget,
): void {
  budget.take();
  const start = writer.open(tag);
  writeText(writer, 0x0a, key);
  writeValue(writer, 0x12, value, depth, budget);
  writer.close(start);
}

/** A value without a form of its own (null, undefined, a function) is an `AnyValue` with no member set. */
function writeValue(writer: ProtoWriter, tag: number, value: unknown, depth: number, budget: ValueBudget): void {
  if (depth > defaultDecodeLimits.maxDepth) throw new RefusedSpan('too_deep');
  const start = writer.open(tag);
  switch (typeof value) {
    case 'string':
      writer.varint(0x0a);
      writeString(writer, value);
      break;
    case 'boolean':
      writer.varint(0x10);
      writer.varint(value ? 1 : 0);
      break;
    case 'number':
      writeNumber(writer, value);
      break;
    case 'bigint':
      writeBigInt(writer, value);
      break;
    case 'object':
      if (value !== null) writeObject(writer, value, depth, budget);
  }
  writer.close(start);
}

function writeNumber(writer: ProtoWriter, value: number): void {
  if (Number.isSafeInteger(value)) {
    writer.varint(0x18);
    writer.int53(value);
  } else if (Number.isInteger(value) && value >= INT64_MIN && value < INT64_END) {
    writer.varint(0x18);
    writer.int64(BigInt(value));
  } else {
    writer.varint(0x21);
    writer.double(value);
  }
}

/** No SDK lets one through today; one beyond int64 is kept as its decimal text. */
function writeBigInt(writer: ProtoWriter, value: bigint): void {
  if (BigInt.asIntN(64, value) === value) {
    writer.varint(0x18);
    writer.int64(value);
  } else {
    writer.varint(0x0a);
    writer.string(String(value));
  }
}

function writeObject(writer: ProtoWriter, value: object, depth: number, budget: ValueBudget): void {
  if (value instanceof Uint8Array) {
    writer.varint(0x3a);
    writer.lengthDelimited(value);
  } else if (Array.isArray(value)) {
    const list = writer.open(0x2a);
    for (const element of value) {
      budget.take();
      writeValue(writer, 0x0a, element, depth + 1, budget);
    }
    writer.close(list);
  } else {
    const list = writer.open(0x32);
    for (const key of Object.keys(value)) {
      writeKeyValue(writer, 0x0a, key, (value as Attributes)[key], depth + 1, budget);
    }
    writer.close(list);
  }
}

/** A string field, left out when empty. */
export function writeText(writer: ProtoWriter, tag: number, text: unknown): void {
  if (text === '' || text === undefined || text === null) return;
  writer.varint(tag);
  writeString(writer, typeof text === 'string' ? text : String(text));
}

/** A uint32 field, left out when 0; what is no uint32 counts as 0. */
export function writeCount(writer: ProtoWriter, tag: number, count: unknown): void {
  if (typeof count !== 'number' || !(count >= 1 && count < UINT32_END)) return;
  writer.varint(tag);
  writer.varint(Math.trunc(count));
}

/** A fixed64 field of nanoseconds since the Unix epoch; a time before 1970 keeps its bits as an int64. */
export function writeTime(writer: ProtoWriter, tag: number, time: HrTime): void {
  const seconds = Math.trunc(time[0]);
  const nanos = Math.trunc(time[1]);
  if (!(seconds >= 0 && seconds < LAST_SECOND && nanos >= 0 && nanos <= 1e9)) {
    writeOddTime(writer, tag, time);
    return;
  }
  // seconds * 1e9 does not fit a double: in two halves it does.
  const lower = (seconds & 0xffff) * 1e9 + nanos;
  const upper = Math.floor(seconds / 0x1_0000) * 1e9;
  const low = (upper % 0x1_0000) * 0x1_0000 + lower;
  const high = Math.floor(upper / 0x1_0000) + Math.floor(low / UINT32_END);
  if (low === 0 && high === 0) return;
  writer.varint(tag);
  writer.fixed32(low >>> 0);
  writer.fixed32(high >>> 0);
}

function writeOddTime(writer: ProtoWriter, tag: number, [seconds, nanos]: HrTime): void {
  if (!Number.isFinite(seconds) || !Number.isFinite(nanos)) return;
  const total = BigInt(Math.trunc(seconds)) * 1_000_000_000n + BigInt(Math.trunc(nanos));
  if (total === 0n) return;
  writer.varint(tag);
  writer.fixed64(BigInt.asUintN(64, total));
}

/**
 * A length and UTF-8. A lone surrogate, which UTF-8 cannot hold, becomes the byte FF: who decodes it reads U+FFFD and knows
 * that the field is lossy, which plain U+FFFD would not tell.
 */
export function writeString(writer: ProtoWriter, text: string): void {
  if (text.isWellFormed()) writer.string(text);
  else
    writer.lengthDelimited(
      Buffer.concat(text.split(LONE_SURROGATE).flatMap((part, i) => (i === 0 ? [utf8(part)] : [FF, utf8(part)]))),
    );
}

const LONE_SURROGATE = /\p{Surrogate}/u;
const FF = Uint8Array.of(0xff);

function utf8(text: string): Uint8Array {
  return Buffer.from(text, 'utf8');
}
