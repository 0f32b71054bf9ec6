import { describe, expect, test } from 'vitest';
import { NO_PINS, type LockRequest, type Pins } from '../../../../src/builder/lock/pins.js';
import { SourceLock } from '../../../../src/builder/lock/source-lock.js';
import type { GitOperation, HttpOperation } from '../../../../src/builder/operation.js';
import type { ProgressEvent } from '../../../../src/builder/progress.js';
import { digestOf } from '../../../../src/oci/digest.js';
import { parsePlatform } from '../../../../src/oci/platform.js';
import { parseReference } from '../../../../src/oci/reference.js';
import { TsbuildError } from '../../../../src/support/errors.js';

const [OLD, NEW] = [digestOf('old'), digestOf('new')];
const [C1, C2, TAG] = ['1'.repeat(40), '2'.repeat(40), 'a'.repeat(40)];
const platform = parsePlatform('linux/amd64');
const reference = parseReference('a:1');
const NAME = 'docker.io/library/a:1 linux/amd64';
const URL_ = { kind: 'http', url: 'https://h/f', name: 'f' } satisfies HttpOperation;
const GIT = { kind: 'git', url: 'https://h/r.git', ref: 'v1', keepGitDir: false } satisfies GitOperation;

const lockOf = (mode: LockRequest['mode'], pins: Partial<Pins> = {}): SourceLock =>
  new SourceLock({ mode, name: 'tsbuild.lock', pins: { ...NO_PINS, ...pins } });

describe('an image', () => {
  const found = { resolve: () => Promise.resolve({ resolved: NEW }) };

  test('is what the lock says, unless it is to be refreshed or says itself', () => {
    const pins = { images: { [NAME]: OLD } };
    expect(lockOf('honor', pins).image(reference, platform)).toBe(OLD);
    expect(lockOf('frozen', pins).image(reference, platform)).toBe(OLD);
    expect(lockOf('refresh', pins).image(reference, platform)).toBeUndefined();
    expect(lockOf('frozen').image({ ...reference, digest: NEW }, platform)).toBeUndefined();
    expect(lockOf('honor', pins).image(reference, parsePlatform('linux/arm64'))).toBeUndefined();
  });

  test('must be pinned in a frozen build', () => {
    expect(() => lockOf('frozen').image(reference, platform)).toThrow(
      expect.objectContaining({ code: 'LOCK_OUTDATED', message: expect.stringContaining(NAME) as string }) as Error,
    );
  });

  test('is noted, but where the Dockerfile has its digest', async () => {
    const lock = lockOf('refresh');
    await lock.resolveImage({ reference, platform }, { pinned: undefined, ...found });
    await lock.resolveImage({ reference: { ...reference, digest: NEW }, platform }, { pinned: undefined, ...found });
    expect(lock.found).toEqual({ ...NO_PINS, images: { [NAME]: NEW } });
  });

  test('that is pinned and gone is told of with its digest and its place', async () => {
    const source = { file: 'Dockerfile', start: { line: 3, column: 1 }, end: { line: 3, column: 9 } };
    const gone = new TsbuildError('IMAGE_NOT_FOUND', 'gone', { source });
    const resolve = (): Promise<never> => Promise.reject(gone);
    const failing = lockOf('honor').resolveImage({ reference, platform }, { pinned: OLD, resolve });
    await expect(failing).rejects.toMatchObject({ code: 'LOCK_OUTDATED', source, details: { pinned: OLD } });
    const other = new TsbuildError('REGISTRY_UNREACHABLE', 'no network');
    const unreachable = lockOf('honor').resolveImage(
      { reference, platform },
      { pinned: OLD, resolve: () => Promise.reject(other) },
    );
    await expect(unreachable).rejects.toBe(other);
  });
});

describe('a URL', () => {
  test('is fetched with the pinned digest', async () => {
    const asked: HttpOperation[] = [];
    const fetch = (operation: HttpOperation): Promise<{ digest: typeof OLD }> => {
      asked.push(operation);
      return Promise.resolve({ digest: OLD });
    };
    const lock = lockOf('frozen', { urls: { 'https://h/f': OLD } });
    await lock.fetchUrl(URL_, fetch);
    await lock.fetchUrl({ ...URL_, url: 'https://h/own', checksum: NEW }, fetch);
    expect(asked.map(({ checksum }) => checksum)).toEqual([OLD, NEW]);
    expect(lock.found.urls).toEqual({ 'https://h/f': OLD });
  });

  test('that has changed is told of with both digests', async () => {
    const mismatch = new TsbuildError('DIGEST_MISMATCH', 'no', { details: { found: NEW } });
    const lock = lockOf('honor', { urls: { 'https://h/f': OLD } });
    await expect(lock.fetchUrl(URL_, () => Promise.reject(mismatch))).rejects.toMatchObject({
      code: 'LOCK_OUTDATED',
      message: `cannot use "https://h/f": it is ${NEW}, and tsbuild.lock pins ${OLD}`,
      details: { pinned: OLD, found: NEW },
    });
    await expect(lockOf('refresh').fetchUrl(URL_, () => Promise.reject(mismatch))).rejects.toBe(mismatch);
  });
});

describe('a git reference', () => {
  test('is the pinned commit, with its full name and its tag', async () => {
    const pin = { commit: C1, ref: 'refs/tags/v1', tag: TAG };
    const resolved = { ref: pin.ref, object: TAG, commit: C1 };
    const lock = lockOf('frozen', { git: { 'https://h/r.git#v1': pin } });
    const asked: unknown[] = [];
    await lock.fetchGit(GIT, (pinned) => {
      asked.push(pinned);
      return Promise.resolve({ resolved });
    });
    expect(asked).toEqual([resolved]);
    expect(lock.found.git).toEqual({ 'https://h/r.git#v1': pin });
  });

  test.each<Partial<GitOperation>>([{ ref: C1 }, { checksum: C2 }])('needs no pin when it is %j', async (exact) => {
    const lock = lockOf('frozen');
    await lock.fetchGit({ ...GIT, ...exact }, () => Promise.resolve({ resolved: { ref: C1, object: C1, commit: C1 } }));
    expect(lock.found).toEqual(NO_PINS);
    await expect(lock.fetchGit({ ...GIT, checksum: 'abc' }, () => Promise.reject(new Error('asked')))).rejects.toThrow(
      /does not pin it/,
    );
  });
});

test('what is missing, and an option without effect, are told of at the end', () => {
  const told = (lock: SourceLock, pull: boolean): readonly string[] => {
    const events: ProgressEvent[] = [];
    lock.remark((event) => events.push(event), { pull });
    return events.map((event) => ('message' in event ? event.message : ''));
  };
  const lock = lockOf('honor', { images: { other: OLD } });
  expect(told(lock, false)).toEqual([]);
  lock.image(reference, platform);
  expect(told(lock, true)).toEqual([
    '--pull changes no image that tsbuild.lock pins: --lock does',
    `tsbuild.lock does not pin ${NAME}: --lock adds what is missing`,
  ]);
  const refreshed = lockOf('refresh', { images: { other: OLD } });
  refreshed.image(reference, platform);
  expect(told(refreshed, true)).toEqual([]);
});
