import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseReference } from '../../../../src/oci/reference.js';
import { loadRegistryConfiguration } from '../../../../src/registry/config/load-registry-configuration.js';
import { readEndpoints, writeEndpoint } from '../../../../src/registry/endpoint.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tsbuild-config-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const write = async (file: string, text: string): Promise<string> => {
  const path = join(folder, file);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  return path;
};
const load = (env: Record<string, string> = {}) =>
  loadRegistryConfiguration({ env, home: join(folder, 'home'), systemRoot: folder });

/** `host/repository` of every place that is asked, in order; with the way in where it is not TLS. */
async function places(name: string, by: 'tag' | 'digest' = 'tag', env: Record<string, string> = {}): Promise<string[]> {
  const endpoints = readEndpoints(await load(env), parseReference(name), by);
  return endpoints.map(
    ({ host, repository, security }) => `${security === 'tls' ? '' : `${security} `}${host}/${repository}`,
  );
}

test('without any file Docker Hub is asked at its own host, and loopback may be plain', async () => {
  expect(await places('debian')).toEqual(['registry-1.docker.io/library/debian']);
  expect(await places('ghcr.io/a/b')).toEqual(['ghcr.io/a/b']);
  expect(await places('localhost:5000/a')).toEqual(['either localhost:5000/a']);
  expect(await places('127.0.0.2/a')).toEqual(['either 127.0.0.2/a']);
  expect(await places('[::1]:5000/a')).toEqual(['either [::1]:5000/a']);
});

describe('registries.conf', () => {
  test('rewrites locations by the longest prefix', async () => {
    await write(
      'etc/containers/registries.conf',
      `
      [[registry]]
      location = "docker.io"
      [[registry]]
      prefix = "docker.io/library"
      location = "hub.example.com/official"
      [[registry]]
      prefix = "*.example.org"
      location = "cache.example.com/org"
      [[registry]]
      prefix = "example.net/foo"
      location = "internal.example.net:8443/bar"
      insecure = true
      `,
    );
    expect(await places('debian')).toEqual(['hub.example.com/official/debian']);
    expect(await places('me/app')).toEqual(['registry-1.docker.io/me/app']);
    expect(await places('a.b.example.org/x/y')).toEqual(['cache.example.com/org/x/y']);
    expect(await places('example.org/x/y')).toEqual(['example.org/x/y']);
    expect(await places('example.net/foo/x')).toEqual(['either internal.example.net:8443/bar/x']);
    expect(await places('example.net/food/x')).toEqual(['example.net/food/x']);
  });

  test('lists mirrors, some of them for digests or tags only; a push goes to none', async () => {
    await write(
      'etc/containers/registries.conf',
      `
      [[registry]]
      location = "docker.io"
      [[registry.mirror]]
      location = "all.example.com/hub"
      [[registry.mirror]]
      location = "digests.example.com"
      insecure = true
      pull-from-mirror = "digest-only"
      [[registry.mirror]]
      location = "tags.example.com"
      pull-from-mirror = "tag-only"
      [[registry]]
      location = "quay.io"
      mirror-by-digest-only = true
      [[registry.mirror]]
      location = "quay.example.com"
      `,
    );
    const origin = 'registry-1.docker.io/library/debian';
    expect(await places('debian')).toEqual([
      'all.example.com/hub/library/debian',
      'tags.example.com/library/debian',
      origin,
    ]);
    expect(await places('debian', 'digest')).toEqual([
      'all.example.com/hub/library/debian',
      'either digests.example.com/library/debian',
      origin,
    ]);
    expect(await places('quay.io/a/b')).toEqual(['quay.io/a/b']);
    expect(await places('quay.io/a/b', 'digest')).toEqual(['quay.example.com/a/b', 'quay.io/a/b']);
    expect(writeEndpoint(await load(), parseReference('debian'))).toMatchObject({ kind: 'origin' });
  });

  test('of the user replaces the one of the system, the variable both; drop-ins are added in order', async () => {
    const rule = (location: string) => `[[registry]]\nprefix = "a.example"\nlocation = "${location}"\n`;
    await write('etc/containers/registries.conf', rule('system.example'));
    expect(await places('a.example/x')).toEqual(['system.example/x']);
    await write('etc/containers/registries.conf.d/10-b.conf', rule('drop-in.example'));
    expect(await places('a.example/x')).toEqual(['drop-in.example/x']);
    await write('home/.config/containers/registries.conf', '');
    expect(await places('a.example/x')).toEqual(['drop-in.example/x']);
    await write('home/.config/containers/registries.conf.d/00.conf', rule('user.example'));
    expect(await places('a.example/x')).toEqual(['user.example/x']);
    const named = await write('named.conf', rule('named.example'));
    expect(await places('a.example/x', 'tag', { CONTAINERS_REGISTRIES_CONF: named })).toEqual(['named.example/x']);
  });

  test('of version 1 is understood', async () => {
    await write(
      'etc/containers/registries.conf',
      '[registries.search]\nregistries = []\n[registries.insecure]\nregistries = ["a.example"]\n',
    );
    expect(await places('a.example/x')).toEqual(['either a.example/x']);
  });

  test('can block a registry, and says where', async () => {
    await write('etc/containers/registries.conf', '[[registry]]\nlocation = "a.example"\nblocked = true\n');
    await expect(places('a.example/x')).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      message: 'cannot use "a.example/x": it is blocked by configuration',
      hint: expect.stringContaining('registries.conf'),
    });
  });

  test.each<[string, string, RegExp]>([
    ['is no TOML', '[[registry]]\nlocation = \n', /registries\.conf:2": it is no TOML/],
    ['has no location', '[[registry]]\n', /registry\[1\] has neither a prefix nor a location/],
    [
      'has a mirror without a location',
      '[[registry]]\nlocation="a"\n[[registry.mirror]]\n',
      /registry\[1\]\.mirror\[1\] has no loc/,
    ],
    ['has a flag that is text', '[[registry]]\nlocation="a"\ninsecure="yes"\n', /insecure that is neither/],
    [
      'has an unknown kind of mirror',
      '[[registry]]\nlocation="a"\n[[registry.mirror]]\nlocation="b"\npull-from-mirror="x"',
      /none of all/,
    ],
    ['has a wildcard with a path', '[[registry]]\nprefix="*.a/b"\nlocation="c"\n', /wildcard takes no path/],
    ['has one registry for many', '[registry]\nlocation="a"\n', /not written \[\[/],
  ])('that %s is refused', async (_what, text, message) => {
    await write('etc/containers/registries.conf', text);
    await expect(load()).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) });
  });

  test('that the variable names must be there', async () => {
    const env = { CONTAINERS_REGISTRIES_CONF: join(folder, 'none') };
    await expect(load(env)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

describe("Docker's daemon.json", () => {
  test('names mirrors of Docker Hub, of the rootless daemon first', async () => {
    await write(
      'etc/docker/daemon.json',
      '{"registry-mirrors":["https://mirror.example/","http://plain.example:5000/hub"]}',
    );
    await write('home/.config/docker/daemon.json', '{"registry-mirrors":["https://mine.example"]}');
    expect(await places('debian')).toEqual([
      'mine.example/library/debian',
      'mirror.example/library/debian',
      'plain plain.example:5000/hub/library/debian',
      'registry-1.docker.io/library/debian',
    ]);
    expect(await places('ghcr.io/a/b')).toEqual(['ghcr.io/a/b']);
  });

  test('names insecure registries, by host and by range', async () => {
    await write('etc/docker/daemon.json', '{"insecure-registries":["a.example:5000","10.1.0.0/16","fd00::/8"]}');
    expect(await places('a.example:5000/x')).toEqual(['either a.example:5000/x']);
    expect(await places('a.example/x')).toEqual(['a.example/x']);
    expect(await places('10.1.2.3:5000/x')).toEqual(['either 10.1.2.3:5000/x']);
    expect(await places('10.2.2.3:5000/x')).toEqual(['10.2.2.3:5000/x']);
    expect(await places('[fd00::1]:5000/x')).toEqual(['either [fd00::1]:5000/x']);
  });

  test.each<[string, string, RegExp]>([
    ['is no JSON', '{\n"registry-mirrors": [,]\n}', /daemon\.json:2": it is no JSON/],
    ['is no object', '[]', /it is no object/],
    ['has a mirror that is no URL', '{"registry-mirrors":["mirror"]}', /"mirror" is no http or https URL/],
    ['has hosts that are no strings', '{"insecure-registries":[1]}', /no array of strings/],
  ])('that %s is refused', async (_what, text, message) => {
    await write('etc/docker/daemon.json', text);
    await expect(load()).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) });
  });
});

describe('credentials', () => {
  const basic = (text: string) => Buffer.from(text).toString('base64');
  const find = async (registry: string, env: Record<string, string> = {}) =>
    await (await load(env)).credentials.find(registry);

  test('are none without a file', async () => {
    expect(await find('docker.io')).toBeNull();
  });

  test.each<[string, unknown, string, unknown]>([
    [
      'by host',
      { 'a.example:5000': { auth: basic('me:pass') } },
      'a.example:5000',
      { username: 'me', password: 'pass' },
    ],
    [
      'for Docker Hub under its old key',
      { 'https://index.docker.io/v1/': { auth: basic('me:pass') } },
      'docker.io',
      { username: 'me' },
    ],
    ['for Docker Hub under its new name', { 'docker.io': { auth: basic('me:pass') } }, 'docker.io', { username: 'me' }],
    ['under a URL', { 'https://a.example/v1/': { auth: basic('me:pass') } }, 'a.example', { username: 'me' }],
    ['with colons in the password', { 'a.example': { auth: basic('me:a:b:c') } }, 'a.example', { password: 'a:b:c' }],
    ['padded with NUL', { 'a.example': { auth: basic('me:pass\0\0') } }, 'a.example', { password: 'pass' }],
    ['in the clear', { 'a.example': { username: 'me', password: 'pass' } }, 'a.example', { password: 'pass' }],
    [
      'as a token',
      { 'a.example': { auth: basic('me:x'), identitytoken: 'tok' } },
      'a.example',
      { kind: 'refresh-token', token: 'tok' },
    ],
    ['for another port: none', { 'a.example:1': { auth: basic('me:pass') } }, 'a.example:2', null],
    ['that are empty: none', { 'a.example': {} }, 'a.example', null],
  ])('%s are found', async (_how, auths, registry, expected) => {
    await write('home/.docker/config.json', JSON.stringify({ auths }));
    const found = await find(registry);
    if (expected === null) expect(found).toBeNull();
    else expect(found).toMatchObject(expected as object);
  });

  test('come from DOCKER_CONFIG and DOCKER_AUTH_CONFIG before the home', async () => {
    await write('home/.docker/config.json', JSON.stringify({ auths: { 'a.example': { auth: basic('home:x') } } }));
    await write('other/config.json', JSON.stringify({ auths: { 'a.example': { auth: basic('other:x') } } }));
    const DOCKER_CONFIG = join(folder, 'other');
    expect(await find('a.example', { DOCKER_CONFIG })).toMatchObject({ username: 'other' });
    const DOCKER_AUTH_CONFIG = JSON.stringify({ auths: { 'a.example': { auth: basic('inherited:x') } } });
    expect(await find('a.example', { DOCKER_CONFIG, DOCKER_AUTH_CONFIG })).toMatchObject({ username: 'inherited' });
  });

  test('of podman are found as well: after those of Docker, before them when REGISTRY_AUTH_FILE names the file', async () => {
    const auths = (user: string, host = 'a.example') =>
      JSON.stringify({ auths: { [host]: { auth: basic(`${user}:x`) } } });
    const XDG_RUNTIME_DIR = join(folder, 'run');
    await write('home/.config/containers/auth.json', auths('config'));
    expect(await find('a.example')).toMatchObject({ username: 'config' });
    await write('run/containers/auth.json', auths('runtime'));
    expect(await find('a.example', { XDG_RUNTIME_DIR })).toMatchObject({ username: 'runtime' });
    await write('home/.docker/config.json', auths('docker'));
    expect(await find('a.example', { XDG_RUNTIME_DIR })).toMatchObject({ username: 'docker' });
    const REGISTRY_AUTH_FILE = await write('named.json', auths('named'));
    expect(await find('a.example', { REGISTRY_AUTH_FILE })).toMatchObject({ username: 'named' });
    await write('named.json', auths('named', 'b.example'));
    expect(await find('a.example', { REGISTRY_AUTH_FILE })).toMatchObject({ username: 'docker' });
  });

  test('may be for a namespace or a repository: the longest that fits counts', async () => {
    const entry = (user: string) => ({ auth: basic(`${user}:x`) });
    const auths = {
      'a.example': entry('host'),
      'a.example/team': entry('team'),
      'a.example/team/app': entry('app'),
      'docker.io/me': entry('me'),
    };
    await write('home/.config/containers/auth.json', JSON.stringify({ auths }));
    const { credentials } = await load();
    const users = await Promise.all(
      [
        ['a.example', 'team/app'],
        ['a.example', 'team/other'],
        ['a.example', 'teams/app'],
        ['docker.io', 'me/x'],
        ['docker.io', 'library/debian'],
      ].map(async ([registry = '', repository]) => credentials.find(registry, repository)),
    );
    expect(users.map((found) => (found?.kind === 'password' ? found.username : null))).toEqual([
      'app',
      'team',
      'host',
      'me',
      null,
    ]);
  });

  test('that cannot be read name the file, not its content', async () => {
    await write('home/.docker/config.json', '{"auths":{"a.example":{"auth":"hunter2"');
    await expect(find('a.example')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.not.stringContaining('hunter2'),
    });
    await write('home/.docker/config.json', '{"auths":{"a.example":{"auth":"hunter2"}}}');
    await expect(find('a.example')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/auths\["a.example"\]\.auth is not base64 of user:password$/),
    });
  });

  describe('of a helper', () => {
    const helper = async (name: string, script: string, config: object): Promise<Record<string, string>> => {
      const file = await write(`bin/docker-credential-${name}`, `#!/bin/sh\n${script}\n`);
      const { chmod } = await import('node:fs/promises');
      await chmod(file, 0o755);
      await write('home/.docker/config.json', JSON.stringify(config));
      return { PATH: `${join(folder, 'bin')}:/usr/bin:/bin` };
    };

    test('are asked for by the name of the server', async () => {
      const script = 'read server; printf \'{"ServerURL":"%s","Username":"%s","Secret":"s"}\' "$server" "$server"';
      const env = await helper('test', script, { credsStore: 'test' });
      expect(await find('docker.io', env)).toMatchObject({ username: 'https://index.docker.io/v1/', password: 's' });
      expect(await find('a.example:5000', env)).toMatchObject({ username: 'a.example:5000' });
    });

    test('may be a token', async () => {
      const config = { credHelpers: { 'a.example': 'test' } };
      const env = await helper('test', `echo '{"Username":"<token>","Secret":"tok"}'`, config);
      expect(await find('a.example', env)).toEqual({ kind: 'refresh-token', token: 'tok' });
      expect(await find('b.example', env)).toBeNull();
    });

    test('may be none; then the file counts', async () => {
      const config = { credsStore: 'test', auths: { 'b.example': { auth: basic('me:x') } } };
      const env = await helper('test', 'echo credentials not found in native keychain; exit 1', config);
      expect(await find('a.example', env)).toBeNull();
      expect(await find('b.example', env)).toMatchObject({ username: 'me' });
    });

    test.each<[string, string, RegExp]>([
      ['that fails', 'echo secret-secret; exit 3', /it ended with status 3/],
      ['that talks nonsense', 'echo secret-secret', /something else than JSON/],
      ['that answers by half', `echo '{"Username":"secret-secret"}'`, /without a user and a secret/],
      ['that talks without end', 'yes secret-secret', /ENOBUFS/],
    ])('%s is an error without its output', async (_what, script, message) => {
      const env = await helper('test', script, { credsStore: 'test' });
      const failure = find('a.example', env);
      await expect(failure).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) });
      await expect(failure).rejects.toMatchObject({ message: expect.not.stringContaining('secret-secret') });
    });

    test('must be there, under a name that leads nowhere else', async () => {
      await write('home/.docker/config.json', '{"credsStore":"none"}');
      await expect(find('a.example', { PATH: folder })).rejects.toThrow(/docker-credential-none is not in PATH/);
      await write('home/.docker/config.json', '{"credsStore":"../../bin/x"}');
      await expect(find('a.example', { PATH: folder })).rejects.toThrow(/its name may have/);
    });
  });
});
