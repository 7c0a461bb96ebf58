/** Runs the example in a witness home of its own, which is removed at the end unless KEEP=1. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const home = mkdtempSync(join(tmpdir(), 'budget-example-'));
const cli = join(dirname(createRequire(import.meta.url).resolve('@infrafabric/cli')), '../bin');
const here = (name) => fileURLToPath(new URL(name, import.meta.url));

function run(title, ...args) {
  console.log(`\n$ ${title}`);
  const { status } = spawnSync(process.execPath, args, {
    env: { ...process.env, IF_WITNESS_HOME: home },
    // What the services say on stderr is part of what is shown here.
    stdio: ['ignore', 'inherit', 1],
  });
  return status;
}

const optimise = (...args) => run(`if-optimise ${args.join(' ')}`, join(cli, 'if-optimise.js'), ...args);

try {
  optimise('budget', '--set', '1', '--period', 'total', '--component', 'careless', '--name', 'careless');
  optimise('budget', '--set', '1', '--period', 'total', '--component', 'careful', '--name', 'careful');
  run('node service.mjs careless 12', here('service.mjs'), 'careless', '12');
  run('node service.mjs careful 12 ask', here('service.mjs'), 'careful', '12', 'ask');
  optimise('budget');
  const over = optimise('budget', 'check', '--component', 'careless');
  console.log(`(exit code ${over})`);
  process.exitCode = run('if-witness verify --quiet', join(cli, 'if-witness.js'), 'verify', '--quiet');
} finally {
  if (process.env.KEEP === '1') console.log(`\nkept: ${home}`);
  else rmSync(home, { recursive: true, force: true });
}
