import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tsbuild } from '../support/tsbuild.js';

let root: string;
let env: Record<string, string>;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'tsbuild-list-'));
  env = { TSBUILD_STORE: join(root, 'store') };
  writeFileSync(join(root, 'Dockerfile'), 'FROM scratch\nCOPY Dockerfile /\n');
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

const build = (...words: readonly string[]): ReturnType<typeof tsbuild> => tsbuild(['build', ...words, root], { env });

interface Listed {
  readonly manifests: readonly { readonly platform: { readonly architecture: string }; readonly digest: string }[];
}

async function listed(): Promise<readonly string[]> {
  const layout = join(root, 'layout');
  rmSync(layout, { recursive: true, force: true });
  await tsbuild(['save', '--format=oci-dir', '-o', layout, 'list'], { env });
  const read = (path: string): Listed => JSON.parse(readFileSync(join(layout, path), 'utf8')) as Listed;
  const [top] = read('index.json').manifests;
  const { manifests } = read(`blobs/${top?.digest.replace(':', '/') ?? ''}`);
  return manifests.map(({ platform, digest }) => `${platform.architecture} ${digest}`);
}

test('--manifest makes a list, adds to it, and replaces the image of a platform; builds side by side wait', async () => {
  const both = await Promise.all([
    build('--manifest', 'list', '--platform', 'linux/amd64'),
    build('--manifest', 'list', '--platform', 'linux/arm64'),
  ]);
  expect(both.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
  expect(both.map(({ stderr }) => /manifest list list:latest has (\d)/.exec(stderr)?.[1]).sort()).toEqual(['1', '2']);
  const before = await listed();
  expect(before.map((entry) => entry.split(' ')[0]).sort()).toEqual(['amd64', 'arm64']);

  const again = await build('--manifest', 'list', '--platform', 'linux/arm64,linux/s390x', '--label', 'version=2');
  expect(again.stderr).toContain('manifest list list:latest has 3 images now');
  const after = await listed();
  expect(after.filter((entry) => before.includes(entry)).map((entry) => entry.split(' ')[0])).toEqual(['amd64']);
  expect((await tsbuild(['fsck'], { env })).exitCode).toBe(0);
});

test('--manifest refuses the name of a single image', async () => {
  expect((await build('-t', 'single')).exitCode).toBe(0);
  const { exitCode, stderr } = await build('--manifest', 'single');
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining('the name is that of a single image')]);
});
