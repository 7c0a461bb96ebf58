// `report` and `statusline` as whole processes over a million entries, against the same over ten thousand and `node -e 0`.
// node bench/report.mjs [ENTRIES=1000000] [HOME]
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeLedger } from './make-ledger.mjs';

const ROUNDS = 15;
const entries = Number(process.argv[2] ?? 1_000_000);
const keep = process.argv[3];
const large = keep ?? mkdtempSync(join(tmpdir(), 'bench-report-'));
const small = mkdtempSync(join(tmpdir(), 'bench-report-small-'));
const program = new URL('../packages/cli/bin/if-optimise.js', import.meta.url).pathname;

function timed(...args) {
  const start = performance.now();
  execFileSync(process.execPath, args, { stdio: 'ignore' });
  return performance.now() - start;
}

const median = (times) => times.sort((a, b) => a - b)[Math.floor(times.length / 2)];

try {
  await makeLedger(large, entries);
  await makeLedger(small, 10_000);
  rmSync(join(large, 'accounts'), { recursive: true, force: true });
  const first = timed(program, 'report', '--group-by', 'component', '--home', large);
  timed(program, 'report', '--home', small);
  const times = { node: [], report: [], small: [], statusline: [] };
  for (let i = 0; i < ROUNDS; i++) {
    times.node.push(timed('-e', '0'));
    times.report.push(timed(program, 'report', '--group-by', 'component', '--home', large));
    times.small.push(timed(program, 'report', '--group-by', 'component', '--home', small));
    times.statusline.push(timed(program, 'statusline', '--home', large));
  }
  const [node, report, over10k, statusline] = [times.node, times.report, times.small, times.statusline].map(median);
  console.log(
    `${cpus()[0].model}, ${cpus().length} cores, Node ${process.version}; medians of ${ROUNDS}, whole processes`,
  );
  console.log(`node -e 0                    ${node.toFixed(0)} ms`);
  console.log(
    `report, ${entries} entries      ${report.toFixed(0)} ms   ${(report / over10k).toFixed(2)} x the same over 10,000`,
  );
  console.log(
    `statusline, ${entries} entries  ${statusline.toFixed(0)} ms   ${(statusline / node).toFixed(2)} x node -e 0`,
  );
  console.log(`the first report, which sums all entries up: ${(first / 1000).toFixed(1)} s`);
} finally {
  rmSync(small, { recursive: true });
  if (keep === undefined) rmSync(large, { recursive: true });
}
