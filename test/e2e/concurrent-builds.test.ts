import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startScriptedRegistry, type ScriptedRegistry } from '../../src/testing/scripted-registry.js';
import { expectSoundStore } from '../support/store-oracle.js';
import { tsbuild } from '../support/tsbuild.js';

const BUILDS = 16;
const DOCKERFILE = `ARG REGISTRY
FROM $REGISTRY/base
COPY file /file
RUN sleep 0.3; date +%s%N > /when
RUN cat /file /when > /both
`;
let root: string;
let env: Record<string, string>;
let registry: ScriptedRegistry;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'tsbuild-concurrent-'));
  chmodSync(root, 0o755);
  env = { TSBUILD_STORE: join(root, 'store') };
  mkdirSync(join(root, 'context'));
  writeFileSync(join(root, 'context/Dockerfile'), DOCKERFILE);
  writeFileSync(join(root, 'context/file'), 'content');
  registry = await startScriptedRegistry();
  const base = `${registry.host}/base`;
  const elsewhere = { env: { TSBUILD_STORE: join(root, 'other-store') } };
  for (const words of [
    ['bootstrap', '-t', base, '--include', 'date'],
    ['push', '-q', base],
  ]) {
    const { stderr, exitCode } = await tsbuild(words, elsewhere);
    expect(stderr + String(exitCode)).toMatch(/0$/);
  }
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});

test('builds of the same at once fetch each blob once, do each step once, and give one image', async () => {
  const context = join(root, 'context');
  const builds = await Promise.all(
    Array.from({ length: BUILDS }, async (_, index) => {
      const options = ['--progress', 'json', '--iidfile', join(root, `id${index}`)];
      return tsbuild(['build', ...options, '--build-arg', `REGISTRY=${registry.host}`, context], { env });
    }),
  );
  expect(builds.map(({ exitCode, stderr }) => (exitCode === 0 ? '' : stderr))).toEqual(builds.map(() => ''));
  const events = builds.flatMap(({ stderr }) =>
    stderr
      .split('\n')
      .flatMap((line) =>
        line.startsWith('{') ? [JSON.parse(line) as { type: string; step?: string; label?: string }] : [],
      ),
  );
  const steps = new Set(events.flatMap(({ type, step }) => (type === 'step-planned' ? [step] : [])));
  const done = events.filter(({ type }) => type === 'step-done');
  expect(steps.size).toBe(5);
  // Every build looks its base image up and sees it come; who fetched which of its blobs, the registry knows.
  const bases = new Set(events.flatMap(({ step, label = '' }) => (/metadata|FROM/.test(label) ? [step] : [])));
  const work = done.map(({ step }) => step).filter((step) => !bases.has(step));
  expect(work).toHaveLength(3);
  expect(new Set(work).size).toBe(work.length);
  const ids = new Set(builds.map((_, index) => readFileSync(join(root, `id${index}`), 'utf8')));
  expect([...ids]).toEqual([expect.stringMatching(/^sha256:/)]);
  expect(readdirSync(join(root, 'store/locks/work'))).toEqual([]);
  const fetched = registry.lines().filter((line) => /^GET .*\/blobs\//.test(line));
  expect(fetched.length).toBeGreaterThan(1);
  expect(fetched.filter((line, index) => fetched.indexOf(line) !== index)).toEqual([]);
  expectSoundStore(join(root, 'store'), { settled: true });
});
