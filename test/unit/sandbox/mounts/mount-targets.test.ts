import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDirectory, openSystemTarget, openTarget, type Root } from '../../../../src/sandbox/mounts/rooted.js';
import { removeStubs } from '../../../../src/sandbox/mounts/stubs.js';
import { isTsbuildError } from '../../../../src/support/errors.js';

let place: string;
let rootfs: string;
let root: Root;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'tsbuild-targets-'));
  rootfs = join(place, 'rootfs');
  mkdirSync(join(rootfs, 'etc'), { recursive: true });
  mkdirSync(join(place, 'outside'));
  root = { descriptor: openDirectory(rootfs), stubs: [] };
});
afterEach(() => {
  closeSync(root.descriptor);
  rmSync(place, { recursive: true });
});

/** Where in the root file system a target turned out to be. */
function locate(target: string, kind: 'file' | 'directory'): string {
  const descriptor = openTarget(root, target, kind);
  const path = readlinkSync(`/proc/self/fd/${descriptor}`);
  closeSync(descriptor);
  return path.slice(rootfs.length) || '/';
}

const OLD = new Date(1_000_000_000_000);
const age = (path: string): void => utimesSync(join(rootfs, path), OLD, OLD);
const isOld = (path: string): boolean => lstatSync(join(rootfs, path)).mtimeMs === OLD.getTime();

describe('openTarget()', () => {
  test('finds what is there, and makes nothing', () => {
    expect(locate('/etc', 'directory')).toBe('/etc');
    expect(root.stubs).toEqual([]);
  });

  test('makes what is missing, with its directories, and removes all of it again', () => {
    age('.');
    expect(locate('/a/b/../c/./d', 'file')).toBe('/a/c/d');
    expect(lstatSync(join(rootfs, 'a')).mode & 0o7777).toBe(0o755 & ~process.umask());
    removeStubs(root.stubs);
    expect(readdirSync(rootfs)).toEqual(['etc']);
    expect(isOld('.')).toBe(true);
  });

  test.each([
    ['../run/resolv.conf', '/run/resolv.conf'],
    ['/run/resolv.conf', '/run/resolv.conf'],
    ['../../../../../run/./x/../resolv.conf', '/run/resolv.conf'],
    ['other', '/etc/other'],
  ])('makes what a dangling link to %s points to, inside the root', (link, expected) => {
    symlinkSync(link, join(rootfs, 'etc/resolv.conf'));
    expect(locate('/etc/resolv.conf', 'file')).toBe(expected);
    removeStubs(root.stubs);
    expect(readdirSync(rootfs)).toEqual(['etc']);
    expect(readlinkSync(join(rootfs, 'etc/resolv.conf'))).toBe(link);
  });

  test('takes links to directories from where the directory really is', () => {
    mkdirSync(join(rootfs, 'deep/er'), { recursive: true });
    symlinkSync('deep/er', join(rootfs, 'short'));
    symlinkSync('../sibling', join(rootfs, 'deep/er/link'));
    expect(locate('/short/link', 'directory')).toBe('/deep/sibling');
    removeStubs(root.stubs);
  });

  test('never leaves the root', () => {
    symlinkSync(join(place, 'outside'), join(rootfs, 'absolute'));
    symlinkSync('../outside', join(rootfs, 'relative'));
    expect(locate('/absolute/x', 'file')).toBe(join(place, 'outside/x'));
    expect(locate('/relative/x', 'file')).toBe('/outside/x');
    expect(readdirSync(join(place, 'outside'))).toEqual([]);
    removeStubs(root.stubs);
  });

  test.each([
    ['/loop', 'file', /symbolic link/],
    ['/plain/x', 'file', /not a directory/],
    ['/etc', 'file', /it is a directory/],
    ['/plain', 'directory', /it is not a directory/],
    ['/self', 'directory', /symbolic link/],
  ] as const)('refuses %s as a %s', (target, kind, message) => {
    symlinkSync('loop', join(rootfs, 'loop'));
    symlinkSync('/self', join(rootfs, 'self'));
    writeFileSync(join(rootfs, 'plain'), '');
    expect(() => openTarget(root, target, kind)).toThrow(message);
    try {
      openTarget(root, target, kind);
    } catch (error) {
      expect(isTsbuildError(error, 'SANDBOX_FAILED')).toBe(true);
    }
  });

  test('refuses what lies in /proc', () => {
    const host: Root = { descriptor: openDirectory('/'), stubs: [] };
    expect(() => openTarget(host, '/proc/sys', 'directory')).toThrow(
      'cannot mount "/proc/sys": it lies in /proc or /sys',
    );
    closeSync(host.descriptor);
  });
});

describe('openSystemTarget()', () => {
  test('makes a directory, and refuses links and files', () => {
    closeSync(openSystemTarget(root, '/proc'));
    expect(lstatSync(join(rootfs, 'proc')).isDirectory()).toBe(true);
    symlinkSync('/etc', join(rootfs, 'dev'));
    symlinkSync('/nowhere', join(rootfs, 'sys'));
    for (const path of ['/dev', '/sys']) expect(() => openSystemTarget(root, path)).toThrow(/symbolic link/);
    removeStubs(root.stubs);
    expect(existsSync(join(rootfs, 'proc'))).toBe(false);
    writeFileSync(join(rootfs, 'proc'), '');
    expect(() => openSystemTarget(root, '/proc')).toThrow(/not a directory/);
  });
});

describe('removeStubs()', () => {
  test('leaves what is no longer empty, and the times of its directory as the step left them', () => {
    locate('/a/file', 'file');
    locate('/b/directory', 'directory');
    writeFileSync(join(rootfs, 'a/file'), 'kept');
    writeFileSync(join(rootfs, 'b/directory/x'), '');
    age('a');
    removeStubs(root.stubs);
    expect(readdirSync(join(rootfs, 'a'))).toEqual(['file']);
    expect(readdirSync(join(rootfs, 'b/directory'))).toEqual(['x']);
    expect(isOld('a')).toBe(true);
  });

  test('keeps the time that a step gave a directory', () => {
    locate('/etc/hosts', 'file');
    age('etc');
    removeStubs(root.stubs);
    expect(readdirSync(join(rootfs, 'etc'))).toEqual([]);
    expect(isOld('etc')).toBe(true);
  });

  test('follows a directory that was moved, and no link in its place (CVE-2024-23652)', () => {
    locate('/etc/hosts', 'file');
    writeFileSync(join(place, 'outside/hosts'), '');
    renameSync(join(rootfs, 'etc'), join(rootfs, 'moved'));
    symlinkSync('../outside', join(rootfs, 'etc'));
    removeStubs(root.stubs);
    expect(readdirSync(join(rootfs, 'moved'))).toEqual([]);
    expect(readdirSync(join(place, 'outside'))).toEqual(['hosts']);
  });

  test('leaves an empty file that is another one, and does not mind one that is gone', () => {
    locate('/etc/hosts', 'file');
    locate('/etc/gone', 'file');
    rmSync(join(rootfs, 'etc/gone'));
    writeFileSync(join(rootfs, 'etc/new'), '');
    renameSync(join(rootfs, 'etc/new'), join(rootfs, 'etc/hosts'));
    removeStubs(root.stubs);
    expect(readdirSync(join(rootfs, 'etc'))).toEqual(['hosts']);
  });
});
