/** One span of one's own: `node --import @infrafabric/exporter/register examples/first-verdict/hello.mjs`. */
import { trace } from '@opentelemetry/api';

trace.getTracer('hello').startActiveSpan('hello', (span) => {
  console.log(`Said hello in trace ${span.spanContext().traceId}.`);
  span.end();
});
