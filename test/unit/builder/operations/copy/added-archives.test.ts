import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Change } from '../../../../../src/layers/change.js';
import { bytesOfText } from '../../../../../src/support/byte-string.js';
import { device, directory, fifo, file, hardlink, layerTar, symlink } from '../../../../support/layer-entries.js';
import { changesOf, copied, copiedPaths, type CopyCase, type Files } from './copying.js';

const add = (archive: Uint8Array, more: Partial<CopyCase> = {}): CopyCase => ({
  source: { 'a.tar': { bytes: archive } },
  sources: ['a.tar'],
  destination: '/x',
  ...more,
  more: { keyword: 'ADD', ...more.more },
});

/** Compressed with xz and bzip2: a tar archive with one file `f` of the content "F". */
const XZ = Buffer.from(
  '/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4Cf/AFhdADMAM1AYaImDAdzibiEFRncsj54eMb83LECzgij2n0t3c4b/eBZ6zd9QpqJF4pbcEndnkAtqFLeYO1Redj/RpIsyiryIbZtm9ARR4I/iMLBJpIJM/uLxpgAAEFixcv1yeKwAAXSAUAAAADokDSmxxGf7AgAAAAAEWVo=',
  'base64',
);
const BZIP2 = Buffer.from(
  'QlpoOTFBWSZTWbOjqecAAG/fgMkAYAB3gAEAAADhAB4ACAggAFQ0mgaAAaCRSaNGjE0MmbyIIQViCEcPzreLkaoEMGThRo0YjsyB3thJTbmKPUx7fVVYERAfF3JFOFCQs6Op5w==',
  'base64',
);
const ZSTD = Buffer.from(
  'KLUv/QRYZQIAtAJmADAwMDA2NDQwMDAwMDAxADAxNzUwADAwNjEyMQAgMAAAAHVzdGFyADBGCwBjBfAwMAGB9ARIYzCBeCNFvGNmBcMD6Fau/RPAAskMEtE=',
  'base64',
);

describe('pitfall 97: ADD unpacks what is a tar archive by content', () => {
  test.each<[string, () => Uint8Array | Promise<Uint8Array>]>([
    ['plain', () => layerTar(file('f', 'F'))],
    ['gzip', async () => gzipSync(await layerTar(file('f', 'F')))],
    ['xz', () => XZ],
    ['bzip2', () => BZIP2],
    ['zstd', () => ZSTD],
  ])('%s', async (_, archive) => {
    expect(await copied(add(await archive()))).toEqual(['directory 755 0:0 x @0', 'file 644 0:0 x/f @1000 F']);
  });

  test.each<[string, () => Uint8Array | Promise<Uint8Array>]>([
    ['an empty file', () => new Uint8Array()],
    ['an archive without entries', () => layerTar()],
    ['zeros', () => new Uint8Array(4096)],
    ['gzip of something else', () => gzipSync('no archive')],
    ['gzip of a gzip of an archive', async () => gzipSync(gzipSync(await layerTar(file('f', 'F'))))],
    ['the beginning of gzip', () => gzipSync('x'.repeat(5000)).subarray(0, 12)],
    ['text', () => Buffer.from('text\n'.repeat(1000))],
  ])('and copies %s as it is', async (_, content) => {
    const bytes = Buffer.from(await content());
    const changes = await changesOf(add(bytes, { destination: '/x/' }));
    const last = changes.at(-1);
    expect(last).toMatchObject({ entry: { path: 'x/a.tar', type: 'file', size: bytes.length } });
  });

  test('COPY does not, nor does --unpack=false', async () => {
    const archive = await layerTar(file('f', 'F'));
    expect(await copiedPaths(add(archive, { more: { keyword: 'COPY' } }))).toEqual(['x']);
    expect(await copiedPaths(add(archive, { more: { unpack: false } }))).toEqual(['x']);
  });

  test('a link to an archive is followed first; an archive in a folder is not unpacked', async () => {
    const source: Files = { 'real/a.tar': { bytes: await layerTar(file('f', 'F')) }, link: { link: 'real/a.tar' } };
    const given = { ...add(new Uint8Array()), source };
    expect(await copiedPaths({ ...given, sources: ['link'] })).toEqual(['x', 'x/f']);
    expect(await copiedPaths({ ...given, sources: ['real'] })).toEqual(['x', 'x/a.tar']);
  });

  test('archives and other files side by side', async () => {
    const source: Files = {
      'a.tar': { bytes: await layerTar(file('f', 'A'), file('a', 'A')) },
      'b.tar': { bytes: await layerTar(file('f', 'B')) },
      c: 'C',
    };
    const given = { ...add(new Uint8Array()), source, sources: ['a.tar', 'b.tar', 'c'] };
    expect((await copied(given)).slice(1)).toEqual([
      'file 644 0:0 x/c @1000 C',
      'file 644 0:0 x/a @1000 A',
      'file 644 0:0 x/f @1000 B',
    ]);
  });
});

describe('pitfall 98: what is unpacked', () => {
  const archive = (...changes: readonly Change[]): Promise<Buffer> => layerTar(...changes);

  test('has the owners, modes and times of the archive; directories that no entry names are of root', async () => {
    const tar = await archive(
      directory('d', { mode: 0o1700, uid: 5, gid: 6 }),
      file('d/f', 'F', { mode: 0o4751, uid: 7, gid: 8 }),
      file('implied/e', '', { uid: 7 }),
      symlink('l', '/etc/x', { uid: 7 }),
      fifo('p'),
      device('n', 1, 3),
    );
    expect(await copied(add(tar))).toEqual([
      'directory 755 0:0 x @0',
      'directory 1700 5:6 x/d @1000',
      'directory 755 0:0 x/implied @0',
      'symlink 777 7:0 x/l @1000 -> /etc/x',
      'character-device 644 0:0 x/n @1000',
      'fifo 644 0:0 x/p @1000',
      'file 4751 7:8 x/d/f @1000 F',
      'file 644 7:0 x/implied/e @1000',
    ]);
  });

  test('belongs to --chown, but for those directories; --chmod does not count', async () => {
    const tar = await archive(file('implied/e', '', { uid: 7 }), symlink('l', 'e'));
    const given = add(tar, { owner: { uid: 3, gid: 4 }, more: { chown: '3:4', chmod: '600' } });
    expect(await copied(given)).toEqual([
      'directory 755 3:4 x @0',
      'directory 755 0:0 x/implied @0',
      'symlink 777 3:4 x/l @1000 -> e',
      'file 644 3:4 x/implied/e @1000',
    ]);
  });

  test('leaves the mode of the destination alone', async () => {
    const tar = await archive(directory('', { mode: 0o700, uid: 9 }), file('f'));
    expect((await copied(add(tar)))[0]).toBe('directory 755 0:0 x @0');
    const existing = { base: { 'x/': { mode: 0o711, uid: 1 } } };
    expect((await copied(add(tar, existing)))[0]).toBe('directory 711 1:0 x @1000');
  });

  test('replaces what is there, a directory with all that is in it; directories join', async () => {
    const base = { 'file/in': '', 'dir/in': '', name: 'old', link: { link: '/elsewhere' } };
    const tar = await archive(
      file('file', 'F'),
      directory('dir', { mode: 0o700 }),
      file('name', 'new'),
      directory('link'),
      file('link/f'),
    );
    expect(await copied(add(tar, { base, destination: '/' }))).toEqual([
      'directory 700 0:0 dir @1000',
      'directory 755 0:0 link @1000',
      'file 644 0:0 file @1000 F',
      'file 644 0:0 name @1000 new',
      'file 644 0:0 link/f @1000',
    ]);
  });

  test('a directory that came back hides what it had', async () => {
    const tar = await archive(file('home', 'F'), directory('home'), file('home/new'));
    const lines = await copied(add(tar, { base: { 'home/old': '', 'home/d/': {} }, destination: '/' }));
    expect(lines).toEqual(['directory 755 0:0 home @1000', 'opaque home', 'file 644 0:0 home/new @1000']);
  });

  test('the last entry of a name counts; a link made before keeps the first', async () => {
    const tar = await archive(file('x', '1'), hardlink('y', 'x'), file('x', '2'));
    expect((await copied(add(tar))).slice(1)).toEqual(['file 644 0:0 x/y @1000 1', 'file 644 0:0 x/x @1000 2']);
  });

  test('names of one file have the attributes of the last entry, and its content once', async () => {
    const tar = await archive(file('b', 'B', { mode: 0o755 }), hardlink('a', 'b'), hardlink('c', 'a'));
    expect((await copied(add(tar))).slice(1)).toEqual([
      'file 644 0:0 x/a @1000 B',
      'hardlink 644 0:0 x/b @1000 -> x/a',
      'hardlink 644 0:0 x/c @1000 -> x/a',
    ]);
  });

  test('a hard link to a file of the image takes it into the layer', async () => {
    const base = { 'etc/passwd': { text: 'root', uid: 1 } };
    const tar = await archive(hardlink('pw', 'etc/passwd'));
    expect(await copied(add(tar, { base, destination: '/' }))).toEqual([
      'directory 755 0:0 etc @1000',
      'file 644 0:0 etc/passwd @1000 root',
      'hardlink 644 0:0 pw @1000 -> etc/passwd',
    ]);
  });

  test('keeps capabilities and attributes of users, until an owner is set again', async () => {
    const xattrs = new Map([
      [bytesOfText('security.capability'), Buffer.from([1, 0, 0, 2])],
      [bytesOfText('user.a'), Buffer.from('b')],
      [bytesOfText('trusted.overlay.opaque'), Buffer.from('y')],
    ]);
    const namesOf = async (...more: readonly Change[]): Promise<readonly string[]> => {
      const [, change] = await changesOf(add(await archive(file('f', 'F', { xattrs }), ...more)));
      return change?.kind === 'upsert' ? [...change.entry.xattrs.keys()] : [];
    };
    expect(await namesOf()).toEqual(['security.capability', 'user.a']);
    expect(await namesOf(hardlink('g', 'f'))).toEqual(['user.a']);
  });

  test('times before 1970 are 1970', async () => {
    const tar = await archive(file('f', 'F', { mtime: { seconds: -5, nanoseconds: 0 } }));
    expect((await copied(add(tar)))[1]).toBe('file 644 0:0 x/f @0 F');
  });

  test('goes where links in the image lead, with the destination for root', async () => {
    const tar = await archive(file('l/f', 'F'));
    const base = { 'x/l': { link: '/in' }, 'x/in/': {}, l: { link: '/out' }, 'out/': {} };
    expect((await copiedPaths(add(tar, { base }))).at(-1)).toBe('x/in/f');
    expect((await copiedPaths(add(tar, { base, destination: '/' }))).at(-1)).toBe('out/f');
    expect((await copiedPaths(add(tar, { base: { 'x/l': { link: '/none/here' } } }))).slice(-2)).toEqual([
      'x/none/here',
      'x/none/here/f',
    ]);
  });

  test('does not go into a file', async () => {
    await expect(copied(add(await archive(file('f')), { base: { x: 'file' } }))).rejects.toThrow(
      'a file is in its place',
    );
    await expect(copied(add(await archive(file('f'), file('f/g'))))).rejects.toThrow(
      'cannot unpack "f/g" of "a.tar": a file is in the place of its directory',
    );
  });

  test('is refused when the archive is damaged or cut off behind its first entry', async () => {
    const tar = await archive(file('f', 'F'.repeat(2000)), file('g'));
    await expect(copied(add(tar.subarray(0, 1500)))).rejects.toMatchObject({
      code: 'COPY_FAILED',
      message: 'cannot unpack "a.tar": cannot read tar archive: it is cut off',
    });
    const packed = gzipSync(tar);
    await expect(copied(add(packed.subarray(0, packed.length - 20)))).rejects.toMatchObject({ code: 'COPY_FAILED' });
  });
});

/** The published attacks on unpackers, each ending inside of the destination or refused. */
describe('hostile archives', () => {
  const within = async (...changes: readonly Change[]): Promise<readonly string[]> =>
    copiedPaths(add(await layerTar(...changes), { base: { 'etc/passwd': 'canary', 'x/': {} } }));

  test.each([['../up'], ['a/../../up'], ['..']])('CVE-2020-10696: the name %j is refused', async (name) => {
    await expect(within(file(name, 'x'))).rejects.toMatchObject({
      code: 'COPY_FAILED',
      message: expect.stringContaining('leads out of the root') as string,
    });
  });

  test('CVE-2020-10696: an absolute name is below the destination', async () => {
    expect(await within(file('/etc/passwd', 'x'))).toEqual(['x', 'x/etc', 'x/etc/passwd']);
  });

  test('CVE-2026-17106, CVE-2024-12905: a link in the archive does not lead out of the destination', async () => {
    expect(await within(symlink('l', '/etc'), file('l/passwd', 'x'))).toEqual(['x', 'x/etc', 'x/l', 'x/etc/passwd']);
    expect(await within(symlink('l', '../../../etc'), file('l/passwd', 'x'))).toEqual([
      ...['x', 'x/etc', 'x/l', 'x/etc/passwd'],
    ]);
  });

  test('CVE-2026-26960: nor does a chain of links', async () => {
    const chain = [directory('a/b/c'), symlink('a/b/c/up', '../..'), symlink('a/b/escape', 'c/up/../../..')];
    const paths = await within(...chain, file('a/b/escape/etc/passwd', 'x'));
    expect(paths.at(-1)).toBe('x/etc/passwd');
  });

  test('CVE-2025-48387, CVE-2026-50163: a hard link names nothing outside of the destination', async () => {
    await expect(within(hardlink('pw', 'etc/passwd'))).rejects.toThrow('which is no file');
    await expect(within(symlink('l', '/'), hardlink('pw', 'l/etc/passwd'))).rejects.toThrow('which is no file');
    await expect(within(hardlink('pw', '../etc/passwd'))).rejects.toMatchObject({ code: 'COPY_FAILED' });
    await expect(within(hardlink('self', 'self'))).rejects.toThrow('which is no file');
    await expect(within(directory('d'), hardlink('e', 'd'))).rejects.toThrow('which is no file');
  });

  test('CVE-2025-48387: a hard link to a link is a link, not what that leads to', async () => {
    const lines = await copied(add(await layerTar(symlink('l', '/etc/passwd'), hardlink('h', 'l'), file('h', 'x'))));
    expect(lines).toEqual([
      'directory 755 0:0 x @0',
      'symlink 777 0:0 x/l @1000 -> /etc/passwd',
      'file 644 0:0 x/h @1000 x',
    ]);
  });

  test('CVE-2021-29136: the root is replaced by nothing', async () => {
    await expect(within(symlink('.', '/etc'))).rejects.toThrow('it would take the place of the destination');
  });

  test('CVE-2021-32803: a directory that becomes a link is a link from then on', async () => {
    expect(await within(directory('d'), file('d/a'), symlink('d', '/etc'), file('d/b'))).toEqual([
      ...['x', 'x/d', 'x/etc', 'x/etc/b'],
    ]);
  });

  test('links that lead to each other are an error', async () => {
    await expect(within(symlink('a', 'b'), symlink('b', 'a'), file('a/f'))).rejects.toThrow('ELOOP');
  });

  test('names are bytes: those that only look alike stay apart', async () => {
    const paths = await within(file('e\u0301'), file('\u00e9'), file('a\\b'));
    expect(paths).toEqual(
      expect.arrayContaining(['e\u0301', '\u00e9', 'a\\b'].map((name) => `x/${bytesOfText(name)}`)),
    );
  });
});
