import { createHash } from 'node:crypto';
import { linkSync, rmSync, truncateSync, utimesSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bootstrapChanges } from '../../../../src/builder/bootstrap/bootstrap-layer.js';
import { compareBytes } from '../../../../src/support/byte-string.js';
import { isTsbuildError } from '../../../../src/support/errors.js';
import { FakeHost } from './fake-host.js';

let host: FakeHost;
beforeEach(() => {
  host = FakeHost.busybox();
});
afterEach(() => host[Symbol.dispose]());

const failure = async (promise: Promise<unknown>) => promise.catch((thrown: unknown) => thrown);

async function digestOf(root: string, include: readonly string[] = []): Promise<string> {
  const hash = createHash('sha256');
  for await (const change of bootstrapChanges({ include, searchPath: ['/bin'], root })) {
    if (change.kind !== 'upsert') throw new Error('a base image deletes nothing');
    hash.update(JSON.stringify(change.entry));
    for await (const chunk of change.open?.() ?? []) hash.update(chunk);
  }
  return hash.digest('hex');
}

describe('bootstrapChanges()', () => {
  test('makes a base image of a busybox host: one program, a link for each name, and the system directories', async () => {
    const listing = await host.listing();
    expect(listing.get('bin/busybox')).toBe('file 755');
    expect(listing.get('bin/sh')).toBe('symlink 777 -> busybox');
    expect(listing.get('usr/bin/env')).toBe('symlink 777 -> /bin/env');
    expect(listing.get('tmp')).toBe('directory 1777');
    expect(listing.get('var/tmp')).toBe('directory 1777');
    expect(listing.get('root')).toBe('directory 700');
    expect(listing.get('etc/passwd')).toBe('file 644');
    for (const path of ['home', 'var', 'proc', 'dev', 'usr/local/bin']) {
      expect(listing.get(path)).toBe('directory 755');
    }
  });

  test('sorts by path, so that every directory comes before what is in it', async () => {
    const paths = [...(await host.listing()).keys()];
    expect(paths).toEqual([...paths].sort(compareBytes));
    for (const path of paths.filter((one) => one.includes('/'))) {
      expect(paths).toContain(path.slice(0, path.lastIndexOf('/')));
    }
  });

  test('gives every file root as owner, the first of January 1970, no attributes and a plain mode', async () => {
    host.file('/bin/odd', '#!/bin/sh\n', 0o6711);
    for await (const change of bootstrapChanges({ include: ['odd'], searchPath: ['/bin'], root: host.root })) {
      if (change.kind !== 'upsert') throw new Error('a base image deletes nothing');
      const { uid, gid, mtime, xattrs, mode, path } = change.entry;
      expect({ uid, gid, mtime, xattrs: xattrs.size }).toEqual({
        uid: 0,
        gid: 0,
        mtime: { seconds: 0, nanoseconds: 0 },
        xattrs: 0,
      });
      if (path === 'bin/odd') expect(mode).toBe(0o755);
    }
  });

  test('gives the same bytes for equal hosts, however and whenever they came about', async () => {
    using other = FakeHost.busybox();
    for (const one of [host, other]) one.file('/bin/tool', '#!/bin/sh\necho hello\n', 0o755);
    other.file('/bin/more', '#!/bin/sh\n', 0o700);
    utimesSync(other.path('/bin/busybox'), 1, 1);
    expect(await digestOf(host.root, ['tool', 'cat'])).toBe(await digestOf(other.root, ['cat', 'tool', 'cat']));
    other.file('/bin/tool', '#!/bin/sh\necho hellO\n', 0o755);
    expect(await digestOf(host.root, ['tool'])).not.toBe(await digestOf(other.root, ['tool']));
  });

  test('keeps merged directories as links, and programs at their real place', async () => {
    using merged = new FakeHost();
    for (const name of ['bin', 'lib', 'lib64', 'sbin']) merged.link(`/${name}`, `usr/${name}`);
    for (const [path, target] of await host.listing()) {
      if (path.startsWith('bin/') && target.startsWith('symlink')) merged.link(`/usr/${path}`, 'busybox');
    }
    merged.program('/usr/bin/busybox', {});
    merged.file('/usr/lib64/keep', '');
    const listing = await merged.listing();
    expect(listing.get('bin')).toBe('symlink 777 -> usr/bin');
    expect(listing.get('lib64')).toBe('symlink 777 -> usr/lib64');
    expect(listing.get('usr/bin/sh')).toBe('symlink 777 -> busybox');
    expect([...listing.keys()].filter((path) => path.startsWith('bin/'))).toEqual([]);
  });

  test('keeps the links of alternatives, each of them', async () => {
    rmSync(host.path('/bin/awk'));
    host.link('/bin/awk', '/etc/alternatives/awk');
    host.link('/etc/alternatives/awk', '/usr/bin/mawk');
    host.program('/usr/bin/mawk', {});
    const listing = await host.listing();
    expect(listing.get('bin/awk')).toBe('symlink 777 -> /etc/alternatives/awk');
    expect(listing.get('etc/alternatives/awk')).toBe('symlink 777 -> /usr/bin/mawk');
    expect(listing.get('usr/bin/mawk')).toBe('file 755');
  });

  test('stores a program with several names once, as hard links', async () => {
    host.program('/bin/first', {});
    linkSync(host.path('/bin/first'), host.path('/bin/second'));
    const listing = await host.listing({ include: ['second', 'first'] });
    expect(listing.get('bin/first')).toBe('file 755');
    expect(listing.get('bin/second')).toBe('hardlink 755 -> bin/first');
  });

  test('a script brings its interpreter, and what env looks for', async () => {
    host.file('/bin/report', '#!/usr/bin/env -S tool -x\n', 0o755);
    host.link('/usr/bin/env', '/bin/env');
    host.file('/opt/bin/tool', '#! /opt/lang\n', 0o755);
    host.program('/opt/lang', {});
    const listing = await host.listing({ include: ['report'], searchPath: ['/bin', '/opt/bin'] });
    expect([...listing.keys()]).toEqual(expect.arrayContaining(['bin/report', 'opt/bin/tool', 'opt/lang']));
  });

  test('a program from a directory outside of the image’s PATH is linked into it', async () => {
    host.program('/opt/lang/bin/lang', {});
    const byName = await host.listing({ include: ['lang'], searchPath: ['/opt/lang/bin/'] });
    expect(byName.get('usr/local/bin/lang')).toBe('symlink 777 -> /opt/lang/bin/lang');
    const byPath = await host.listing({ include: ['/opt/lang/bin/lang'] });
    expect(byPath.get('opt/lang/bin/lang')).toBe('file 755');
    expect(byPath.has('usr/local/bin/lang')).toBe(false);
  });

  test('what belongs below a directory that the host keeps elsewhere goes there', async () => {
    host.link('/usr/local', '../var/usrlocal');
    host.program('/var/usrlocal/bin/tool', {});
    host.program('/opt/other', {});
    const listing = await host.listing({ include: ['tool', 'other'], searchPath: ['/usr/local/bin', '/opt'] });
    expect(listing.get('usr/local')).toBe('symlink 777 -> ../var/usrlocal');
    expect(listing.get('var/usrlocal/bin/other')).toBe('symlink 777 -> /opt/other');
    expect([...listing.keys()].some((path) => path.startsWith('usr/local/'))).toBe(false);
  });

  test('takes the certificates that the host has, and none where it has none', async () => {
    expect([...(await host.listing()).keys()].some((path) => path.startsWith('etc/ssl'))).toBe(false);
    host.link('/etc/ssl/cert.pem', 'certs/ca-certificates.crt');
    host.file('/etc/ssl/certs/ca-certificates.crt', 'certificates');
    const listing = await host.listing();
    expect(listing.get('etc/ssl/certs/ca-certificates.crt')).toBe('file 644');
    expect(listing.get('etc/ssl/cert.pem')).toBe('symlink 777 -> certs/ca-certificates.crt');
  });
});

describe('bootstrapChanges() refuses by name', () => {
  test.each([
    ['a program that is not there', 'gone', 'cannot include program "gone": not found on this host'],
    ['a file that is not executable', '/etc/plain', 'cannot include program "/etc/plain": not found on this host'],
    ['a relative path', './tool', 'cannot include program "./tool": neither a name nor an absolute path'],
    ['an empty name', '', 'cannot include program "": neither a name nor an absolute path'],
    ['a program of another kind', 'text', 'cannot include program "/bin/text": neither an ELF file nor a script'],
    [
      'a script without its interpreter',
      'orphan',
      'cannot include program "/bin/orphan": its interpreter "/gone" is missing',
    ],
    ['a link to itself', 'loop', 'cannot include program "loop": not found on this host'],
  ])('%s', async (_name, include, message) => {
    host.file('/etc/plain', 'text');
    host.file('/bin/text', 'hello', 0o755);
    host.file('/bin/orphan', '#!/gone\n', 0o755);
    host.link('/bin/loop', 'loop');
    const error = await failure(host.listing({ include: [include] }));
    expect(isTsbuildError(error, 'USAGE')).toBe(true);
    expect(error).toMatchObject({ message });
    expect((error as { hint: string }).hint).toMatch(/^[A-Z].*\.$/);
  });

  test('scripts that run one another for ever', async () => {
    for (let index = 0; index < 6; index += 1) host.file(`/bin/s${index}`, `#!/bin/s${index + 1}\n`, 0o755);
    host.file('/bin/s6', '#!/bin/sh\n', 0o755);
    await expect(host.listing({ include: ['s0'] })).rejects.toThrow('too many scripts run one another');
  });

  test('a host without coreutils', async () => {
    rmSync(host.path('/bin/cp'));
    await expect(host.listing()).rejects.toThrow('cannot include program "cp": not found on this host');
  });

  test('a file that this user may not read', async () => {
    host.program('/bin/secret', {});
    host.file('/bin/secret', 'x', 0o111);
    const restore = becomeOrdinary();
    try {
      const error = await failure(host.listing({ include: ['secret'] }));
      expect(isTsbuildError(error, 'USAGE')).toBe(true);
      expect(error).toMatchObject({ message: 'cannot read host file "/bin/secret": permission denied' });
    } finally {
      restore();
    }
  });

  test('a file that shrinks while it is read', async () => {
    host.program('/bin/tool', {});
    const error = await failure(
      (async () => {
        for await (const change of bootstrapChanges({ include: ['tool'], searchPath: ['/bin'], root: host.root })) {
          if (change.kind !== 'upsert' || change.entry.path !== 'bin/tool') continue;
          truncateSync(host.path('/bin/tool'), 10);
          for await (const chunk of change.open?.() ?? []) expect(chunk.length).toBeLessThanOrEqual(10);
        }
      })(),
    );
    expect(error).toMatchObject({ message: 'cannot read host file "/bin/tool": it changed while it was read' });
  });
});

/** Root may read every file, so it steps down for the while. */
function becomeOrdinary(): () => void {
  if (process.geteuid?.() !== 0) return () => undefined;
  process.seteuid?.(65534);
  return () => process.seteuid?.(0);
}
