// `if-witness log`, whole process, against `node -e 0`, in turns.
// node bench/log.mjs [ROUNDS=21]
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { inTurns } from './pairs.mjs';

const home = mkdtempSync(join(tmpdir(), 'bench-log-'));
const log = [
  join(import.meta.dirname, '../packages/cli/bin/if-witness.js'),
  ...['log', '--event', 'sip_invite_sent', '--component', 'IF.witness.sip', '--trace-id', 'session-flow-001'],
  ...['--payload', '{"cseq": 1}', '--tokens-in', '300', '--tokens-out', '150', '--cost', '0.0005'],
];
const ms = inTurns(
  { node: { args: ['-e', '0'] }, log: { args: log, env: { IF_WITNESS_HOME: home } } },
  Number(process.argv[2] ?? 21),
);
rmSync(home, { recursive: true });
console.log(`${cpus()[0].model}, ${cpus().length} cores, Node ${process.version}`);
console.log(`node -e 0       ${ms.node.toFixed(0)} ms`);
console.log(`if-witness log  ${ms.log.toFixed(0)} ms   ${(ms.log / ms.node).toFixed(2)} x`);
