import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BuildExplanation } from '../../src/builder/explain/build-explanation.js';
import { tsbuild } from '../support/tsbuild.js';

const DOCKERFILE = `FROM base AS builder
ARG MODE=debug
ARG API_TOKEN
COPY package.json .
RUN cat package.json > out
COPY src src
RUN cat src/* >> out
FROM base
COPY --from=builder /out /
RUN --mount=type=bind,source=src,target=/mnt cat /mnt/* > /seen
`;

let root: string;
let context: string;
let env: Record<string, string>;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'tsbuild-explain-'));
  chmodSync(root, 0o755);
  context = join(root, 'context');
  env = { TSBUILD_STORE: join(root, 'store') };
  expect((await tsbuild(['bootstrap', '-q', '-t', 'base'], { env })).stderr).toBe('');
  mkdirSync(join(context, 'src'), { recursive: true });
  write('Dockerfile', DOCKERFILE);
  write('package.json', '1');
  write('src/a', 'a');
  write('src/b', 'b');
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

function write(name: string, text: string): void {
  writeFileSync(join(context, name), text);
}

/** What is said of the steps that are not cached, by their instruction. */
async function built(...more: readonly string[]): Promise<Readonly<Record<string, readonly string[]>>> {
  const { stderr } = await tsbuild(['build', '--explain', '--progress', 'plain', ...more, context], { env });
  const labels = new Map<string, string>();
  const reasons: Record<string, string[]> = {};
  for (const line of stderr.split('\n')) {
    const [, number = '', rest = ''] = /^#(\d+) (.*)$/.exec(line) ?? [];
    if (rest.startsWith('[')) labels.set(number, rest.replace(/^\[[^\]]*\] /, ''));
    const [, reason] = /^not cached: (.*)$/.exec(rest) ?? [];
    if (reason !== undefined) (reasons[labels.get(number) ?? ''] ??= []).push(reason);
  }
  return reasons;
}

async function explained(...more: readonly string[]): Promise<BuildExplanation['steps']> {
  const { stdout } = await tsbuild(['explain', '--json', ...more, context], { env });
  return (JSON.parse(stdout) as BuildExplanation).steps;
}

test('a build says why it does what it does, and tsbuild explain says so before', async () => {
  const first = await built();
  expect(first['COPY package.json .']).toEqual(['no former build of this step is known']);
  expect(await built()).toEqual({});
  expect((await explained()).map(({ state }) => state)).toEqual(Array(7).fill('cached'));

  chmodSync(join(context, 'src/b'), 0o600);
  write('src/c', 'c');
  const foretold = (await explained()).map(({ label, state }) => `${state} ${label.replace(/^\[[^\]]*\] /, '')}`);
  expect(foretold.slice(3)).toEqual([
    'changed COPY src src',
    'follows RUN cat src/* >> out',
    'follows COPY --from=builder /out /',
    'changed RUN --mount=type=bind,source=src,target=/mnt cat /mnt/* > /seen',
  ]);
  const files = ['file src/b: mode 644 is now 600', 'file src/c: added'];
  const second = await built();
  expect(second['COPY src src']).toEqual(files);
  expect(second['RUN cat src/* >> out']).toEqual([
    expect.stringMatching(/^an earlier step has changed: .*COPY src src$/),
  ]);
  const last = second['RUN --mount=type=bind,source=src,target=/mnt cat /mnt/* > /seen'];
  expect(last?.slice(-2)).toEqual(files);
  expect(second).not.toHaveProperty('COPY package.json .');

  const third = await built('--build-arg', 'MODE=release', '--build-arg', 'API_TOKEN=swordfish');
  expect(third['RUN cat package.json > out']).toEqual([
    'variable MODE: "debug" is now "release"',
    'variable API_TOKEN: "(hidden)" is new',
  ]);

  write('Dockerfile', DOCKERFILE.replace('cat src/* >> out', 'cat src/* src/a >> out'));
  const fourth = await built('--build-arg', 'MODE=release');
  const told = 'instruction: "RUN cat src/* >> out" is now "RUN cat src/* src/a >> out"';
  expect(fourth['RUN cat src/* src/a >> out']).toContain(told);
  expect((await built('--no-cache'))['COPY src src']).toEqual(['the cache was not to be used for it']);
});

test('another base image is told of once, by its digest, and a record that is gone as such', async () => {
  write('Dockerfile', 'FROM other\nCOPY package.json /\nRUN cat /package.json\n');
  write('base.Dockerfile', 'FROM base\nRUN echo 1 > /base\n');
  const base = async (text: string): Promise<void> => {
    write('base.Dockerfile', `FROM base\nRUN echo ${text} > /base\n`);
    await tsbuild(['build', '-q', '-f', join(context, 'base.Dockerfile'), '-t', 'other', context], { env });
  };
  await base('1');
  await built();
  await base('2');
  const changed = await built();
  const line = /^base image docker.io\/library\/other:latest is now [0-9a-f]{12}: it was [0-9a-f]{12}$/;
  expect(changed['COPY package.json /']).toEqual([expect.stringMatching(line)]);
  expect(changed['RUN cat /package.json']).toEqual([expect.stringMatching(line)]);

  rmSync(join(root, 'store/records/step'), { recursive: true });
  const forgotten = 'nothing is different: what was remembered of it is no longer in the store';
  expect((await built())['RUN cat /package.json']).toEqual([forgotten]);
});

test('a dry run tells of steps, files and images, and leaves everything as it is', async () => {
  const names = async (): Promise<string> => (await tsbuild(['images', '-q', '--no-trunc'], { env })).stdout;
  write('Dockerfile', 'FROM base\nCOPY src src\nRUN cat src/*\n');
  write('src/c', 'c');
  await built();
  const before = await names();
  write('src/d', 'd');
  const { exitCode: status, stdout } = await tsbuild(['build', '--dry-run', '-t', 'never', '--push', context], { env });
  expect(status).toBe(0);
  expect(stdout).toMatch(/^image docker\.io\/library\/base:latest for linux\/\w+, sha256:[0-9a-f]{64}: in the store$/m);
  expect(stdout).toMatch(
    /^TO DO {2}\[.*COPY src src\n {4}why: file src\/d: added\n {4}reads src\/\n {4}reads src\/a$/m,
  );
  expect(stdout).toMatch(/^TO DO\? \[.*RUN cat src/m);
  expect(stdout).toMatch(/^CACHED \[.*FROM/m);
  expect(stdout).toMatch(/nothing was run, built or pushed\n$/);
  expect(await names()).toBe(before);

  const json = await tsbuild(['build', '--dryrun', '--progress=rawjson', context], { env });
  const told = JSON.parse(json.stdout) as BuildExplanation;
  expect(told.images.map(({ missing }) => missing)).toEqual([{ layers: 0, bytes: 0 }]);
  expect(told.steps.find(({ label }) => label.endsWith('COPY src src'))?.files).toEqual([
    'src/',
    'src/a',
    'src/b',
    'src/c',
    'src/d',
  ]);
  const wrong = await tsbuild(['build', '--dry-run', '--target', 'nosuch', context], { env });
  expect(wrong.exitCode).toBe(3);
});
