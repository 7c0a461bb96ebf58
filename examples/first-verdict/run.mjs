/**
 * The first verdict: a service and its client record one business flow in one ledger; the ledger is judged; one byte of
 * a copy is changed; the copy is judged. Exit code 0 when all of it went as told here. KEEP=1 keeps the ledger.
 * With OTEL_EXPORTER_OTLP_ENDPOINT set, the same spans also go there, e.g. to a Jaeger on http://127.0.0.1:4318.
 */
import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { changeOneByte, copyLedger } from './change-one-byte.mjs';
import { startModelStandIn } from './model-stand-in.mjs';

const businessTraceId = 'session-flow-001';
const services = { service: 'first-verdict-service', client: 'first-verdict-client' };

const home = mkdtempSync(join(tmpdir(), 'first-verdict-'));
const ledger = join(home, 'witness.db');
let step = 0;

try {
  await recordTheFlow();
  showTheTrace();
  judgeTheLedger();
  await judgeTheForgery();
  console.log('\nAll of it as expected.');
} catch (error) {
  console.error(`\nNot as expected: ${error.message}`);
  process.exitCode = 1;
} finally {
  if (process.env.KEEP === '1') console.log(`The ledger stays: npx if-witness trace ${businessTraceId} --home ${home}`);
  else rmSync(home, { recursive: true });
}

async function recordTheFlow() {
  const model = await startModelStandIn();
  say(`A stand-in for the model's API listens on ${model.baseUrl}.`);
  const service = start('service.mjs', services.service, [], { MODEL_BASE_URL: model.baseUrl });
  const [{ url }] = await orExit(service, once(service, 'message'));
  say(`The service (process ${service.pid}) listens on ${url}. It asks the model through the Vercel AI SDK.`);

  const client = start('client.mjs', services.client, [url, businessTraceId]);
  say(`The client (process ${client.pid}) asks it four questions in the flow ${businessTraceId}:`);
  const [exitCode] = await once(client, 'exit');
  if (exitCode !== 0) throw new Error(`the client ended with exit code ${exitCode}`);

  // An ordinary stop: what the service has not yet written, it writes now.
  service.kill('SIGTERM');
  await once(service, 'exit');
  await model.close();
  say(`Both have ended. Each wrote its own spans to ${ledger}.`);
  const endpoint = process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (endpoint) say(`The same spans were sent to ${endpoint}.`);
}

function showTheTrace() {
  say('What the ledger holds of the flow:');
  const { exitCode } = ifWitness('trace', businessTraceId);
  if (exitCode !== 0) throw new Error(`\`if-witness trace\` ended with exit code ${exitCode}`);
  const { entries } = JSON.parse(ifWitnessQuietly('trace', businessTraceId, '--format', 'json').stdout);
  for (const name of Object.values(services)) {
    if (!entries.some(({ service }) => service === name)) throw new Error(`the trace has no span of ${name}`);
  }
}

function judgeTheLedger() {
  say('Is that what was written, all of it and unchanged? The verdict:');
  const { exitCode, stdout } = ifWitness('verify');
  if (exitCode !== 0 || !/^VALID/m.test(stdout)) throw new Error(`the ledger should be VALID (exit code ${exitCode})`);
}

async function judgeTheForgery() {
  const folder = join(home, 'copy');
  mkdirSync(folder);
  const copy = join(folder, 'witness.db');
  await copyLedger(home, ledger, copy);
  const { seq, offset, before, after } = changeOneByte(copy, 'ai.generateText.doGenerate');
  say(`One bit of a copy is changed. Byte ${offset}, in entry ${seq}: the event "${before}" becomes "${after}".`);
  const { exitCode, stdout } = ifWitness('verify', '--ledger', copy);
  if (exitCode !== 1 || !/^INVALID/m.test(stdout))
    throw new Error(`the copy should be INVALID (exit code ${exitCode})`);
  if (!new RegExp(`\\b${seq}\\b`).test(stdout)) throw new Error(`the verdict should name entry ${seq}`);
}

/** Starts one of the two programs. All that makes it a witnessed one is `--import` and the environment. */
function start(program, serviceName, args, env = {}) {
  return fork(fileURLToPath(new URL(program, import.meta.url)), args, {
    execArgv: ['--import', '@infrafabric/exporter/register'],
    env: {
      ...process.env,
      IF_WITNESS_HOME: home,
      OTEL_SERVICE_NAME: serviceName,
      ...env,
    },
  });
}

/** The command line, as anyone would run it; what it says is shown. */
function ifWitness(...args) {
  console.log(`   $ if-witness ${args.join(' ')}`);
  const run = ifWitnessQuietly(...args);
  console.log(`${run.stdout}${run.stderr}`.trimEnd().replace(/^(?=.)/gm, '   '));
  return run;
}

function ifWitnessQuietly(...args) {
  const program = fileURLToPath(new URL('node_modules/@infrafabric/cli/bin/if-witness.js', import.meta.url));
  const env = { ...process.env, IF_WITNESS_HOME: home };
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { env, encoding: 'utf8' });
  return { exitCode: status, stdout, stderr };
}

/** @returns what was promised, or throws when the process ends before it is there. */
function orExit(child, promised) {
  const ended = once(child, 'exit').then(([exitCode]) => {
    throw new Error(`process ${child.pid} ended too early, with exit code ${exitCode}`);
  });
  return Promise.race([promised, ended]);
}

function say(text) {
  step++;
  console.log(`\n${step}. ${text}`);
}
