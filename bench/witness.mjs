// A cosigned checkpoint of a log of ten million entries, over loopback: from the question to a cosignature that was checked,
// against a bare HTTP server that writes a file of that size durably; in turns.
// node bench/witness.mjs [ENTRIES=10000000] [ROUNDS=200]
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

if (isMainThread) await measure();
else await serve();

/** Servers in a thread of their own, so that the CPU time of both sides is counted by one process. */
async function serve() {
  const { startWitnessServer } = await import('../packages/cosigner/dist/index.js');
  const witness = await startWitnessServer({ folder: workerData.folder, port: 0, onEvent: () => undefined });
  const file = join(workerData.folder, 'plain');
  const plain = createServer(async (question, answer) => {
    const pieces = [];
    for await (const piece of question) pieces.push(piece);
    const handle = await open(`${file}.tmp`, 'w');
    await handle.writeFile(Buffer.concat(pieces).subarray(-400));
    await handle.sync();
    await handle.close();
    await rename(`${file}.tmp`, file);
    const folder = await open(workerData.folder, 'r');
    await folder.sync();
    await folder.close();
    answer.end('done\n');
  });
  plain.listen(0, '127.0.0.1', () => parentPort.postMessage({ witness: witness.port, plain: plain.address().port }));
}

async function measure() {
  const entries = Number(process.argv[2] ?? 10_000_000);
  const rounds = Number(process.argv[3] ?? 200);
  const { askWitness, createWitnessKey, encodeAddCheckpoint, logsFile } = await import(
    '../packages/cosigner/dist/index.js'
  );
  const format = await import('../packages/format/dist/index.js');
  const { consistencyProof, encodeCheckpoint, encodeNote, encodeVkey, leafHashHex, nodeHashHex, parseVkey } = format;
  const root = mkdtempSync(join(tmpdir(), 'bench-witness-'));
  const folder = join(root, 'witness');
  mkdirSync(folder);
  const { key } = await createWitnessKey(folder, 'witness.example/bench');

  // All leaves are alike, so each complete subtree of a height has one hash: a tree of any size without its entries.
  const complete = [leafHashHex('leaf')];
  for (let level = 1; level < 50; level++) complete.push(nodeHashHex(complete[level - 1], complete[level - 1]));
  const hashOf = (from, to) => {
    const level = Math.floor(Math.log2(to - from));
    if (2 ** level === to - from) return complete[level];
    return nodeHashHex(complete[level], hashOf(from + 2 ** level, to));
  };
  const origin = 'log.example/bench';
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const logKey = parseVkey(encodeVkey(origin, publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)));
  writeFileSync(logsFile(folder), `log ${encodeVkey(origin, logKey.publicKey)}\n`);
  const noteOf = (size) => {
    const text = encodeCheckpoint({ origin, size, rootHex: hashOf(0, size) });
    const signature = sign(null, Buffer.from(text), privateKey);
    return Buffer.from(encodeNote(text, [{ name: origin, keyIdHex: logKey.keyIdHex, signature }]));
  };

  const worker = new Worker(new URL(import.meta.url), { workerData: { folder } });
  const ports = await new Promise((resolve) => worker.once('message', resolve));
  const witness = { name: 'bench', key, url: `http://127.0.0.1:${ports.witness}` };
  const post = (body) =>
    new Promise((resolve, reject) => {
      const sent = request({ port: ports.plain, host: '127.0.0.1', method: 'POST', path: '/' }, (answer) => {
        answer.resume();
        answer.on('end', resolve);
      });
      sent.on('error', reject);
      sent.end(body);
    });

  let size = entries;
  let hashes = 0;
  const first = await askWitness(witness, { note: noteOf(size), logKey, proofFrom: () => [], guess: 0 });
  if (first.outcome !== 'cosigned') throw new Error(JSON.stringify(first));
  const times = { cosign: [], plain: [] };
  const cpu = { cosign: 0, plain: 0 };
  const timed = async (name, round, work) => {
    const before = process.cpuUsage();
    const start = performance.now();
    await work();
    if (round < 0) return;
    times[name].push(performance.now() - start);
    const { user, system } = process.cpuUsage(before);
    cpu[name] += (user + system) / 1000;
  };
  for (let round = -10; round < rounds; round++) {
    const [oldSize, newSize] = [size, size + 997];
    size = newSize;
    const note = noteOf(newSize);
    const proofFrom = (from) => consistencyProof(from, newSize, hashOf);
    hashes = Math.max(hashes, proofFrom(oldSize).length);
    await timed('cosign', round, async () => {
      const answer = await askWitness(witness, { note, logKey, proofFrom, guess: oldSize });
      if (answer.outcome !== 'cosigned') throw new Error(JSON.stringify(answer));
    });
    const body = encodeAddCheckpoint({ oldSize, proof: proofFrom(oldSize), note });
    await timed('plain', round, () => post(body));
  }
  await worker.terminate();
  rmSync(root, { recursive: true });

  const median = (all) => all.sort((a, b) => a - b)[all.length >> 1];
  const last = (all) => all.sort((a, b) => a - b)[Math.floor(all.length * 0.95)];
  const line = (name, what) =>
    `${what.padEnd(46)} ${median(times[name]).toFixed(2)} ms median, ${last(times[name]).toFixed(2)} ms p95, ${(cpu[name] / rounds).toFixed(2)} ms CPU of both sides`;
  console.log(`${cpus()[0].model}, ${cpus().length} cores, Node ${process.version}`);
  console.log(`${rounds} checkpoints from ${entries} entries on, proofs of up to ${hashes} hashes`);
  console.log(line('plain', 'POST, write, fsync twice, answer'));
  console.log(line('cosign', 'prove, POST, check, write, fsync twice, cosign, check'));
  console.log(
    `ratio ${(median(times.cosign) / median(times.plain)).toFixed(2)} x of the time, ${(cpu.cosign / cpu.plain).toFixed(2)} x of the CPU`,
  );
}
