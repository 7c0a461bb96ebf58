/**
 * The collector under load, beside a baseline that stores the same rows unsigned (plain-server.mjs). The load comes from a
 * process of its own (ingest-load.mjs), on the same cores.
 *
 *   node bench/ingest.mjs                          512-span requests on 4 connections, collector and baseline in turns
 *   node bench/ingest.mjs --prompt 7500            the same with 7.5 kB of prompt on every second span
 *   node bench/ingest.mjs --request 8 --connections 64
 *   node bench/ingest.mjs --request 1 --connections 8 --rate 200 --seconds 20
 *   node bench/ingest.mjs --growth 5000000         rate of each million, one ledger
 *   node bench/ingest.mjs --flood 60               twice the connections and a small bound, for that many seconds
 *
 * Build first. Needs Linux for memory and CPU figures.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    spans: { type: 'string', default: '400000' },
    request: { type: 'string', default: '512' },
    connections: { type: 'string', default: '4' },
    prompt: { type: 'string', default: '0' },
    rate: { type: 'string' },
    seconds: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    growth: { type: 'string' },
    flood: { type: 'string' },
    only: { type: 'string' },
    'max-in-flight': { type: 'string', default: '4096' },
    directory: { type: 'string', default: tmpdir() },
  },
});
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const CLI = here('../packages/cli/bin/if-witness.js');
const MILLION = 1_000_000;

const load = {
  requestSpans: Number(values.request),
  connections: Number(values.connections),
  promptOctets: Number(values.prompt),
  ...(values.rate === undefined ? {} : { ratePerSecond: Number(values.rate) }),
};

/** Starts a contender on an empty home. */
async function start(name) {
  const home = mkdtempSync(join(values.directory, `bench-ingest-${name}-`));
  const args =
    name === 'plain'
      ? [here('plain-server.mjs'), home, values['max-in-flight']]
      : [
          CLI,
          ...['collect', '--home', home, '--port', '0', '--no-grpc', '--log-format', 'json'],
          ...['--max-in-flight', values['max-in-flight']],
        ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines = createInterface({ input: name === 'plain' ? child.stdout : child.stderr });
  const port = await new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      const found = name === 'plain' ? JSON.parse(line).port : /http:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1];
      if (found !== undefined) resolve(Number(found));
    });
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}`)));
  });
  return { name, home, child, port, ...watch(child.pid) };
}

/** Samples the resident memory of a process, and its CPU time. */
function watch(pid) {
  let peak = 0;
  const sample = () => {
    const kilobytes = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
    peak = Math.max(peak, kilobytes * 1024);
    return kilobytes * 1024;
  };
  const timer = setInterval(() => {
    try {
      sample();
    } catch {
      clearInterval(timer);
    }
  }, 50);
  const cpuMicros = () => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    // utime and stime, in hundredths of a second.
    return (Number(fields[11]) + Number(fields[12])) * 10_000;
  };
  return { peakRss: () => peak, cpuMicros };
}

async function stop({ child, home }, keep = false) {
  child.kill('SIGTERM');
  await new Promise((resolve) => child.once('exit', resolve));
  if (!keep) rmSync(home, { recursive: true, force: true });
}

async function drive(port, options) {
  const child = spawn(process.execPath, [here('ingest-load.mjs'), JSON.stringify({ port, ...load, ...options })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  const code = await new Promise((resolve) => child.once('exit', resolve));
  if (code !== 0) throw new Error(`the load ended with ${code}`);
  return JSON.parse(text);
}

async function measure(server, options) {
  const before = server.cpuMicros();
  const result = await drive(server.port, options);
  return { ...result, serverMicros: (server.cpuMicros() - before) / result.accepted, rss: server.peakRss() };
}

const row = (name, r) =>
  `${name.padEnd(22)} ${Math.round(r.spansPerSecond).toLocaleString('en').padStart(8)} spans/s   p50 ${r.p50Ms.toFixed(1).padStart(6)}   p99 ${r.p99Ms.toFixed(1).padStart(6)} ms   ` +
  `${r.serverMicros.toFixed(1).padStart(5)} µs CPU/span (load ${(r.cpuMicros / r.accepted).toFixed(1)})   peak ${(r.rss / 1e6).toFixed(0)} MB` +
  (Object.keys(r.statuses).length > 1 ? `   ${JSON.stringify(r.statuses)}` : '');

console.log(
  `${cpus()[0].model.trim()}, ${cpus().length} cores, Node ${process.version}; ${load.requestSpans}-span requests on ${load.connections} connections` +
    (load.promptOctets > 0 ? `, ${load.promptOctets} octets of prompt on every second span` : ''),
);

if (values.growth !== undefined) await growth(Number(values.growth));
else if (values.flood !== undefined) await flood(Number(values.flood));
else await compare();

/** Contenders in turns, medians. */
async function compare() {
  const contenders = values.only === undefined ? ['plain', 'collector'] : [values.only];
  const results = Object.fromEntries(contenders.map((name) => [name, []]));
  const options = values.seconds === undefined ? { spans: Number(values.spans) } : { seconds: Number(values.seconds) };
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const name of contenders) {
      const server = await start(name);
      await drive(server.port, { spans: 40 * load.requestSpans * load.connections, ratePerSecond: undefined });
      const result = await measure(server, options);
      results[name].push(result);
      console.log(row(name, result));
      await stop(server);
    }
  }
  if (contenders.length < 2) return;
  const median = (name) => results[name].map((r) => r.spansPerSecond).sort((a, b) => a - b)[results[name].length >> 1];
  console.log(`collector / plain      ${(median('collector') / median('plain')).toFixed(2)} × the rate (medians)`);
}

/** One ledger, a million after the other. */
async function growth(total) {
  const server = await start(values.only ?? 'collector');
  const rates = [];
  for (let done = 0; done < total; done += MILLION) {
    const result = await measure(server, { spans: MILLION });
    rates.push(result.spansPerSecond);
    const size = statSync(join(server.home, 'witness.db')).size + statSync(join(server.home, 'witness.db-wal')).size;
    console.log(`${row(`${done / MILLION + 1} M`, result)}   ${(size / 1e9).toFixed(2)} GB`);
  }
  await stop(server);
  console.log(`rate of the last million / of the first: ${(rates.at(-1) / rates[0]).toFixed(2)}`);
}

/** Twice what is in flight at most, for a time: what is too much is refused, memory stays. */
async function flood(seconds) {
  const server = await start('collector');
  const connections = Math.ceil((2 * Number(values['max-in-flight'])) / load.requestSpans);
  console.log(row(`${connections} connections`, await measure(server, { seconds, connections })));
  await stop(server);
}
