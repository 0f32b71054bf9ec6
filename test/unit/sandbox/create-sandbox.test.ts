import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSandbox } from '../../../src/sandbox/create-sandbox.js';
import { findRuntimes } from '../../../src/sandbox/runtime/runtime.js';

let place: string;
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'tsbuild-choice-'));
});
afterAll(() => rmSync(place, { recursive: true }));

test.each([
  ['oci', 'cannot isolate steps by oci: neither "crun" nor "runc" is installed', 'crun'],
  ['bwrap', 'cannot isolate steps by bwrap: the program "bwrap" is not installed', 'bubblewrap'],
] as const)(
  'a chosen %s that is not installed is an error that names the package',
  async (isolation, message, name) => {
    const opening = createSandbox({ temporaryDirectory: place, isolation, runtimes: [] });
    await expect(opening).rejects.toMatchObject({
      code: 'SANDBOX_UNAVAILABLE',
      message,
      hint: expect.stringContaining(name),
    });
    expect(readdirSync(place)).toEqual([]);
  },
);

test('runtimes are found in the order in which they are asked for, and only where they are', () => {
  expect(findRuntimes(['crun', 'runc'], [place])).toEqual([]);
});
