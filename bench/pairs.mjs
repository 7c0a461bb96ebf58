// Runs commands in turns as whole processes and compares medians, so that a noisy machine disturbs all of them alike.
import { spawnSync } from 'node:child_process';

/** Median milliseconds of each command over `rounds` turns, after one warm-up. */
export function inTurns(commands, rounds) {
  const times = Object.fromEntries(Object.keys(commands).map((name) => [name, []]));
  for (let round = -1; round < rounds; round++) {
    for (const [name, { args, env }] of Object.entries(commands)) {
      const start = performance.now();
      const { status, stderr } = spawnSync(process.execPath, args, {
        env: { ...process.env, ...env },
        encoding: 'utf8',
      });
      const took = performance.now() - start;
      if (status !== 0) throw new Error(`${name} exited with ${status}: ${stderr}`);
      if (round >= 0) times[name].push(took);
    }
  }
  return Object.fromEntries(
    Object.entries(times).map(([name, all]) => [name, all.sort((a, b) => a - b)[all.length >> 1]]),
  );
}
