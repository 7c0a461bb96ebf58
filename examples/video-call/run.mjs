/**
 * One request through all four sessions: a camera (NDI), two peers (WebRTC), a gatekeeper with its endpoint (H.323) and a call
 * (SIP), four processes on real stacks. They send ordinary OTLP to one collector; then the ledger shows the request, the call,
 * its cost, and the verdict. Exit code 0 when all of it went as told here. KEEP=1 keeps the ledger.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { newRequestId, withBusinessIds } from '@infrafabric/events';
import { context, propagation, trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { Collector } from './collector.mjs';
import { ifOptimise, ifWitness, jsonOf, say, show } from './command-lines.mjs';

const components = ['IF.witness.ndi-publisher', 'IF.witness.webrtc', 'IF.witness.h323', 'IF.witness.sip'];
const request = newRequestId();
const home = mkdtempSync(join(tmpdir(), 'video-call-'));
const running = new Set();

process.env.IF_WITNESS_HOME = home;
try {
  const flows = await recordTheRequest();
  showTheChain(flows);
  showTheLadder(flows);
  showTheCost();
  proveTheFrame(flows);
  judgeTheLedger();
  console.log('\nAll of it as expected.');
} catch (error) {
  console.error(`\nNot as expected: ${error.message}`);
  process.exitCode = 1;
} finally {
  for (const child of running) child.kill('SIGKILL');
  if (process.env.KEEP === '1') console.log(`The ledger stays: npx if-witness trace ${request} --home ${home}`);
  else rmSync(home, { recursive: true, force: true });
}

async function recordTheRequest() {
  const forward = process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
  const collector = await Collector.start(home, forward);
  running.add(collector.process);
  say(`A collector (process ${collector.process.pid}) takes OTLP at ${collector.url}, into a ledger of its own.`);
  if (forward) console.log(`   It hands every span on to ${forward}.`);
  Object.assign(process.env, {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_TRACES_EXPORTER: 'otlp',
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'none',
    // Soon, so that the ledger's order is the order in which things happened, whatever process they happened in.
    OTEL_BSP_SCHEDULE_DELAY: '100',
    OTEL_SERVICE_NAME: 'video-call',
  });

  const sdk = new NodeSDK();
  sdk.start();
  say(`The request ${request}, session by session, each in a process of its own:`);
  const flows = await theRequest();
  await sdk.shutdown();
  await collector.stop(forward !== undefined);
  running.delete(collector.process);
  return flows;
}

/** The root of it all: one span, and what it hands to the four in TRACEPARENT and BAGGAGE. */
async function theRequest() {
  const flow = withBusinessIds({ traceId: request });
  const root = trace
    .getTracer('video-call')
    .startSpan('video call', { attributes: { 'witness.trace.id': request } }, flow);
  const handed = {};
  propagation.inject(trace.setSpan(flow, root), handed);
  try {
    return await context.with(flow, () => theSessions({ TRACEPARENT: handed.traceparent, BAGGAGE: handed.baggage }));
  } finally {
    root.end();
  }
}

/** In the order of the guide: the camera runs, the peers connect, the gatekeeper admits, the call is made and ends. */
async function theSessions(env) {
  const publisher = start('publisher.mjs', env);
  const ndi = await publisher.said();
  tell('publisher', publisher, 'NDI', 'hands the frames of a camera to its sender', ndi);
  const peer = start('peer.mjs', env);
  const webrtc = await peer.said();
  tell('peer', peer, 'WebRTC', 'two peers of werift are connected', webrtc);
  const gatekeeper = start('gatekeeper.mjs', env);
  const h323 = await gatekeeper.said();
  tell('gatekeeper', gatekeeper, 'H.323', 'has registered an endpoint and admitted its call', h323);
  const caller = start('caller.mjs', env);
  const sip = await caller.said();
  tell('caller', caller, 'SIP', 'alice has called bob, and hung up', sip);
  if (!sip.isIntact) throw new Error('the hash chain of the SIP call should be intact');

  await caller.ended();
  await gatekeeper.finish();
  await peer.finish();
  publisher.send('over');
  const frames = await publisher.said();
  await publisher.ended();
  return { ndi: { ...ndi, ...frames }, webrtc, h323, sip };
}

function tell(name, { pid }, protocol, what, { traceId }) {
  console.log(`   ${protocol.padEnd(6)}  ${name} (process ${pid}) ${what}: ${traceId}`);
}

/** Starts one of the four. What it is told is in the environment, as any parent process hands it on. */
function start(program, env) {
  const name = program.replace('.mjs', '');
  const child = fork(fileURLToPath(new URL(program, import.meta.url)), [], {
    env: { ...process.env, ...env, OTEL_SERVICE_NAME: `video-call-${name}` },
  });
  running.add(child);
  const exit = once(child, 'exit').then(([exitCode]) => {
    running.delete(child);
    if (exitCode !== 0) throw new Error(`${program} ended with exit code ${exitCode}`);
  });
  const early = exit.then(() => {
    throw new Error(`${program} ended too early`);
  });
  early.catch(() => {});
  return {
    pid: child.pid,
    said: async () => (await Promise.race([once(child, 'message'), early]))[0],
    send: (message) => child.send(message),
    ended: () => exit,
    finish() {
      child.send('over');
      return exit;
    },
  };
}

function showTheChain(flows) {
  say('What the ledger holds of the request: each session a flow under it, each entry with its place in the chain.');
  show(ifWitness('trace', request));
  const { entries, otel_trace_ids } = jsonOf(ifWitness('trace', request, '--json'));
  if (otel_trace_ids.length !== 1) throw new Error('all of it should be one OpenTelemetry trace');
  const starts = Object.values(flows).map(({ traceId }) => entries.findIndex((entry) => entry.trace_id === traceId));
  if (starts.includes(-1)) throw new Error('every session should be in the trace');
  if (starts.some((start, i) => i > 0 && start < starts[i - 1])) throw new Error('the sessions should be in order');
  for (const entry of entries) {
    if (entry.trace_id !== request && entry.parent_trace_id !== request)
      throw new Error(`entry ${entry.seq} should belong to the request`);
  }
}

function showTheLadder({ h323, sip }) {
  say('The gatekeeper and the call, as ladders:');
  show(ifWitness('trace', h323.traceId, '--ladder'));
  show(ifWitness('trace', sip.traceId, '--ladder'));
  const { events } = jsonOf(ifWitness('trace', sip.traceId, '--ladder', '--json'));
  const labels = new Set(events.map(({ label }) => label));
  for (const label of ['INVITE', '100 Trying', '180 Ringing', '200 OK', 'ACK', 'BYE'])
    if (!labels.has(label)) throw new Error(`the ladder has no ${label}`);
}

function showTheCost() {
  say('What it cost, by component:');
  show(ifOptimise('report', '--trace-id', request, '--group-by', 'component'));
  const { groups } = jsonOf(ifOptimise('report', '--trace-id', request, '--group-by', 'component', '--json'));
  const priced = groups.filter(({ totals }) => Number(totals.cost_usd) > 0).map(({ component }) => component);
  for (const component of components)
    if (!priced.includes(component)) throw new Error(`the report has no cost of ${component}`);
}

/** The publisher proved it to itself; what counts is the root that the ledger holds. */
function proveTheFrame({ ndi: { traceId, frames, proof, isProved, isChangedOneProved } }) {
  const { entries } = jsonOf(ifWitness('trace', traceId, '--json'));
  const batch = entries.find(
    ({ event, payload }) => event === 'ndi_batch_complete' && payload.batch_number === proof.batchNumber,
  );
  if (batch?.payload.root !== proof.rootHex) throw new Error('the root of the window should be in the ledger');
  if (!isProved || isChangedOneProved) throw new Error('the frame should be proved, and a changed one should not');
  say(`Of the ${frames} frames any one can be proved, none had to be kept:`);
  console.log(
    `   frame ${proof.frameNumber} by ${proof.path.length} hashes under the root ${short(proof.rootHex)} in entry ${batch.seq},`,
  );
  console.log('   the same frame with one bit changed: not proved.');
}

function short(hex) {
  return `${hex.slice(0, 8)}…`;
}

function judgeTheLedger() {
  say('Is that what was recorded, all of it and unchanged? The verdict:');
  const verdict = ifWitness('verify');
  show(verdict);
  if (verdict.exitCode !== 0 || !/^VALID/m.test(verdict.stdout)) throw new Error('the ledger should be VALID');
}
