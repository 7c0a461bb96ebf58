// `if-witness proof` of one entry of a million, and `verify --proof` of what it wrote, whole processes, against `node -e 0`,
// in turns.
// node bench/proof.mjs [ENTRIES=1000000] [HOME] [ROUNDS=21]
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { inTurns } from './pairs.mjs';
import { makeTracesLedger } from './traces-ledger.mjs';

const entries = Number(process.argv[2] ?? 1_000_000);
const scratch = mkdtempSync(join(tmpdir(), 'bench-proof-'));
const home = process.argv[3] || join(scratch, 'home');
await makeTracesLedger(home, entries);
const program = join(import.meta.dirname, '../packages/cli/bin/if-witness.js');
const file = join(scratch, 'it.tlog-proof');
const env = { IF_WITNESS_HOME: home };
const seq = String(Math.floor(entries * 0.618));
const ms = inTurns(
  {
    node: { args: ['-e', '0'] },
    proof: { args: [program, 'proof', seq, '--include-entry', '--output', file, '--quiet'], env },
    verify: { args: [program, 'verify', '--proof', file], env },
  },
  Number(process.argv[4] ?? 21),
);
rmSync(scratch, { recursive: true });
console.log(`${cpus()[0].model}, ${cpus().length} cores, Node ${process.version}; ${entries} entries`);
console.log(`node -e 0                ${ms.node.toFixed(0)} ms`);
console.log(`if-witness proof         ${ms.proof.toFixed(0)} ms   ${(ms.proof / ms.node).toFixed(2)} x`);
console.log(`if-witness verify --proof ${ms.verify.toFixed(0)} ms   ${(ms.verify / ms.node).toFixed(2)} x`);
