// The baseline collector: the same HTTP door, decoder, accounting, threads and grouping, in front of plain rows.
// Run by ingest.mjs; prints its port as JSON.
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { decodeTraceRequest } from '@infrafabric/otlp';
import { startHttpDoor } from '../packages/collector/dist/door/http-door.js';
import { ByteBudget } from '../packages/collector/dist/intake/byte-budget.js';
import { HomePricing } from '../packages/ledger/dist/pricing.js';
import { PlainRows, packPlain, unpackPlain } from './plain-rows.mjs';

if (isMainThread) await serve(process.argv[2], Number(process.argv[3]));
else write();

async function serve(home, maxInFlight) {
  const pricing = new HomePricing(home);
  await pricing.refresh();
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: `${home}/witness.db` });
  const waiting = new Map();
  let id = 0;
  let inFlight = 0;
  worker.on('message', (ids) => {
    for (const done of ids) {
      waiting.get(done)();
      waiting.delete(done);
    }
  });
  const intake = {
    memory: new ByteBudget(64 * 1024 * 1024),
    async take({ body }) {
      if (inFlight >= maxInFlight) return { outcome: 'unavailable', message: 'overload', retryAfterSeconds: 1 };
      const packed = packPlain(decodeTraceRequest(body).spans, pricing, body.length);
      inFlight += packed.count;
      const mine = id++;
      const done = new Promise((resolve) => waiting.set(mine, resolve));
      worker.postMessage({ id: mine, packed }, [packed.octets.buffer, packed.places.buffer]);
      await done;
      inFlight -= packed.count;
      return { outcome: 'stored', rejected: 0, message: '' };
    },
  };
  const door = await startHttpDoor({
    host: '127.0.0.1',
    port: 0,
    intake,
    maxBodyBytes: 20 * 1024 * 1024,
    allowedOrigins: [],
    tokens: undefined,
    tls: undefined,
    pages: new Map(),
  });
  console.log(JSON.stringify({ port: door.port }));
  process.on('SIGTERM', () => process.exit(0));
}

function write() {
  const rows = new PlainRows(workerData, { backfill: true });
  let gathering = [];
  parentPort.on('message', (request) => {
    if (gathering.push(request) > 1) return;
    setImmediate(() => {
      const group = gathering;
      gathering = [];
      rows.append(group.flatMap(({ packed }) => unpackPlain(packed)));
      parentPort.postMessage(group.map(({ id }) => id));
    });
  });
}
