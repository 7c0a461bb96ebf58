/** The two command lines, run as anyone would, and what is said around them. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

let step = 0;

export function say(text) {
  step++;
  console.log(`\n${step}. ${text}`);
}

export function programPath(name) {
  return fileURLToPath(new URL(`node_modules/@infrafabric/cli/bin/${name}.js`, import.meta.url));
}

export function ifWitness(...args) {
  return run('if-witness', args);
}

export function ifOptimise(...args) {
  return run('if-optimise', args);
}

/** What a command prints as JSON. */
export function jsonOf({ command, exitCode, stdout, stderr }) {
  if (exitCode !== 0) throw new Error(`${command} ended with exit code ${exitCode}: ${stderr}`);
  return JSON.parse(stdout);
}

/** Shows a command and what it said. */
export function show({ command, stdout, stderr }) {
  console.log(`   $ ${command}`);
  console.log(`${stdout}${stderr}`.trimEnd().replace(/^(?=.)/gm, '   '));
}

function run(name, args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [programPath(name), ...args], { encoding: 'utf8' });
  return { command: [name, ...args].join(' '), exitCode: status, stdout, stderr };
}
