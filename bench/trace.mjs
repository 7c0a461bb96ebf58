// `if-witness trace` of one id in a large ledger against the same in a small one, in turns.
// node bench/trace.mjs [ENTRIES=1000000] [HOME]
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeLedger } from './make-ledger.mjs';
import { inTurns } from './pairs.mjs';

const SMALL = 10_000;
const entries = Number(process.argv[2] ?? 1_000_000);
const directory = mkdtempSync(join(tmpdir(), 'bench-trace-'));
const large = process.argv[3] ?? join(directory, 'large');
const small = join(directory, 'small');
await makeLedger(large, entries);
await makeLedger(small, SMALL);
const trace = (home, middle) => ({
  args: [join(import.meta.dirname, '../packages/cli/bin/if-witness.js'), 'trace', `session-flow-${middle >> 4}`],
  env: { IF_WITNESS_HOME: home },
});
const ms = inTurns({ small: trace(small, SMALL / 2), large: trace(large, entries / 2) }, 11);
rmSync(directory, { recursive: true });
console.log(`${cpus()[0].model}, ${cpus().length} cores, Node ${process.version}`);
console.log(`trace in ${SMALL} entries    ${ms.small.toFixed(0)} ms`);
console.log(`trace in ${entries} entries  ${ms.large.toFixed(0)} ms   ${(ms.large / ms.small).toFixed(2)} x`);
