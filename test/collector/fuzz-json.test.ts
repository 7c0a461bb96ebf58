/** Mutated OTLP/JSON requests into a real ledger: read as a second reader reads them, stored whole or not at all. */
import { OtlpDecodeError, parseTraceRequestJson, renderTraceRequestJson } from '@infrafabric/otlp';
import { test } from 'vitest';
import type { Outcome } from '../../packages/otlp/test/protobufjs-records.js';
import { ROUNDS, SEED } from './fuzz-pool.js';
import { fuzz } from './fuzz-rounds.js';
import { mutateJson } from './json-mutations.js';
import { type JsonDifference, readJsonByProtobufjs, readJsonByTheRules } from './json-reading.js';
import { type Reading, readingOf } from './second-reading.js';

/** Where we read something else than protobufjs, on purpose. */
const DIFFERENCES: Record<JsonDifference, string> = {
  'value of another type': 'refused with its path; protobufjs makes of it what JavaScript does, or the default',
  'number out of range': 'refused; protobufjs cuts it to its bits',
  'integer beyond int64':
    'as a JSON number it is a double, which the JS SDK writes so; protobufjs takes the nearest int64',
  'name in snake_case': 'read, as the proto3 JSON mapping asks; protobufjs does not know it',
  'two members of an AnyValue': 'refused; protobufjs keeps one of them',
  'lone surrogate': 'is U+FFFD; protobufjs writes it as three octets of no UTF-8',
  'base64 that is not standard': 'URL-safe and unpadded is read, anything else refused; protobufjs reads what it can',
  'id that is not hex': 'its span is rejected; Buffer reads what it can',
  'spans of deeper values': 'the span is rejected, and what is below 64 levels not looked at; protobufjs reads it',
};

/** Our own parser's reading. */
function read(body: Uint8Array): Reading {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    const { spans, rejected } = parseTraceRequestJson(text);
    const counts = Object.fromEntries(rejected.map(({ reason, count }) => [reason, count]));
    return readingOf({ spans, rejected: counts } as Outcome);
  } catch (error) {
    if (error instanceof OtlpDecodeError || (error as { code?: string }).code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
      return 'refused';
    throw error;
  }
}

test(
  `${ROUNDS} mutated requests, seed ${SEED}, are read as the second reader reads them, and the ledger holds just that`,
  {
    timeout: 300_000 + ROUNDS * 6,
  },
  () =>
    fuzz({
      encoding: 'json',
      encode: (spans) => renderTraceRequestJson(spans),
      mutate: mutateJson,
      print: 'latin1',
      read,
      readByTheRules: readJsonByTheRules,
      readByProtobufjs: readJsonByProtobufjs,
      differences: DIFFERENCES,
    }),
);
