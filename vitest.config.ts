/** Tests run what ships: the built `dist` of each package, loaded by Node itself. Build first (`pnpm test` does). */
import { defineConfig } from 'vitest/config';
import { ClosingLineReporter } from './test/reporter/closing-line.js';
import { SQLITE } from './test/sqlite.mjs';

export default defineConfig({
  resolve: { alias: { 'better-sqlite3': SQLITE } },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts', 'examples/*/test/**/*.test.ts'],
    environment: 'node',
    // A small machine has two cores; of three tests one mostly waits for a process or for a time to pass.
    maxWorkers: 3,
    // Nothing measures time here: only what hangs is cut off, also on a machine that is busy.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 10_000,
    // A forgotten `.only` would silently leave the rest out.
    allowOnly: false,
    server: { deps: { external: [/\/packages\/[^/]+\/dist\//] } },
    reporters: ['default', new ClosingLineReporter()],
  },
});
