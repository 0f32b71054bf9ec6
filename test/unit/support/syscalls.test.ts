import { mkdtempSync, openSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync, closeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bytesOfText } from '../../../src/support/byte-string.js';
import {
  RESOLVE,
  S_IFMT,
  LOCK,
  SyscallError,
  decodeDevice,
  encodeDevice,
  getXattr,
  listXattrs,
  lockFile,
  makeNode,
  openInRoot,
  setTimes,
  setXattr,
} from '../../../src/support/syscalls.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tsbuild-syscalls-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('system calls', () => {
  test('device numbers survive encoding at every width', () => {
    for (const device of [
      { major: 0, minor: 0 },
      { major: 1, minor: 3 },
      { major: 300, minor: 70_000 },
      { major: 0xfff_ffff, minor: 0xffff_ffff },
    ]) {
      expect(decodeDevice(encodeDevice(device.major, device.minor))).toEqual(device);
    }
  });

  test('a fifo can be made by anyone, and a failure names the call, the path and errno', () => {
    const path = bytesOfText(join(directory, 'fifo'));
    makeNode(path, S_IFMT.fifo | 0o644, { major: 0, minor: 0 });
    expect(statSync(path).isFIFO()).toBe(true);
    expect(() => makeNode(path, S_IFMT.fifo | 0o644, { major: 0, minor: 0 })).toThrow(SyscallError);
    expect(() => makeNode(path, S_IFMT.fifo, { major: 0, minor: 0 })).toThrow(/EEXIST: mknod '.*fifo'/);
  });

  test('xattr values are bytes, and a missing one is undefined', ({ skip }) => {
    const path = bytesOfText(join(directory, 'file'));
    writeFileSync(path, '');
    const value = Buffer.from([0, 0xff, 0x80, 10]);
    try {
      setXattr(path, bytesOfText('user.tsbuild'), value);
    } catch (error) {
      skip(`no user xattrs on this file system: ${String(error)}`);
    }
    expect(listXattrs(path)).toContain('user.tsbuild');
    expect(getXattr(path, bytesOfText('user.tsbuild'))).toEqual(value);
    expect(getXattr(path, bytesOfText('user.none'))).toBeUndefined();
  });

  test('a long xattr value is read whole', ({ skip }) => {
    const path = bytesOfText(join(directory, 'file'));
    writeFileSync(path, '');
    const value = Buffer.alloc(3000, 7);
    try {
      setXattr(path, bytesOfText('user.long'), value);
    } catch (error) {
      skip(`no user xattrs on this file system: ${String(error)}`);
    }
    expect(getXattr(path, bytesOfText('user.long'))).toEqual(value);
  });

  test('flock excludes a second descriptor until it is released', () => {
    const file = join(directory, 'lock');
    const [first, second] = [openSync(file, 'w'), openSync(file, 'w')];
    expect(lockFile(first, LOCK.exclusive | LOCK.nonblocking)).toBe(true);
    expect(lockFile(second, LOCK.shared | LOCK.nonblocking)).toBe(false);
    closeSync(first);
    expect(lockFile(second, LOCK.shared | LOCK.nonblocking)).toBe(true);
    closeSync(second);
  });

  test('openat2 resolves an absolute link inside the root', () => {
    writeFileSync(join(directory, 'passwd'), 'inside');
    symlinkSync('/passwd', join(directory, 'link'));
    const root = openSync(directory, 'r');
    const descriptor = openInRoot(root, bytesOfText('../../link'), { flags: 0, resolve: RESOLVE.inRoot });
    expect(readFileSync(descriptor, 'utf8')).toBe('inside');
    closeSync(descriptor);
    closeSync(root);
  });

  test('times keep nanoseconds and the years before 1970', () => {
    const path = bytesOfText(join(directory, 'file'));
    writeFileSync(path, '');
    setTimes(path, { seconds: 1_700_000_000, nanoseconds: 123_456_789 });
    expect(statSync(path, { bigint: true }).mtimeNs).toBe(1_700_000_000_123_456_789n);
    setTimes(path, { seconds: -5, nanoseconds: 0 });
    expect(statSync(path, { bigint: true }).mtimeNs).toBe(-5_000_000_000n);
  });
});
