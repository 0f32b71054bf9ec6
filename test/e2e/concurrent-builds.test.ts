import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tsbuild } from '../support/tsbuild.js';

const DOCKERFILE = `FROM base
COPY file /file
RUN sleep 0.3; date +%s%N > /when
RUN cat /file /when > /both
`;
let root: string;
let env: Record<string, string>;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'tsbuild-concurrent-'));
  chmodSync(root, 0o755);
  env = { TSBUILD_STORE: join(root, 'store') };
  mkdirSync(join(root, 'context'));
  writeFileSync(join(root, 'context/Dockerfile'), DOCKERFILE);
  writeFileSync(join(root, 'context/file'), 'content');
  const made = await tsbuild(['bootstrap', '-t', 'base', '--include', 'date'], { env });
  expect(made.stderr + String(made.exitCode)).toMatch(/0$/);
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

test('builds of the same at once do each step once, and give one image', async () => {
  const context = join(root, 'context');
  const builds = await Promise.all(
    Array.from({ length: 6 }, async (_, index) =>
      tsbuild(['build', '--progress', 'json', '--iidfile', join(root, `id${index}`), context], { env }),
    ),
  );
  expect(builds.map(({ exitCode, stderr }) => (exitCode === 0 ? '' : stderr))).toEqual(builds.map(() => ''));
  const events = builds.flatMap(({ stderr }) =>
    stderr
      .split('\n')
      .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as { type: string; step?: string }] : [])),
  );
  const steps = new Set(events.flatMap(({ type, step }) => (type === 'step-planned' ? [step] : [])));
  const done = events.filter(({ type }) => type === 'step-done');
  expect(steps.size).toBe(4);
  expect(new Set(done.map(({ step }) => step)).size).toBe(done.length);
  const ids = new Set(builds.map((_, index) => readFileSync(join(root, `id${index}`), 'utf8')));
  expect([...ids]).toEqual([expect.stringMatching(/^sha256:/)]);
  expect(readdirSync(join(root, 'store/locks/work'))).toEqual([]);
});
