import { expect } from 'vitest';
import { javaAgent, peerFile } from './peer-programs.js';
import { testService } from './service-cases.js';

testService({
  block: 'java',
  peer: javaAgent,
  files: {
    'service.jar': peerFile('java/service.jar'),
    'opentelemetry-javaagent.jar': peerFile('java/opentelemetry-javaagent.jar'),
  },
  env: { OTEL_JAVA_EXPERIMENTAL_SPAN_ATTRIBUTES_COPY_FROM_BAGGAGE_INCLUDE: 'witness.trace.id' },
  /** A request is two spans: the client's, and below it the server's. */
  expectSpans(spans, count) {
    const served = spans.filter(({ name }) => name === 'GET /');
    const asked = new Map(spans.filter(({ name }) => name === 'GET').map((span) => [span.spanId, span]));
    expect(asked.size).toBe(count);
    expect(new Set(served.map(({ attributes }) => attributes['url.path']))).toEqual(
      new Set(Array.from({ length: count }, (_, i) => `/order/${i}`)),
    );
    for (const { parentSpanId, attributes } of served) {
      expect(asked.get(parentSpanId ?? '')?.attributes['url.full']).toContain(attributes['url.path']);
      expect(attributes['witness.trace.id']).toBe('session-flow-001');
    }
    expect(spans).toHaveLength(2 * count);
  },
});
