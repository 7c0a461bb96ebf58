// Full verify of a ledger against one thread hashing the same bytes, side by side in one run.
// node bench/verify.mjs [ENTRIES=1000000] [HOME]
import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseVkey } from '@infrafabric/format';
import { localKeys, readHead } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { verifyFile } from '../packages/cli/dist/verify/verify-file.js';
import { makeLedger } from './make-ledger.mjs';

const entries = Number(process.argv[2] ?? 1_000_000);
const keep = process.argv[3];
const part = process.argv[4];
const home = keep ?? mkdtempSync(join(tmpdir(), 'bench-verify-'));
const path = join(home, 'witness.db');

/** Each measurement in a process of its own, so that its peak memory is its own. */
async function measure() {
  const start = performance.now();
  if (part === 'hash') {
    const reader = LedgerReader.open(path);
    let hashingMs = 0;
    let octets = 0;
    for (const rows of reader.entries(0, Number.POSITIVE_INFINITY)) {
      const before = performance.now();
      for (const [, entry] of rows) hash('sha256', `\0${entry}`, 'hex');
      hashingMs += performance.now() - before;
      for (const [, entry] of rows) octets += Buffer.byteLength(entry);
    }
    return { ms: hashingMs, octets };
  }
  const reader = LedgerReader.open(path);
  const origin = reader.genesis().entry.body.origin;
  reader.close();
  const { report } = await verifyFile(
    { home, ledger: path },
    {
      key: parseVkey(localKeys(home, origin)[0].vkey),
      head: readHead(path) ?? null,
    },
  );
  const { verdict, entries: found, checkpoints, timingsMs } = report;
  return {
    ms: performance.now() - start,
    verdict,
    found,
    checkpoints,
    timingsMs,
    rssMb: Math.round(process.resourceUsage().maxRSS / 1024),
  };
}

if (part !== undefined) console.log(JSON.stringify(await measure()));
else {
  await makeLedger(home, entries);
  const run = (what) =>
    JSON.parse(
      execFileSync(process.execPath, [import.meta.filename, String(entries), home, what], { encoding: 'utf8' }),
    );
  run('verify');
  const ratios = [];
  for (let i = 0; i < 3; i++) {
    const hashing = run('hash');
    const verify = run('verify');
    const entriesMs = verify.ms - verify.timingsMs.payloads;
    ratios.push({ ratio: entriesMs / hashing.ms, hashing, verify, entriesMs });
  }
  ratios.sort((a, b) => a.ratio - b.ratio);
  const { ratio, hashing, verify, entriesMs } = ratios[1];
  console.log(`${cpus()[0].model}, ${cpus().length} cores, Node ${process.version}`);
  console.log(
    `${verify.found} entries of ${Math.round(hashing.octets / verify.found)} octets, ${verify.checkpoints.checked} checkpoints: ${verify.verdict}`,
  );
  console.log(`hashing alone, one thread   ${(hashing.ms / 1000).toFixed(2)} s`);
  console.log(
    `verify without payloads     ${(entriesMs / 1000).toFixed(2)} s   ${ratio.toFixed(2)} x hashing (median of 3)`,
  );
  console.log(`payloads, digests and table ${(verify.timingsMs.payloads / 1000).toFixed(2)} s`);
  console.log(`parts, ms                   ${JSON.stringify(verify.timingsMs)}`);
  console.log(`peak resident memory        ${verify.rssMb} MB`);
  if (keep === undefined) rmSync(home, { recursive: true });
}
