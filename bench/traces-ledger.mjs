// A ledger of N spans in which two flows have 1,000 spans each: `together` one after the other, `spread` evenly over all.
// node bench/traces-ledger.mjs HOME N
import { benchSpan, makeLedger } from './make-ledger.mjs';

export const FLOW_ENTRIES = 1000;

/** Makes the ledger at `home` unless it is there already. */
export async function makeTracesLedger(home, entries) {
  const every = Math.floor(entries / FLOW_ENTRIES) - 1;
  const middle = Math.floor(entries / 2);
  await makeLedger(home, entries, (i, ids) => {
    const span = benchSpan(i, ids);
    const isTogether = i >= middle && i < middle + FLOW_ENTRIES;
    const flow = isTogether ? 'together' : i % every === 0 && i / every < FLOW_ENTRIES ? 'spread' : undefined;
    if (flow === undefined) return span;
    return {
      ...span,
      traceId: flow === 'together' ? '11'.repeat(16) : '22'.repeat(16),
      attributes: span.attributes.map(([key, value]) => (key === 'witness.trace.id' ? [key, flow] : [key, value])),
    };
  });
}

if (import.meta.filename === process.argv[1]) {
  const [home, entries] = process.argv.slice(2);
  await makeTracesLedger(home, Number(entries));
}
