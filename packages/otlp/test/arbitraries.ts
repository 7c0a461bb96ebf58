/** Arbitrary span records for fast-check: every value shape, extreme numbers, any well-formed text. */
import fc from 'fast-check';
import type {
  AnyValue,
  EventRecord,
  KeyValue,
  LinkRecord,
  ResourceRecord,
  ScopeRecord,
  SpanRecord,
} from '../dist/index.js';

/** Plain objects, as the decoders make them. */
function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
}

const text = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('', '\u0000', '\ufffd', '\ufeffbom', 'é'.repeat(70), 'x'.repeat(128), '😀'.repeat(40), '__proto__'),
);
const uint32 = fc.oneof(fc.constantFrom(0, 1, 127, 128, 0xffffffff), fc.integer({ min: 0, max: 0xffffffff }));
const int32 = fc.oneof(fc.constantFrom(0, 1, 2, -1, 0x7fffffff, -0x80000000), fc.integer());
const uint64 = fc.oneof(
  fc.constantFrom(0n, 2n ** 53n + 1n, 2n ** 64n - 1n),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
);
const int64 = fc.oneof(
  fc.constantFrom(
    0n,
    -1n,
    2n ** 32n - 1n,
    2n ** 32n,
    -(2n ** 32n),
    -(2n ** 32n) - 1n,
    2n ** 53n + 1n,
    -(2n ** 53n) - 1n,
  ),
  fc.constantFrom(2n ** 63n - 1n, -(2n ** 63n)),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
);
const double = fc.oneof(fc.constantFrom(NaN, Infinity, -Infinity, 0, -0, 5e-324, 1e21), fc.double());
const bytes = fc.uint8Array({ maxLength: 9 });

const { attributes } = fc.letrec<{ value: AnyValue; attributes: KeyValue[] }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(text, fc.boolean(), int64, double, bytes, fc.constant(null)),
    fc.array(tie('value'), { maxLength: 3 }),
    record({ kvlist: tie('attributes') }),
  ),
  attributes: fc.array(fc.tuple(text, tie('value')), { maxLength: 3 }),
}));

function hex(length: number): fc.Arbitrary<string> {
  return fc
    .uint8Array({ minLength: length, maxLength: length })
    .filter((id) => id.some((byte) => byte !== 0))
    .map((id) => Buffer.from(id).toString('hex'));
}

const event: fc.Arbitrary<EventRecord> = record({
  timeUnixNano: uint64,
  name: text,
  attributes,
  droppedAttributesCount: uint32,
});

const link: fc.Arbitrary<LinkRecord> = record({
  traceId: fc.oneof(hex(16), fc.constantFrom('', '00', '0'.repeat(32))),
  spanId: fc.oneof(hex(8), fc.constantFrom('', 'abcd')),
  traceState: text,
  attributes,
  droppedAttributesCount: uint32,
  flags: uint32,
});

export const resources: fc.Arbitrary<ResourceRecord> = record({
  attributes,
  droppedAttributesCount: uint32,
  entityRefs: fc.array(
    record({
      schemaUrl: text,
      type: text,
      idKeys: fc.array(text, { maxLength: 2 }),
      descriptionKeys: fc.array(text, { maxLength: 2 }),
    }),
    { maxLength: 2 },
  ),
  schemaUrl: text,
});

export const scopes: fc.Arbitrary<ScopeRecord> = record({
  name: text,
  version: text,
  attributes,
  droppedAttributesCount: uint32,
  schemaUrl: text,
});

export const spans: fc.Arbitrary<SpanRecord> = record({
  traceId: hex(16),
  spanId: hex(8),
  parentSpanId: fc.oneof(fc.constant(''), hex(8)),
  traceState: text,
  flags: uint32,
  name: text,
  kind: int32,
  startUnixNano: uint64,
  endUnixNano: uint64,
  attributes,
  droppedAttributesCount: uint32,
  events: fc.array(event, { maxLength: 2 }),
  droppedEventsCount: uint32,
  links: fc.array(link, { maxLength: 2 }),
  droppedLinksCount: uint32,
  status: record({ code: int32, message: text }),
  resource: resources,
  scope: scopes,
  lossy: fc.constant([]),
});

/** Requests in which neighbours often share a resource or a scope, as the same object or as an equal one. */
export const requests: fc.Arbitrary<SpanRecord[]> = fc
  .tuple(
    fc.array(resources, { minLength: 1, maxLength: 2 }),
    fc.array(scopes, { minLength: 1, maxLength: 2 }),
    fc.array(fc.tuple(spans, fc.nat(1), fc.nat(1), fc.boolean()), { maxLength: 5 }),
  )
  .map(([someResources, someScopes, list]) =>
    list.map(([span, r, s, copy]) => {
      const resource = someResources[r % someResources.length]!;
      const scope = someScopes[s % someScopes.length]!;
      return { ...span, resource: copy ? { ...resource } : resource, scope: copy ? { ...scope } : scope };
    }),
  );
