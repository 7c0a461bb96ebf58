/** Span records that the golden vectors are made of. What a test needs of a span, and a little of everything OTLP has. */

const START = 1_767_323_045_000_000_000n;

const resource = {
  attributes: [
    ['service.name', 'voice-gateway'],
    ['host.cpu.count', 2n],
  ],
  droppedAttributesCount: 0,
  entityRefs: [{ schemaUrl: '', type: 'service', idKeys: ['service.name'], descriptionKeys: [] }],
  schemaUrl: 'https://opentelemetry.io/schemas/1.37.0',
};
const scope = {
  name: 'demo.instrumentation',
  version: '1.2.3',
  attributes: [['scope.attribute', true]],
  droppedAttributesCount: 0,
  schemaUrl: '',
};
const nothing = {
  resource: { attributes: [], droppedAttributesCount: 0, entityRefs: [], schemaUrl: '' },
  scope: { name: '', version: '', attributes: [], droppedAttributesCount: 0, schemaUrl: '' },
};

/** A record with every member that is not named at its default. */
function span(id, members) {
  return {
    traceId: '5b8efff798038103d269b633813fc60c',
    spanId: id.toString(16).padStart(16, '0'),
    parentSpanId: '',
    traceState: '',
    flags: 0,
    name: 'span',
    kind: 1,
    startUnixNano: START,
    endUnixNano: START + 250_000_000n,
    attributes: [],
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    status: { code: 0, message: '' },
    resource,
    scope,
    lossy: [],
    ...members,
  };
}

/** An event of the witness command line: business trace id, component, payload, a cost that the caller states. */
export const call = span(1, {
  name: 'call_established',
  kind: 3,
  attributes: [
    ['witness.trace.id', 'session-flow-001'],
    ['witness.trace.parent_id', 'user-request-123'],
    ['witness.component', 'IF.witness.sip'],
    ['witness.payload', '{"call":"42@example.org","prompt":"a six-digit number: 493817"}'],
    ['gen_ai.request.model', 'claude-haiku-4.5'],
    ['gen_ai.usage.input_tokens', 100n],
    ['gen_ai.usage.output_tokens', 50n],
    ['witness.cost.usd', '0.0005'],
  ],
});

/** The same ids with other content. */
export const otherCall = { ...call, status: { code: 2, message: 'busy' } };

/** Its child, with everything that a span of OTLP can have. */
export const child = span(2, {
  parentSpanId: call.spanId,
  traceState: 'vendor=value',
  flags: 0x101,
  name: 'chat',
  kind: 3,
  endUnixNano: START + 9_007_199_254_740_993n,
  attributes: [
    ['gen_ai.provider.name', 'anthropic'],
    ['gen_ai.response.model', 'claude-sonnet-4.5'],
    ['gen_ai.operation.name', 'chat'],
    ['gen_ai.usage.input_tokens', 12_315n],
    ['gen_ai.usage.cache_read.input_tokens', 1_403n],
    ['gen_ai.usage.output_tokens', 461n],
    ['gen_ai.response.id', 'msg_01'],
    ['double', 0.1],
    ['nan', Number.NaN],
    ['minus.zero', -0],
    ['infinity', Number.POSITIVE_INFINITY],
    ['int64.least', -(2n ** 63n)],
    ['int64.most', 2n ** 63n - 1n],
    ['octets', Uint8Array.of(0, 255, 128)],
    ['nothing', null],
    ['empty', ''],
    ['list', ['a', 1n, [], null]],
    [
      'map',
      {
        kvlist: [
          ['k', true],
          ['k', false],
          ['', { kvlist: [] }],
        ],
      },
    ],
    ['double', 'a second value under the same key'],
  ],
  droppedAttributesCount: 1,
  events: [
    {
      timeUnixNano: START + 1n,
      name: 'gen_ai.choice',
      attributes: [['index', 0n]],
      droppedAttributesCount: 2,
    },
    { timeUnixNano: 0n, name: '', attributes: [], droppedAttributesCount: 0 },
  ],
  droppedEventsCount: 3,
  links: [
    {
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      traceState: 'a=b',
      attributes: [['link', 1n]],
      droppedAttributesCount: 4,
      flags: 0x301,
    },
    { traceId: '', spanId: '', traceState: '', attributes: [], droppedAttributesCount: 0, flags: 0 },
  ],
  droppedLinksCount: 5,
  status: { code: 1, message: '' },
});

/** Nothing but what must be there; resource and scope are empty. */
export const bare = span(3, { ...nothing, traceId: '00000000000000000000000000000001', name: '', kind: 0 });

/** Units instead of tokens, an estimate, the business trace id an OpenTelemetry trace id. */
export const frame = span(4, {
  name: 'publish_frame',
  kind: 4,
  attributes: [
    ['witness.trace.id', '0af7651916cd43dd8448eb211c80319c'],
    ['witness.component', 'IF.witness.ndi-publisher'],
    ['witness.units.frame', 1n],
    ['witness.cost.usd', '0.000001'],
    ['witness.cost.estimated', true],
  ],
});

/** Every text too long, each with a boundary inside a character. */
export const long = span(5, {
  name: `${'e'.repeat(8_190)}\u{1f600}`,
  attributes: [
    ['witness.trace.id', `${'b'.repeat(4_095)}é`],
    ['witness.trace.parent_id', '"'.repeat(2_049)],
    ['witness.component', '\0'.repeat(171)],
  ],
  resource: { ...resource, attributes: [['service.name', `${'s'.repeat(1_022)}€`]], entityRefs: [] },
});

/** Lone surrogates, look-alikes, bidi overrides, escape sequences, and a decoder's own remarks. */
export const odd = span(6, {
  name: 'pay\u202egpj.exe\u001b[2J\u0000',
  attributes: [
    ['witness.trace.id', 'lone \ud800 surrogate'],
    ['witness.component', 'IF.witnеss.sip \ufffd'],
  ],
  lossy: ['attributes', 'unknown_fields'],
});

/** A model call that says nothing of tokens, and one whose kind and status no version of OTLP has. */
export const unknown = span(7, {
  name: 'embeddings',
  kind: 3,
  attributes: [
    ['gen_ai.system', 'openai'],
    ['gen_ai.operation.name', 'embeddings'],
    ['gen_ai.request.model', 'text-embedding-3-small'],
  ],
});
export const future = span(8, { kind: -1, status: { code: 77, message: 'é' }, startUnixNano: 2n ** 64n - 1n });

/** After the clock jumped back. */
export const late = span(9, { name: 'late', startUnixNano: 0n, endUnixNano: 0n });
