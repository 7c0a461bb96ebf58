/** Arbitrary canonical values, span bodies and envelopes for fast-check: every member, any well-formed text. */
import fc from 'fast-check';
import type { CanonicalObject, CanonicalValue, Charge, Envelope, Rated, SpanBody, Usage } from '../dist/index.js';

/** Well-formed text with everything that JSON escapes, that UTF-16 sorts unlike UTF-8, or that JavaScript treats apart. */
export const text: fc.Arbitrary<string> = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom(
    '',
    '\0',
    '\b\t\n\f\r\x1f\x7f',
    '"\\/',
    '\u2028\u2029',
    '\ufeff',
    '\ufffd',
    '\ue000',
    '\u{1f600}',
    '__proto__',
    '10',
    '9',
  ),
);

export const integer: fc.Arbitrary<number> = fc.oneof(
  fc.constantFrom(0, 1, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER),
  fc.maxSafeNat(),
);

/** What canonical JSON of an entry may hold. */
export const { value: canonicalValue, object: canonicalObject } = fc.letrec<{
  value: CanonicalValue;
  object: CanonicalObject;
}>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(text, integer, fc.boolean()),
    fc.array(tie('value'), { maxLength: 4 }),
    tie('object'),
  ),
  object: fc.dictionary(text, tie('value'), { maxKeys: 5, noNullPrototype: true }),
}));

function hex(octets: number): fc.Arbitrary<string> {
  return fc.uint8Array({ minLength: octets, maxLength: octets }).map((bytes) => Buffer.from(bytes).toString('hex'));
}

/** A record whose members beyond `required` may be absent. */
function record<T>(
  model: { [K in keyof T]-?: fc.Arbitrary<NonNullable<T[K]>> },
  requiredKeys: (keyof T)[],
): fc.Arbitrary<T> {
  return fc.record(model, { requiredKeys, noNullPrototype: true } as object) as unknown as fc.Arbitrary<T>;
}

const hash = hex(32);
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);
const texts = fc.dictionary(text, text, { maxKeys: 4, noNullPrototype: true });
const counts = fc.dictionary(text, integer, { maxKeys: 4, noNullPrototype: true });
const names = fc.array(text, { maxLength: 3 });

const usage = record<Usage>(
  {
    keys: texts,
    marks: names,
    model: text,
    operation: text,
    provider: text,
    raw: counts,
    response: text,
    scope: text,
    table: text,
    tokens: counts,
    units: texts,
  },
  [],
);

const rated = record<Rated>(
  {
    card: text,
    cost: uint64,
    lines: fc.array(
      fc.record(
        { class: text, cost: uint64, per: fc.constantFrom('1', '1000000'), quantity: uint64, rate: text },
        { noNullPrototype: true },
      ),
      { maxLength: 3 },
    ),
    match: text,
    model: text,
    sha256: hash,
    tier: text,
  },
  ['card', 'cost', 'lines', 'match', 'model', 'sha256'],
);

const charge = record<Charge>(
  {
    cost: uint64,
    currency: text,
    key: text,
    rated,
    source: fc.constantFrom('reported', 'computed', 'estimated', 'unpriced'),
  },
  ['source'],
);

/** Span bodies in which any optional member may be there. */
export const spanBody: fc.Arbitrary<SpanBody> = record<SpanBody>(
  {
    business: text,
    business_parent: text,
    charge,
    component: text,
    conflict: integer,
    cut: names,
    end: uint64,
    event: text,
    kind: integer,
    lossy: names,
    parent: hex(8),
    service: text,
    span: hex(8),
    start: uint64,
    status: integer,
    trace: hex(16),
    usage,
  },
  ['end', 'event', 'kind', 'span', 'start', 'status', 'trace'],
);

/** Envelopes in which any optional member may be there. */
export const envelope: fc.Arbitrary<Envelope> = record<Envelope>(
  {
    at: uint64,
    checkpoint: hash,
    clock: fc.constant('backwards'),
    critical: fc.constant(true),
    payload: hash,
    prev: hash,
    seq: integer,
    type: fc.stringMatching(/^[a-z0-9-]{1,32}$/),
  },
  ['at', 'prev', 'seq', 'type'],
);
