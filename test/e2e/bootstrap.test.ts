import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tsbuild } from '../support/tsbuild.js';

const IMAGE_ID = /^sha256:[0-9a-f]{64}$/;

describe('a bootstrapped base image', () => {
  let directory: string;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'tsbuild-e2e-bootstrap-'));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const inStore = (store: string, ...args: string[]) => tsbuild(['--store', join(directory, store), ...args]);
  const bootstrapped = async (store: string, ...args: string[]) => {
    const { exitCode, stdout, stderr } = await inStore(store, 'bootstrap', '-q', '-t', 'base', ...args);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    return stdout.trim();
  };

  test('has the same id in two stores, and another one with another program', async () => {
    const first = await bootstrapped('first');
    expect(first).toMatch(IMAGE_ID);
    expect(await bootstrapped('second')).toBe(first);
    expect(await bootstrapped('second', '--include', 'env')).not.toBe(first);
  });

  test('says what it is', async () => {
    await bootstrapped('first');
    const { stdout } = await inStore('first', 'inspect', 'base');
    const [image] = JSON.parse(stdout) as [{ Os: string; Config: { Env: string[]; Cmd: string[] } }];
    expect(image.Os).toBe('linux');
    expect(image.Config.Cmd).toEqual(['/bin/sh']);
    expect(image.Config.Env).toEqual(['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin']);
  });

  test('runs its shell and its programs in a RUN, with none of the host’s files', async () => {
    await bootstrapped('first', '--include', 'node');
    writeFileSync(
      join(directory, 'Dockerfile'),
      [
        'FROM base',
        'RUN test "$(id -un)" = root && test ! -e /usr/share/doc',
        'RUN printf "b\\na\\n" | sort | head -n 1 > /first && test "$(cat /first)" = a',
        'RUN chown nobody:nogroup /first || test "$(cat /proc/self/uid_map | wc -l)" = 1',
        `RUN node -p '"node says " + 6 * 7'`,
      ].join('\n'),
    );
    const { exitCode, stderr } = await inStore('first', 'build', '--progress', 'plain', '-t', 'built', directory);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(stderr).toContain('node says 42');
  });

  test('passes over folders of PATH that the user may not enter, as a shell does', async () => {
    const closed = join(directory, 'closed');
    mkdirSync(join(closed, 'bin'), { recursive: true });
    chmodSync(closed, 0o000);
    const env = { PATH: `${closed}/bin:/usr/bin:/bin` };
    const store = join(directory, 'path');
    const { exitCode, stderr } = await tsbuild(['--store', store, 'bootstrap', '-t', 'base', '--include', 'tail'], {
      env,
    });
    chmodSync(closed, 0o700);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
  });

  test('is refused with the name of a program that this host lacks', async () => {
    const { exitCode, stderr } = await inStore('first', 'bootstrap', '-t', 'base', '--include', 'no-such-program');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('cannot include program "no-such-program": not found on this host');
  });
});
