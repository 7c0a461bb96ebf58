/** A service that calls a model for $0.10 a time: `node service.mjs COMPONENT CALLS [ask]`. With `ask` it reserves first. */
import { Budgets, openSpent } from '@infrafabric/budgets';
import { WitnessSpanProcessor } from '@infrafabric/exporter';
import { Ledger } from '@infrafabric/ledger';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';

const [component, calls, ask] = process.argv.slice(2);
const PRICE_PICO = 100_000_000_000n;

const witness = new WitnessSpanProcessor();
const tracer = new BasicTracerProvider({ spanProcessors: [witness] }).getTracer('service');
const ledger = await Ledger.open();
const spent = openSpent(await ledger.view(), ledger.paths.home);
const budgets = await Budgets.over(ledger, spent);

let made = 0;
for (let i = 0; i < Number(calls); i++) {
  const attributes = { 'witness.component': component, 'witness.cost.usd': '0.10' };
  const span = tracer.startSpan('call a model', { attributes });
  if (ask === 'ask') {
    // The reservation has the id of the span, so that the call counts once: reserved, then by its span.
    const { spanId } = span.spanContext();
    const answer = await budgets.reserve({ amountPico: PRICE_PICO, budgets: { scope: { component } }, spanId });
    // A span that is not ended is not witnessed: this call was never made.
    if (!answer.granted) break;
  }
  made++;
  span.end();
  // For the example's sake: each call is judged before the next.
  await witness.forceFlush();
  await new Promise((resolve) => setTimeout(resolve, 300));
}
spent.close();
await ledger.close();
await witness.shutdown();
console.log(`${component}: ${made} of ${calls} calls made`);
