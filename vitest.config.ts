/** Tests run what ships: the built `dist` of each package, loaded by Node itself. Build first (`pnpm test` does). */
import { defineConfig } from 'vitest/config';
import { ClosingLineReporter } from './test/reporter/closing-line.js';

export default defineConfig({
  test: {
    include: ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts', 'examples/*/test/**/*.test.ts'],
    environment: 'node',
    // Many tests start processes of their own, and a small machine has two cores.
    maxWorkers: 2,
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
