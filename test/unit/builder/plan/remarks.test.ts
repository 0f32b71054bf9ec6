import { describe, expect, test } from 'vitest';
import { planText, type PlanTextOptions } from './plan-text.js';

const remarks = async (text: string, options: PlanTextOptions = {}): Promise<readonly string[]> =>
  (await planText(text, options)).remarks.map(({ type, message }) => `${type}: ${message}`);

describe('a frontend that is not run is said once', () => {
  test.each<[string, string | undefined, string | undefined]>([
    ['# syntax=docker/dockerfile:1.7-labs', undefined, undefined],
    ['# syntax=mirror.example/docker/dockerfile', undefined, undefined],
    ['# syntax=example/frontend:1', undefined, '# syntax=example/frontend:1'],
    ['# syntax=example/frontend:1', 'docker/dockerfile:1', undefined],
    ['# syntax=docker/dockerfile:1', 'example/other', 'BUILDKIT_SYNTAX=example/other'],
    ['# syntax=example/dockerfile', '', '# syntax=example/dockerfile'],
  ])('%s, BUILDKIT_SYNTAX=%s', async (line, override, said) => {
    const buildArgs: Record<string, string> = override === undefined ? {} : { BUILDKIT_SYNTAX: override };
    const expected = `notice: the frontend of "${said ?? ''}" is not run: the file is read as BuildKit's own Dockerfile language`;
    expect(await remarks(`${line}\nFROM scratch`, { buildArgs })).toEqual(said === undefined ? [] : [expected]);
  });
});

test("arguments of BuildKit's own that change nothing here are named, unless they are off", async () => {
  const buildArgs = { BUILDKIT_INLINE_CACHE: '1', BUILDKIT_MULTI_PLATFORM: 'false', BUILDKIT_BUILD_NAME: 'x' };
  expect(await remarks('FROM scratch', { buildArgs })).toEqual([
    'notice: the build argument BUILDKIT_INLINE_CACHE does nothing: the cache is in the store, not in images',
    'notice: the build argument BUILDKIT_BUILD_NAME does nothing: builds have no names here',
  ]);
});

describe('pitfall 29: a build argument that nothing declares is never an error', () => {
  test('and is a warning with what may have been meant', async () => {
    const buildArgs = { VERSOIN: '1', OTHER: '2', BUILDKIT_INLINE_CACH: '1' };
    expect(await remarks('ARG VERSION\nFROM scratch', { buildArgs })).toEqual([
      'warning: the build argument VERSOIN is not used: no ARG declares it (did you mean VERSION?)',
      'warning: the build argument OTHER is not used: no ARG declares it',
      'warning: the build argument BUILDKIT_INLINE_CACH is not used: no ARG declares it (did you mean BUILDKIT_INLINE_CACHE?)',
    ]);
  });

  test.each([
    ['one above FROM', 'ARG A\nFROM scratch', { A: '1' }],
    ['one of a stage that is not needed', 'FROM scratch AS x\nARG A\nFROM scratch', { A: '1' }],
    ['the proxies', 'FROM scratch', { HTTP_PROXY: 'x', https_proxy: 'x', no_proxy: 'x' }],
    ['the platforms', 'FROM scratch', { TARGETARCH: 'arm64', BUILDPLATFORM: 'linux/amd64', TARGETSTAGE: 'x' }],
    [
      "BuildKit's",
      'FROM scratch',
      { SOURCE_DATE_EPOCH: '0', BUILDKIT_SANDBOX_HOSTNAME: 'x', BUILDKIT_CACHE_MOUNT_NS: 'x' },
    ],
    ['one of a trigger that runs', 'FROM scratch AS x\nONBUILD ARG A\nFROM x', { A: '1' }],
  ])('%s is declared', async (_, text, buildArgs) => {
    expect(await remarks(text, { buildArgs })).toEqual([]);
  });
});
