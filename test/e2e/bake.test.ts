import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BuildExplanation } from '../../src/builder/explain/build-explanation.js';
import { expectSoundStore } from '../support/store-oracle.js';
import { tsbuild, type CliResult } from '../support/tsbuild.js';

const DEFINITION = `
group "default" { targets = ["amd", "arm"] }
target "shared" {
  dockerfile-inline = "FROM scratch\\nCOPY file /shared"
}
target "amd" {
  contexts = { shared = "target:shared" }
  dockerfile-inline = "FROM shared\\nCOPY file /amd"
  platforms = ["linux/amd64"]
}
target "arm" {
  contexts = { shared = "target:shared" }
  dockerfile-inline = "FROM shared\\nCOPY file /arm"
  platforms = ["linux/arm64"]
}
`;

interface Listed {
  readonly manifests: readonly { readonly digest: string; readonly platform: object }[];
}

let root: string;
let env: Record<string, string>;
const bake = (...words: readonly string[]): Promise<CliResult> => tsbuild(['bake', ...words], { env, cwd: root });

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'tsbuild-bake-'));
  env = { TSBUILD_STORE: join(root, 'store') };
  writeFileSync(join(root, 'docker-bake.hcl'), DEFINITION);
  writeFileSync(join(root, 'file'), 'content');
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

test('a dry run of all targets is of one graph, and leaves no result', async () => {
  const { exitCode, stdout, stderr } = await bake('--dry-run', '--progress=json');
  expect(exitCode, stderr).toBe(0);
  const { steps } = JSON.parse(stdout) as BuildExplanation;
  // What both start from is one step.
  expect(steps.map(({ label }) => label.replace(/^.*\] /, '')).sort()).toEqual([
    'COPY file /amd',
    'COPY file /arm',
    'COPY file /shared',
  ]);
  expect(new Set(steps.map(({ state }) => state))).toEqual(new Set(['changed']));
  expect((await tsbuild(['images', '-q'], { env })).stdout).toBe('');
  const blobs = join(root, 'store/blobs/sha256');
  expect(existsSync(blobs) ? readdirSync(blobs) : []).toEqual([]);
});

test('--manifest puts the images of all targets into one list', async () => {
  const { exitCode, stderr } = await bake('--manifest', 'list');
  expect(exitCode, stderr).toBe(0);
  expect(stderr).toContain('manifest list list:latest has 2 images now');
  const layout = join(root, 'layout');
  mkdirSync(layout);
  await tsbuild(['save', '--format=oci-dir', '-o', layout, 'list'], { env });
  const read = (path: string): Listed => JSON.parse(readFileSync(join(layout, path), 'utf8')) as Listed;
  const [top] = read('index.json').manifests;
  const listed = read(`blobs/${top?.digest.replace(':', '/') ?? ''}`).manifests;
  expect(listed.map(({ platform }) => platform)).toEqual([
    { architecture: 'amd64', os: 'linux' },
    { architecture: 'arm64', os: 'linux' },
  ]);
  const cached = await bake('--dry-run');
  expect(cached.stdout).toMatch(/^3 steps: 3 cached, 0 to be done; nothing was run, built or pushed$/m);
  expectSoundStore(join(root, 'store'));
});
