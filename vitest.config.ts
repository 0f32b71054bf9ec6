import { defineConfig } from 'vitest/config';

const project = (name: string, timeoutMs: number, { hookMs = timeoutMs, isolate = true } = {}) => ({
  test: {
    name,
    isolate,
    include: [`test/${name}/**/*.test.ts`],
    pool: 'forks' as const,
    testTimeout: timeoutMs,
    hookTimeout: hookMs,
  },
});

export default defineConfig({
  test: {
    // One worker fewer than processors is for who watches; this is not watched.
    maxWorkers: '100%',
    reporters: ['default', './test/support/closing-line.ts'],
    projects: [
      // A process for each file would cost more than the tests in it.
      project('unit', 20_000, { isolate: false }),
      project('contract', 60_000),
      project('security', 60_000),
      project('integration', 120_000),
      project('e2e', 180_000, { hookMs: 600_000 }),
      project('faults', 180_000),
      project('conformance', 180_000, { hookMs: 600_000 }),
    ],
  },
});
