// The bundle of a trace of 1,000 entries out of a million: export and verify, whole processes, against `node -e 0`, in turns. Once
// with the entries one after the other, once evenly spread over the ledger, which is as far apart as they can be. And the page in
// Chromium, where there is one: from the file that is given to the verdict that is shown.
// node bench/bundle.mjs [ENTRIES=1000000] [HOME] [ROUNDS=11]
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inTurns } from './pairs.mjs';
import { FLOW_ENTRIES, makeTracesLedger } from './traces-ledger.mjs';

const CHROMIUM = '/usr/bin/chromium';
const entries = Number(process.argv[2] ?? 1_000_000);
const rounds = Number(process.argv[4] ?? 11);
const scratch = mkdtempSync(join(tmpdir(), 'bench-bundle-'));
const home = process.argv[3] || join(scratch, 'home');
await makeTracesLedger(home, entries);
const program = join(import.meta.dirname, '../packages/cli/bin/if-witness.js');
const env = { IF_WITNESS_HOME: home };
const commands = { node: { args: ['-e', '0'] } };
const file = (flow) => join(scratch, `${flow}.bundle`);
for (const flow of ['together', 'spread']) {
  const selection = ['--format', 'bundle', '--trace-id', flow, '--output', file(flow), '--quiet'];
  commands[`export, ${flow}`] = { args: [program, 'export', ...selection], env };
  commands[`verify, ${flow}`] = { args: [program, 'verify', '--bundle', file(flow), '--quiet'], env };
}
const ms = inTurns(commands, rounds);
console.log(
  `${cpus()[0].model}, ${cpus().length} cores, Node ${process.version}; ${FLOW_ENTRIES} of ${entries} entries`,
);
for (const [name, took] of Object.entries(ms)) {
  const ratio = name === 'node' ? '' : `   ${(took / ms.node).toFixed(1)} x node -e 0`;
  console.log(`${name.padEnd(18)} ${took.toFixed(0).padStart(5)} ms${ratio}`);
}
for (const flow of ['together', 'spread'])
  console.log(`bundle, ${flow.padEnd(9)} ${(statSync(file(flow)).size / 1e6).toFixed(1).padStart(6)} MB`);
if (existsSync(CHROMIUM)) {
  const median = await inChromium();
  console.log(`page in Chromium   ${median.toFixed(0).padStart(5)} ms, file to verdict`);
}
rmSync(scratch, { recursive: true });

/** Median over as many rounds, each in a page of its own. */
async function inChromium() {
  const { spawnSync } = await import('node:child_process');
  const { chromium } = await import('playwright-core');
  const page = join(scratch, 'verify.html');
  spawnSync(process.execPath, [program, 'verify', '--page', page], { env: { ...process.env, ...env } });
  const { stdout } = spawnSync(process.execPath, [program, 'keys', 'show'], { env: { ...process.env, ...env } });
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] });
  const times = [];
  for (let round = -1; round < rounds; round++) {
    const tab = await browser.newPage();
    await tab.goto(pathToFileURL(page).href);
    await tab.fill('#key', String(stdout).trim());
    const start = performance.now();
    await tab.setInputFiles('#files', file('together'));
    await tab.waitForSelector('.report.valid');
    if (round >= 0) times.push(performance.now() - start);
    await tab.close();
  }
  await browser.close();
  return times.sort((a, b) => a - b)[times.length >> 1];
}
