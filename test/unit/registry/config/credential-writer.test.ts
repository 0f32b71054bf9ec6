import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { forgetCredential, keepCredential } from '../../../../src/registry/config/credential-writer.js';
import { registryCredentials } from '../../../../src/registry/config/registry-credentials.js';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tsbuild-login-'));
  file = join(folder, 'docker/config.json');
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const me = (registry: string) => ({ registry, username: 'me', password: 'hunter2' });
const stored = async (): Promise<unknown> => JSON.parse(await readFile(file, 'utf8'));
const find = async (registry: string, env: Record<string, string> = {}) =>
  registryCredentials({ DOCKER_CONFIG: join(folder, 'docker'), ...env }, folder).find(registry);

async function fill(document: object): Promise<void> {
  await mkdir(join(folder, 'docker'), { recursive: true });
  await writeFile(file, JSON.stringify(document));
}

test('what is kept is found again, for its owner alone to read', async () => {
  expect(await keepCredential(file, me('a.example:5000'), {})).toEqual({ kind: 'file', file });
  expect(await find('a.example:5000')).toEqual({ kind: 'password', username: 'me', password: 'hunter2' });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  await chmod(file, 0o644);
  await keepCredential(file, me('b.example'), {});
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await find('a.example:5000')).not.toBeNull();
});

test('Docker Hub has its old key, and other spellings of it are replaced', async () => {
  await fill({ auths: { 'docker.io': { auth: 'b2xkOm9sZA==' }, 'index.docker.io': {} } });
  await keepCredential(file, me('docker.io'), {});
  expect(await stored()).toEqual({ auths: { 'https://index.docker.io/v1/': { auth: 'bWU6aHVudGVyMg==' } } });
});

test('all else in the file stays as it is', async () => {
  const other = { 'b.example': { auth: 'eDp5', extra: 1 }, 'a.example/team': { auth: 'dDp0' } };
  await fill({ HttpHeaders: { x: 'y' }, auths: other, proxies: { default: {} } });
  await keepCredential(file, me('a.example'), {});
  expect(await forgetCredential(file, 'a.example', {})).toBe(true);
  expect(await stored()).toEqual({ HttpHeaders: { x: 'y' }, auths: other, proxies: { default: {} } });
  expect(await forgetCredential(file, 'a.example', {})).toBe(false);
});

test('a file that is a link stays one', async () => {
  await mkdir(join(folder, 'docker'));
  await writeFile(join(folder, 'real.json'), '{}');
  await symlink('../real.json', file);
  await keepCredential(file, me('a.example'), {});
  expect(await readFile(join(folder, 'real.json'), 'utf8')).toContain('a.example');
});

test('a file that is damaged, or cannot be written, is left alone and named', async () => {
  await fill([]);
  await expect(keepCredential(file, me('a.example'), {})).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  expect(await stored()).toEqual([]);
  const beneath = join(file, 'config.json');
  await expect(keepCredential(beneath, me('a.example'), {})).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining(beneath),
  });
});

describe('with a helper', () => {
  /** Keeps one secret in a file of its own. */
  const HELPER = `#!/bin/sh
keep="$(dirname "$0")/secret"
case "$1" in
store) cat > "$keep" ;;
erase) rm "$keep" ;;
get) if [ -f "$keep" ]; then cat "$keep"; else echo credentials not found in native keychain; exit 1; fi ;;
esac
`;
  let env: Record<string, string>;
  beforeEach(async () => {
    await mkdir(join(folder, 'bin'));
    await writeFile(join(folder, 'bin/docker-credential-test'), HELPER, { mode: 0o755 });
    env = { PATH: `${join(folder, 'bin')}:/usr/bin:/bin` };
    await fill({ credsStore: 'test' });
  });

  test('the password goes there, and the file says only for which registry', async () => {
    expect(await keepCredential(file, me('a.example'), env)).toEqual({ kind: 'helper', name: 'test' });
    expect(await stored()).toEqual({ credsStore: 'test', auths: { 'a.example': {} } });
    expect(await find('a.example', env)).toMatchObject({ username: 'me', password: 'hunter2' });
    expect(await forgetCredential(file, 'a.example', env)).toBe(true);
    expect(await stored()).toEqual({ credsStore: 'test', auths: {} });
    expect(await find('a.example', env)).toBeNull();
    expect(await forgetCredential(file, 'a.example', env)).toBe(false);
  });

  test('that fails nothing is kept', async () => {
    await writeFile(join(folder, 'bin/docker-credential-test'), '#!/bin/sh\necho hunter2\nexit 2\n');
    const failure = keepCredential(file, me('a.example'), env);
    await expect(failure).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(failure).rejects.toMatchObject({ message: expect.not.stringContaining('hunter2') });
    expect(await stored()).toEqual({ credsStore: 'test' });
  });
});
