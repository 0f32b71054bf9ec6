import { mkdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { onDisk } from '../../../src/store/store-error.js';
import { TsbuildError } from '../../../src/support/errors.js';
import { SyscallError } from '../../../src/support/syscalls.js';

const failing = async (error: unknown): Promise<unknown> => {
  const task = (): Promise<never> => Promise.reject(error as Error);
  return await onDisk('build the image', '/', task).catch((thrown: unknown) => thrown);
};

describe('onDisk()', () => {
  test('gives words to what a system call failed with, of Node or of this program', async () => {
    const error = Object.assign(new Error('EIO: i/o error, lchown'), { code: 'EIO', syscall: 'lchown' });
    const message = 'cannot build the image: the disk reports an error';
    expect(await failing(error)).toMatchObject({ code: 'STORE_IO', message, cause: error });
    expect(await failing(new SyscallError('mknod', 5, '/x'))).toMatchObject({ code: 'STORE_IO', message });
    const onStore = onDisk('build the image', '/', () => Promise.resolve(mkdirSync('/dev/null/x')));
    await expect(onStore).rejects.toMatchObject({ code: 'STORE_IO' });
  });

  test('tells of what failed first, not of the cleaning up that failed with it', async () => {
    const first = new TsbuildError('RUN_FAILED', 'cannot run');
    const covering = Object.assign(new Error('suppressed'), { name: 'SuppressedError', suppressed: first });
    expect(await failing(covering)).toBe(first);
  });

  test.each([
    new TsbuildError('RUN_FAILED', 'cannot run'),
    new TypeError('a mistake'),
    Object.assign(new TypeError('a mistake'), { code: 'ERR_INVALID_ARG_TYPE' }),
    new AggregateError([]),
  ])('leaves %o as it is', async (error) => {
    expect(await failing(error)).toBe(error);
  });
});
