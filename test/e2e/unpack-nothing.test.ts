import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { directory, file, layerTar, symlink } from '../support/layer-entries.js';
import { tsbuild } from '../support/tsbuild.js';

// A build that only copies and makes directories reads its base where it lies.

let root: string;
let context: string;
const env = (): Record<string, string> => ({ TSBUILD_STORE: join(root, 'store'), SOURCE_DATE_EPOCH: '1700000000' });
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'unpack-nothing-'));
  context = join(root, 'context');
  mkdirSync(context);
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

async function succeed(...args: readonly string[]): Promise<string> {
  const { exitCode, stderr, stdout } = await tsbuild(args, { env: env() });
  expect(exitCode, stderr).toBe(0);
  return stdout;
}

async function build(name: string, ...lines: readonly string[]): Promise<string> {
  writeFileSync(join(context, 'Dockerfile'), `${lines.join('\n')}\n`);
  return (await succeed('build', '-q', '--no-cache', '-t', name, context)).trim();
}

/** Whatever kinds of them there are. */
function snapshots(): readonly string[] {
  const folder = join(root, 'store/snapshots');
  const names = existsSync(folder) ? readdirSync(folder, { recursive: true }).map(String) : [];
  return names.filter((name) => /[0-9a-f]{64}$/.test(name));
}

test('COPY, WORKDIR and COPY --from unpack nothing, with lost indexes as well, and the store stays sound', async () => {
  const base = await layerTar(
    directory('etc'),
    file('etc/passwd', 'root:x:0:0::/root:/bin/sh\nsome:x:7:8::/:/bin/sh\n'),
    directory('usr'),
    file('usr/tool', 'a tool'),
    symlink('bin', 'usr'),
  );
  writeFileSync(join(context, 'base.tar'), base);
  writeFileSync(join(context, 'file'), 'content');
  await build('base', 'FROM scratch', 'ADD base.tar /');
  const steps = [
    'FROM base',
    'USER some',
    'WORKDIR /bin/deep',
    'COPY --chown=some file .',
    'COPY --from=base /bin/tool /t',
  ];
  const first = await build('image', ...steps);
  expect(snapshots()).toEqual([]);
  const indexes = join(root, 'store/layer-indexes');
  expect(readdirSync(indexes).length).toBeGreaterThanOrEqual(3);
  rmSync(indexes, { recursive: true });
  expect(await build('image', ...steps)).toBe(first);
  expect(snapshots()).toEqual([]);
  for (const name of readdirSync(indexes)) writeFileSync(join(indexes, name), 'damaged');
  expect(await succeed('df')).toMatch(/^Layer indexes +0 /m);
  expect(await build('image', ...steps)).toBe(first);
  expect(await succeed('fsck')).toContain('The store is as it should be.');
  await succeed('rmi', 'image', 'base');
  await succeed('prune', '--all', '--force');
  expect(readdirSync(indexes)).toEqual([]);
});
