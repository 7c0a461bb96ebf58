/** A Node service in miniature: the stock SDK, told where to send by environment variables alone. */
import { trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';

const sdk = new NodeSDK();
sdk.start();

const count = Number(process.env.SPANS);
const businessId = new URLSearchParams(process.env.BAGGAGE).get('witness.trace.id');
const tracer = trace.getTracer('peer');
tracer.startActiveSpan('order', { attributes: { 'witness.trace.id': businessId } }, (root) => {
  for (let i = 1; i < count; i++) tracer.startSpan(`step ${i}`, { attributes: { step: i } }).end();
  root.end();
});
await sdk.shutdown();
