import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, expect, test } from 'vitest';
import { createSandbox } from '../../src/sandbox/create-sandbox.js';
import type { LayerImage, Mount } from '../../src/sandbox/run-spec.js';
import type { Sandbox } from '../../src/sandbox/sandbox.js';
import { invoke } from '../../src/support/syscalls.js';
import { erofsOf, indexedLayers } from '../support/indexed-tree.js';
import { directory, file, layerTar, symlink } from '../support/layer-entries.js';
import { requirement } from '../support/require.js';
import { shell } from '../support/sandbox-harness.js';

// The steps of a sandbox read a layer through one mount of this process's, which is attached nowhere.

const folder = mkdtempSync(join(tmpdir(), 'kept-mounts-'));
const open = (): Promise<Sandbox> =>
  createSandbox({ temporaryDirectory: folder, isolation: 'namespaces', upcoming: () => 0 });

/** overlayfs takes such mounts since Linux 6.15. */
function isRecent(): boolean {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  return major > 6 || (major === 6 && minor >= 15);
}

async function mountsImages(): Promise<boolean> {
  if (process.getuid?.() !== 0) return false;
  await using sandbox = await open();
  return sandbox.images === true;
}

const { skip, reason } = requirement(
  'erofs',
  isRecent() && (await mountsImages()),
  'mounts of layers are shared as root, on Linux 6.15 with EROFS of files',
);
const title = (text: string): string => (skip ? `${text} (${reason})` : text);

afterAll(() => {
  rmSync(folder, { recursive: true });
});

const SIZE = 200_000;

/** A layer that a step can run upon, with two files to read. */
async function makeLayer(place: string, text: string): Promise<LayerImage> {
  const tar = await layerTar(
    directory('bin'),
    file('bin/busybox', readFileSync('/bin/busybox'), { mode: 0o755 }),
    ...['sh', 'cat', 'ls', 'head', 'tail'].map((name) => symlink(`bin/${name}`, 'busybox')),
    file('a', text.repeat(SIZE)),
    file('b', text.repeat(SIZE)),
  );
  mkdirSync(place, { recursive: true });
  const [layer] = indexedLayers([tar], folder);
  const image = { metadata: join(place, 'layer.erofs'), tar: join(place, 'layer.tar') };
  if (layer === undefined) throw new Error('there is a layer');
  put(image.metadata, erofsOf(layer));
  put(image.tar, tar);
  return image;
}

/** As the store does: a file is there whole, in place of the one before. */
function put(path: string, content: Buffer): void {
  writeFileSync(`${path}.new`, content);
  renameSync(`${path}.new`, path);
}

let steps = 0;

async function run(
  sandbox: Sandbox,
  image: LayerImage,
  script: string,
  mounts: readonly Mount[] = [],
): Promise<string> {
  steps += 1;
  const [upper, work] = ['upper', 'work'].map((name) => join(folder, `${name}-${steps}`)) as [string, string];
  for (const path of [upper, work]) mkdirSync(path);
  const chunks: Buffer[] = [];
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk);
      done();
    },
  });
  const spec = { ...shell(script, { mounts }), rootfs: { kind: 'overlay', lowers: [image], upper, work } as const };
  const result = await sandbox.run(spec, { stdout: sink, stderr: sink, signal: new AbortController().signal });
  const output = Buffer.concat(chunks).toString();
  expect({ result, output }).toMatchObject({ result: { outcome: 'exited', exitCode: 0 } });
  return output;
}

const EROFS_MAGIC = 0xe0f5e1e2;

/** Of this process: paths of the roots of EROFS mounts that it has open. */
function heldMounts(): readonly string[] {
  const paths = readdirSync('/proc/self/fd').map((name) => `/proc/self/fd/${name}`);
  return paths.filter((path) => {
    try {
      return statfsSync(path).type === EROFS_MAGIC;
    } catch {
      return false;
    }
  });
}

const CACHESTAT = 451;

/** How many pages of a file the kernel has in memory (cachestat(2)). */
function pagesInMemory(path: string): number {
  const descriptor = openSync(path, 'r');
  try {
    const counts = Buffer.alloc(40);
    const signature = 'long syscall(long, long, const void *, void *, long)';
    invoke(signature, path, [CACHESTAT, descriptor, Buffer.alloc(16), counts, 0]);
    return Number(counts.readBigUInt64LE(0));
  } finally {
    closeSync(descriptor);
  }
}

test.skipIf(skip)(title('what one step has read of a layer, the next finds in memory'), async () => {
  const image = await makeLayer(join(folder, 'shared'), 'x');
  {
    await using sandbox = await open();
    expect(heldMounts()).toEqual([]);
    await run(sandbox, image, 'cat /a >/dev/null');
    const [mount = '', ...others] = heldMounts();
    expect(others).toEqual([]);
    const device = statSync(mount).dev;
    const inMemory = () => ['a', 'b'].map((name) => pagesInMemory(join(mount, name)) > 0);
    expect(inMemory()).toEqual([true, false]);
    await run(sandbox, image, 'cat /b >/dev/null');
    expect(heldMounts()).toEqual([mount]);
    expect(statSync(mount).dev).toBe(device);
    expect(inMemory()).toEqual([true, true]);
    // Nobody sees it, here or in a step.
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(' erofs ');
    expect(await run(sandbox, image, 'cat /proc/self/mountinfo')).not.toContain('erofs');
  }
  expect(heldMounts()).toEqual([]);
});

test.skipIf(skip)(title('steps at once, and mounts of them, share a layer, which none can write to'), async () => {
  const image = await makeLayer(join(folder, 'at-once'), 'x');
  await using sandbox = await open();
  const outputs = await Promise.all(
    ['one', 'two', 'three'].map(async (name) => {
      const [upper, work] = ['bind-upper', 'bind-work'].map((kind) => join(folder, `${kind}-${name}`)) as [
        string,
        string,
      ];
      for (const path of [upper, work]) mkdirSync(path);
      const source = { kind: 'overlay', lowers: [image], upper, work } as const;
      const bind = { type: 'bind', source, path: '', target: '/other', readonly: true } as const;
      const script = `echo ${name} > /a && head -c 1 /other/a && cat /a && ! (echo new > /other/b) 2>/dev/null && ls /proc/self/fd`;
      return await run(sandbox, image, script, [bind]);
    }),
  );
  // Three descriptors, and that of the directory that is listed.
  expect(outputs).toEqual(['one', 'two', 'three'].map((name) => `x${name}\n0\n1\n2\n3\n`));
  expect(heldMounts()).toHaveLength(1);
});

test.skipIf(skip)(title('a layer that was made again during the build is not served as it was'), async () => {
  const place = join(folder, 'again');
  const image = await makeLayer(place, 'x');
  await using sandbox = await open();
  expect(await run(sandbox, image, 'head -c 3 /a')).toBe('xxx');
  await makeLayer(place, 'y');
  expect(await run(sandbox, image, 'head -c 3 /a')).toBe('yyy');
  expect(heldMounts()).toHaveLength(1);
  // In place: the kernel has pages of what the file had before.
  const tar = readFileSync(image.tar);
  writeFileSync(image.tar, tar.fill('z', tar.indexOf('yyy'), tar.indexOf('yyy') + 2), { flag: 'r+' });
  expect(await run(sandbox, image, 'head -c 3 /a')).toBe('zzy');
  expect(heldMounts()).toHaveLength(1);
});

test.skipIf(skip)(title('a layer that cannot be mounted fails the step, and no other'), async () => {
  const [good, bad] = [await makeLayer(join(folder, 'good'), 'x'), await makeLayer(join(folder, 'bad'), 'x')];
  await using sandbox = await open();
  writeFileSync(bad.metadata, Buffer.alloc(4096));
  await expect(run(sandbox, bad, 'head -c 1 /a')).rejects.toMatchObject({
    code: 'SANDBOX_FAILED',
    message: expect.stringContaining('cannot mount the root file system: overlay of 1 layers: EINVAL'),
  });
  expect(await run(sandbox, good, 'head -c 1 /a')).toBe('x');
});
