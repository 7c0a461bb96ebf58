/** Spans per second through each door, on one thread: `node packages/otlp/bench/rates.mjs` after a build. */
import { randomBytes } from 'node:crypto';
import {
  assembleTraceRequest,
  decodeTraceRequest,
  encodeResourceContext,
  encodeScopeContext,
  encodeSpan,
  encodeTraceRequest,
  parseTraceRequestJson,
  renderTraceRequestJson,
} from '../dist/index.js';

const SPANS = 512;
const MEASURE_MS = 1500;

const hexId = (bytes) => randomBytes(bytes).toString('hex');
const none = { attributes: [], droppedAttributesCount: 0, schemaUrl: '' };
const resource = {
  ...none,
  attributes: [
    ['service.name', 'checkout'],
    ['service.version', '1.2.3'],
    ['host.name', 'node-17'],
    ['telemetry.sdk.language', 'nodejs'],
  ],
  entityRefs: [],
};
const scope = { ...none, name: '@opentelemetry/instrumentation-http', version: '0.223.0' };
const records = Array.from({ length: SPANS }, (_, i) => ({
  traceId: hexId(16),
  spanId: hexId(8),
  parentSpanId: hexId(8),
  traceState: '',
  flags: 0x101,
  name: 'chat some-model',
  kind: 3,
  startUnixNano: 1_700_000_000_000_000_000n + BigInt(i),
  endUnixNano: 1_700_000_000_500_000_000n + BigInt(i),
  attributes: [
    ['gen_ai.operation.name', 'chat'],
    ['gen_ai.provider.name', 'anthropic'],
    ['gen_ai.request.model', 'some-model-4'],
    ['gen_ai.usage.input_tokens', BigInt(1000 + i)],
    ['gen_ai.usage.output_tokens', BigInt(200 + i)],
    ['http.request.method', 'POST'],
    ['server.address', 'api.example.com'],
    ['url.path', '/v1/messages'],
    ['gen_ai.request.temperature', 0.7],
    ['stream', true],
  ],
  droppedAttributesCount: 0,
  events: [
    { timeUnixNano: 1_700_000_000_100_000_000n, name: 'token', attributes: [['n', 1n]], droppedAttributesCount: 0 },
  ],
  droppedEventsCount: 0,
  links: [],
  droppedLinksCount: 0,
  status: { code: 1, message: '' },
  resource,
  scope,
  lossy: [],
}));

const protobuf = encodeTraceRequest(records);
const json = renderTraceRequestJson(records);
const parts = records.map((record) => ({
  resourceContext: encodeResourceContext(resource),
  scopeContext: encodeScopeContext(scope),
  span: encodeSpan(record),
}));
console.log(
  `${SPANS} spans of ${Math.round(protobuf.length / SPANS)} B protobuf, ${Math.round(json.length / SPANS)} B JSON`,
);

rate('decodeTraceRequest', () => decodeTraceRequest(protobuf));
rate('encodeSpan', () => records.forEach(encodeSpan));
rate('encodeTraceRequest', () => encodeTraceRequest(records));
rate('assembleTraceRequest', () => assembleTraceRequest(parts));
rate('parseTraceRequestJson', () => parseTraceRequestJson(json));
rate('renderTraceRequestJson', () => renderTraceRequestJson(records));

function rate(name, run) {
  for (let i = 0; i < 50; i++) run();
  const started = performance.now();
  let runs = 0;
  while (performance.now() - started < MEASURE_MS) {
    run();
    runs++;
  }
  const perSecond = (runs * SPANS * 1000) / (performance.now() - started);
  console.log(`${name.padEnd(24)}${Math.round(perSecond).toLocaleString('en').padStart(12)} spans/s`);
}
