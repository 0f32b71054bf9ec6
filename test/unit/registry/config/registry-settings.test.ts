import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseReference } from '../../../../src/oci/reference.js';
import { retryPolicy, withSettings, type RegistrySettings } from '../../../../src/registry/config/registry-settings.js';
import { readEndpoints } from '../../../../src/registry/endpoint.js';
import { emptyConfiguration } from '../../../support/registry/test-client.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tsbuild-settings-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

function places(name: string, settings: RegistrySettings, changes: Parameters<typeof emptyConfiguration>[0] = {}) {
  const configuration = withSettings(emptyConfiguration(changes), settings);
  return readEndpoints(configuration, parseReference(name), 'tag').map(
    ({ kind, host, repository, security }) => `${kind} ${security} ${host}/${repository}`,
  );
}

test('mirrors of the command line come before those of files, and names keep what follows the registry', () => {
  const mirrors = {
    'docker.io': [
      { location: 'mirror.example', insecure: false },
      { location: 'harbor.example:5000/hub', insecure: true },
    ],
  };
  const dockerHubMirrors = [new URL('https://old.example')];
  expect(places('debian', { mirrors }, { dockerHubMirrors })).toEqual([
    'mirror tls mirror.example/library/debian',
    'mirror either harbor.example:5000/hub/library/debian',
    'mirror tls old.example/library/debian',
    'origin tls registry-1.docker.io/library/debian',
  ]);
  expect(places('debian', { mirrors, mirrorsOnly: true }, { dockerHubMirrors })).toHaveLength(2);
  expect(places('quay.io/a/b', { mirrors, mirrorsOnly: true })).toEqual(['origin tls quay.io/a/b']);
});

test('what needs no TLS is one registry, a range of addresses, or all there is', () => {
  expect(places('a.example/x', { insecure: ['a.example'] })).toEqual(['origin either a.example/x']);
  expect(places('b.example/x', { insecure: ['a.example'] })).toEqual(['origin tls b.example/x']);
  expect(places('192.0.2.7/x', { insecure: ['192.0.2.0/24'] })).toEqual(['origin either 192.0.2.7/x']);
  expect(places('b.example/x', { insecure: 'all' })).toEqual(['origin either b.example/x']);
});

test('credentials are for the registry that they name, and all others have those that are kept', async () => {
  const kept = { 'b.example': { kind: 'refresh-token', token: 't' } } as const;
  const { credentials } = withSettings(emptyConfiguration({}, kept), {
    credentials: { 'a.example': { username: 'u', password: 'p' } },
  });
  expect(await credentials.find('a.example')).toEqual({ kind: 'password', username: 'u', password: 'p' });
  expect(await credentials.find('b.example')).toEqual({ kind: 'refresh-token', token: 't' });
  expect(await credentials.find('c.example')).toBeNull();
});

test('a folder of certificates stands in for those of each registry, and a file is added to one', async () => {
  const pem = '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n';
  await writeFile(join(folder, 'ca.crt'), pem);
  await writeFile(join(folder, 'own.pem'), pem);
  const certificates = { 'docker.io': { authorities: [join(folder, 'own.pem')], clients: [] } };
  const { forHost } = withSettings(emptyConfiguration(), { certificateFolder: folder, certificates }).certificates;
  expect(await forHost('registry-1.docker.io')).toEqual({ authorities: [pem, pem], clients: [] });
  expect(await forHost('a.example')).toEqual({ authorities: [pem], clients: [] });
  const empty = withSettings(emptyConfiguration(), { certificateFolder: join(folder, 'none') }).certificates;
  await expect(empty.forHost('a.example')).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});

test('retries are counted beside the first try, for each direction, with an even delay where one is given', () => {
  const settings = { retries: { pull: 0, push: 7 }, retryDelayMs: 2000 };
  expect(retryPolicy(settings, 'pull')).toMatchObject({ attempts: 1, baseMs: 2000, capMs: 2000 });
  expect(retryPolicy(settings, 'push')).toMatchObject({ attempts: 8 });
  expect(retryPolicy(undefined, 'push')).toEqual({});
});
