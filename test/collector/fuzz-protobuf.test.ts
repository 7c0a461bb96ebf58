/** Mutated protobuf requests into a real ledger: read as an independent decoder reads them, stored whole or not at all. */
import { decodeTraceRequest, encodeTraceRequest, OtlpDecodeError } from '@infrafabric/otlp';
import { test } from 'vitest';
import type { Outcome } from '../../packages/otlp/test/protobufjs-records.js';
import { ROUNDS, SEED } from './fuzz-pool.js';
import { fuzz } from './fuzz-rounds.js';
import { type Reading, readByProtobufjs, readByTheRules, readingOf, type WireDifference } from './second-reading.js';
import { mutateWire } from './wire-mutations.js';

/** Where we read something else than protobufjs, on purpose. */
const DIFFERENCES: Record<WireDifference, string> = {
  'field number 0 or beyond 29 bits': 'refused; protobufjs skips it or cuts it to 32 bits',
  'varint beyond 64 bits': 'refused; protobufjs reads 32 bits and skips the rest',
  'value past the end of its message': 'refused; protobufjs reads on into the enclosing message',
  'wire type of another type': 'refused; protobufjs reads the value as the type it expects',
  group: 'refused; protobufjs skips it',
  'embedded message given twice': 'merged; protobufjs takes the last',
  'oneof member given again': 'the last on the wire counts; protobufjs takes the one that came first last',
  'bool beyond 32 bits': 'true; protobufjs looks at 32 bits',
  'varint of six to nine bytes': 'read to its end; protobufjs takes ten bytes for anything of more than five',
  'text that is not UTF-8': 'each bad sequence is one U+FFFD; protobufjs reads surrogates and overlong forms',
  'spans of deeper values': 'the span is rejected, and what is below 64 levels not looked at; protobufjs reads it',
};

/** Our own decoder's reading. */
function read(bytes: Uint8Array): Reading {
  try {
    const { spans, rejected } = decodeTraceRequest(bytes);
    const counts = Object.fromEntries(rejected.map(({ reason, count }) => [reason, count]));
    return readingOf({ spans, rejected: counts } as Outcome);
  } catch (error) {
    if (error instanceof OtlpDecodeError) return 'refused';
    throw error;
  }
}

test(
  `${ROUNDS} mutated requests, seed ${SEED}, are read as protobufjs reads them, and the ledger holds just that`,
  {
    timeout: 300_000 + ROUNDS * 6,
  },
  () =>
    fuzz({
      encoding: 'protobuf',
      encode: (spans) => encodeTraceRequest(spans),
      mutate: mutateWire,
      print: 'hex',
      read,
      readByTheRules,
      readByProtobufjs,
      differences: DIFFERENCES,
    }),
);
