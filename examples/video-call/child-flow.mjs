/**
 * What the four processes have in common: an ordinary SDK that sends where the environment says, and a flow of their own under
 * the one that the environment names. `run.mjs` is told when a process is ready, and tells it when to stop.
 */
import { once } from 'node:events';
import { businessIdsOf, newFlowId, withBusinessIds } from '@infrafabric/events';
import { context, propagation, ROOT_CONTEXT } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';

/**
 * Runs `work` in a new flow, a child of the one in BAGGAGE and below the span in TRACEPARENT, then sends what is left and
 * ends the process. Whatever is recorded in `work` is in that flow: nobody hands an id around.
 */
export async function runChildFlow(prefix, work) {
  const sdk = new NodeSDK();
  sdk.start();
  const { TRACEPARENT: traceparent, BAGGAGE: baggage } = process.env;
  const request = propagation.extract(ROOT_CONTEXT, { traceparent, baggage });
  const traceId = newFlowId(prefix);
  const flow = withBusinessIds({ traceId, parentTraceId: businessIdsOf(request).traceId }, request);
  await context.with(flow, () => work(traceId));
  await sdk.shutdown();
  process.exit();
}

/** Tells `run.mjs` how far this process is. */
export function tell(message) {
  process.send(message);
}

/** Settles when `run.mjs` says that the call is over. */
export async function callIsOver() {
  await once(process, 'message');
}
