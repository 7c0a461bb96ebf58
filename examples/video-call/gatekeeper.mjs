/**
 * A small gatekeeper and two endpoints, RAS over UDP on loopback: they register, the call of one to the other is admitted, and
 * both leave it when it is over. Every datagram at the gatekeeper is watched; the call's price is the guide's for its minutes
 * and megabits.
 */
import { limitBandwidth, RasObserver, SmallEndpoint, SmallGatekeeper } from '@infrafabric/instrumentation-h323';
import { callIsOver, runChildFlow, tell } from './child-flow.mjs';

const bandwidthBps = 2_000_000;

await runChildFlow('h323-call', async (traceId) => {
  const observer = new RasObserver();
  const gatekeeper = new SmallGatekeeper({
    admissionPolicy: limitBandwidth(5_000_000),
    onDatagram: (datagram, info) => observer.observe(datagram, info),
  });
  const address = await gatekeeper.start();
  const [alice, bob] = [await registered('alice', 1720, address), await registered('bob', 1721, address)];

  const { isAdmitted, callId } = await alice.requestAdmission({ destination: 'bob', bandwidthBps });
  if (!isAdmitted) throw new Error('the call should be admitted');
  await bob.requestAdmission({ callId, bandwidthBps, isAnswering: true });
  const connectMs = Date.now();
  tell({ traceId });

  await callIsOver();
  await alice.disengage(callId, { connectMs, endMs: Date.now() });
  await bob.disengage(callId, { connectMs, endMs: Date.now() });
  for (const endpoint of [alice, bob]) {
    await endpoint.unregister();
    await endpoint.close();
  }
  await gatekeeper.close();
  observer.close();
});

async function registered(alias, signalPort, gatekeeper) {
  const endpoint = new SmallEndpoint({ gatekeeper, aliases: [alias], signalPort });
  await endpoint.start();
  const refusal = await endpoint.register();
  if (refusal !== undefined) throw new Error(`${alias} should be registered: ${refusal}`);
  return endpoint;
}
