import { existsSync, mkdtempSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KeptImages } from '../../../../src/sandbox/mounts/kept-images.js';
import type { LayerImage, Rootfs } from '../../../../src/sandbox/run-spec.js';
import { SyscallError } from '../../../../src/support/syscalls.js';

let place: string;
/** Of the mounts that were made, in turn: the metadata, and a descriptor that is open as long as the mount is there. */
let made: { readonly metadata: string; readonly path: string }[];

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'kept-images-'));
  made = [];
});
afterEach(() => {
  rmSync(place, { recursive: true });
});

function keeping(most?: number): KeptImages {
  const mount = ({ metadata }: LayerImage): number => {
    const descriptor = openSync(place, 'r');
    made.push({ metadata, path: `/proc/${process.pid}/fd/${descriptor}` });
    return descriptor;
  };
  return new KeptImages({ mount, ...(most === undefined ? {} : { most }) });
}

function image(name: string, content = name): LayerImage {
  const [metadata, tar] = [join(place, `${name}.erofs`), join(place, `${name}.tar`)];
  for (const file of [metadata, tar]) writeFileSync(file, content);
  return { metadata, tar };
}

const over = (...lowers: readonly (string | LayerImage)[]): Rootfs => ({
  kind: 'overlay',
  lowers,
  upper: '/upper',
  work: '/work',
});
const lowersOf = (rootfs: Rootfs): readonly unknown[] => (rootfs.kind === 'overlay' ? rootfs.lowers : []);
const areOpen = (): readonly boolean[] => made.map(({ path }) => existsSync(path));

test('a layer is mounted once, for all who ask for it, at once or later', () => {
  using kept = keeping();
  const layers = [image('a'), image('b')] as const;
  for (const step of ['first', 'second']) {
    using loan = kept.lend();
    using other = kept.lend();
    const expected = ['/unpacked', ...made.slice(0, 2).map(({ path }) => path)];
    const mounted = lowersOf(loan.mounted(over('/unpacked', ...layers)));
    expect(lowersOf(other.mounted(over('/unpacked', ...layers)))).toEqual(mounted);
    if (step === 'second') expect(mounted).toEqual(expected);
  }
  expect(made.map(({ metadata }) => metadata)).toEqual(layers.map(({ metadata }) => metadata));
  expect(areOpen()).toEqual([true, true]);
});

test('roots of mounts have their layers replaced too, and nothing else is changed', () => {
  using kept = keeping();
  using loan = kept.lend();
  const layer = image('a');
  const directory = { kind: 'directory', path: '/d' } as const;
  const bind = { type: 'bind', path: '', target: '/t', readonly: true } as const;
  const memory = { type: 'tmpfs', target: '/m', readonly: false } as const;
  const given = loan.inPlaceOf({
    rootfs: directory,
    mounts: [{ ...bind, source: over(layer) }, { ...bind, source: directory }, memory],
  });
  const source = over(made[0]?.path ?? 'nothing was mounted');
  expect(given).toEqual({ rootfs: directory, mounts: [{ ...bind, source }, { ...bind, source: directory }, memory] });
});

test.each([
  ['whose metadata were made again', 'metadata', (file: string) => replace(file)],
  ['whose tar was made again', 'tar', (file: string) => replace(file)],
  ['whose metadata were written to', 'metadata', (file: string) => writeFileSync(file, 'b', { flag: 'a' })],
  ['whose tar was written to', 'tar', (file: string) => writeFileSync(file, 'b', { flag: 'a' })],
] as const)('a layer %s is mounted again, and the old mount goes when nobody holds it', (_, file, change) => {
  using kept = keeping();
  const layer = image('a');
  {
    using loan = kept.lend();
    loan.mounted(over(layer));
    change(layer[file]);
    using later = kept.lend();
    expect(lowersOf(later.mounted(over(layer)))).toEqual([made[1]?.path]);
    expect(areOpen()).toEqual([true, true]);
  }
  expect(areOpen()).toEqual([false, true]);
});

/** By a file of the same size. */
function replace(file: string): void {
  writeFileSync(`${file}.new`, 'b');
  renameSync(`${file}.new`, file);
}

test('no more are kept than may be: the one that was not used for longest goes', () => {
  using kept = keeping(2);
  const [a, b, c] = [image('a'), image('b'), image('c')];
  const use = (layer: LayerImage): void => {
    using loan = kept.lend();
    loan.mounted(over(layer));
  };
  for (const layer of [a, b, a, c]) use(layer);
  expect(areOpen()).toEqual([true, false, true]);
  use(a);
  expect(made).toHaveLength(3);
});

test('a stack of more layers than are kept is there whole until it is given back', () => {
  using kept = keeping(2);
  const layers = ['a', 'b', 'c', 'd'].map((name) => image(name));
  {
    using loan = kept.lend();
    loan.mounted(over(...layers));
    expect(areOpen()).toEqual([true, true, true, true]);
  }
  expect(areOpen()).toEqual([false, false, true, true]);
});

test('disposing closes all, what is lent when it is given back', () => {
  const kept = keeping();
  const loan = kept.lend();
  loan.mounted(over(image('a')));
  {
    using other = kept.lend();
    other.mounted(over(image('b')));
  }
  kept[Symbol.dispose]();
  expect(areOpen()).toEqual([true, false]);
  loan[Symbol.dispose]();
  expect(areOpen()).toEqual([false, false]);
});

test('what cannot be mounted is left to who runs the step, who says why', () => {
  using kept = new KeptImages({
    mount: () => {
      throw new SyscallError('fsopen', 24, 'erofs');
    },
  });
  using loan = kept.lend();
  const rootfs = over(image('a'));
  expect(loan.inPlaceOf({ rootfs, mounts: [] })).toEqual({ rootfs, mounts: [] });
  const missing = over({ metadata: '/no/such', tar: '/no/such' });
  expect(loan.inPlaceOf({ rootfs: missing, mounts: [] }).rootfs).toEqual(missing);
  expect(() => loan.mounted(rootfs)).toThrow('EMFILE');
});
