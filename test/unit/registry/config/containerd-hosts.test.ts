import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from '../../../../src/oci/digest.js';
import { MEDIA_TYPE } from '../../../../src/oci/media-type.js';
import { parseReference } from '../../../../src/oci/reference.js';
import { loadRegistryConfiguration } from '../../../../src/registry/config/load-registry-configuration.js';
import { readEndpoints, writeEndpoint, type Endpoint } from '../../../../src/registry/endpoint.js';
import { startScriptedRegistry } from '../../../../src/testing/scripted-registry.js';
import { testClient } from '../../../support/registry/test-client.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tsbuild-hosts-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function write(file: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, file)), { recursive: true });
  await writeFile(join(folder, file), text);
}
const hostsToml = (registry: string, text: string) => write(`etc/containerd/certs.d/${registry}/hosts.toml`, text);
const load = () => loadRegistryConfiguration({ env: {}, home: join(folder, 'home'), systemRoot: folder });

const shown = ({ security, host, root = '/v2', repository, namespace }: Endpoint): string =>
  `${security} ${host}${root}/${repository}${namespace === undefined ? '' : ` for ${namespace}`}`;
const read = async (name: string, by: 'tag' | 'digest' = 'tag') =>
  readEndpoints(await load(), parseReference(name), by).map(shown);
const written = async (name: string) => shown(writeEndpoint(await load(), parseReference(name)));

describe('hosts.toml', () => {
  test('lists who is asked before the registry itself, each for what it may do', async () => {
    await hostsToml(
      'docker.io',
      `server = "https://registry-1.docker.io"
       [host."https://mirror.example"]
       capabilities = ["pull", "resolve"]
       [host."http://cache.example:8080/hub"]
       capabilities = ["pull"]
       [host."unsafe.example"]
       skip_verify = true
       [host."https://flat.example/some/path"]
       override_path = true`,
    );
    const mirror = 'tls mirror.example/v2/library/debian for docker.io';
    const others = [
      'unchecked unsafe.example/v2/library/debian for docker.io',
      'tls flat.example/some/path/library/debian for docker.io',
      'tls registry-1.docker.io/v2/library/debian',
    ];
    expect(await read('debian')).toEqual([mirror, ...others]);
    expect(await read('debian', 'digest')).toEqual([
      mirror,
      'plain cache.example:8080/hub/v2/library/debian for docker.io',
      ...others,
    ]);
    expect(await read('quay.io/a/b')).toEqual(['tls quay.io/v2/a/b']);
  });

  test('puts another server in the place of the registry', async () => {
    await hostsToml('a.example', 'server = "https://b.example:8443"');
    expect(await read('a.example/x')).toEqual(['tls b.example:8443/v2/x for a.example']);
    expect(await written('a.example/x')).toBe('tls b.example:8443/v2/x for a.example');
  });

  test('a push goes to a host only where the file says push', async () => {
    await hostsToml('a.example', '[host."https://mirror.example"]');
    expect(await written('a.example/x')).toBe('tls a.example/v2/x');
    await hostsToml('b.example', '[host."https://m.example"]\n[host."https://w.example"]\ncapabilities = ["push"]');
    expect(await written('b.example/x')).toBe('tls w.example/v2/x for b.example');
  });

  test('of _default is for all registries without a file of their own; a folder may have its port between underscores', async () => {
    await hostsToml('_default', '[host."https://all.example"]');
    await hostsToml('a.example_5000_', '[host."https://own.example"]');
    expect((await read('quay.io/a/b'))[0]).toBe('tls all.example/v2/a/b for quay.io');
    expect((await read('a.example:5000/x'))[0]).toBe('tls own.example/v2/x for a.example:5000');
  });

  test('of the user comes before that of the system', async () => {
    await hostsToml('a.example', '[host."https://system.example"]');
    await write('home/.config/containerd/certs.d/a.example/hosts.toml', '[host."https://user.example"]');
    expect((await read('a.example/x'))[0]).toBe('tls user.example/v2/x for a.example');
  });

  test('stands beside registries.conf, whose mirrors follow and whose word on the registry itself counts', async () => {
    await hostsToml('a.example', 'server = "https://other.example"\n[host."https://mirror.example"]');
    await write(
      'etc/containers/registries.conf',
      '[[registry]]\nlocation = "a.example"\n[[registry.mirror]]\nlocation = "second.example"\n',
    );
    expect(await read('a.example/x')).toEqual([
      'tls mirror.example/v2/x for a.example',
      'tls second.example/v2/x',
      'tls a.example/v2/x',
    ]);
  });

  test.each<[string, string, RegExp]>([
    ['is no TOML', 'server = ', /hosts\.toml:1": it is no TOML/],
    ['has a host that is no URL', '[host."ftp://x"]', /"ftp:\/\/x", which is no http or https URL/],
    ['has a capability that is none', '[host."https://x"]\ncapabilities = ["fly"]', /capability "fly"/],
    ['has a flag that is text', '[host."https://x"]\nskip_verify = "yes"', /skip_verify that is neither/],
    ['has a header that splits', '[host."https://x".header]\nx-a = "secret\\r\\nx: y"', /header "x-a" with characters/],
    ['has authorities that are no files', '[host."https://x"]\nca = 1', /has a ca that is neither/],
  ])('that %s is refused', async (_what, text, message) => {
    await hostsToml('a.example', text);
    const loading = load();
    await expect(loading).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) });
    await expect(loading).rejects.toMatchObject({ message: expect.not.stringContaining('secret') });
  });

  test('headers and ns reach the host that they are for, and are not taken along by a redirect', async () => {
    await using elsewhere = await startScriptedRegistry(() => ({ status: 404 }));
    await using mirror = await startScriptedRegistry(({ path }) =>
      path.includes('/blobs/')
        ? { status: 307, headers: { location: `http://${elsewhere.host}/elsewhere` } }
        : undefined,
    );
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests: [] }));
    mirror.content.putManifest('x', '1', { mediaType: MEDIA_TYPE.ociIndex, bytes });
    await hostsToml(
      'a.example',
      `[host."http://${mirror.host}"]\n[host."http://${mirror.host}".header]\nx-key = ["k1", "k2"]`,
    );
    await using tested = testClient({ configuration: await load() });
    const source = tested.client.repository({ registry: 'a.example', repository: 'x' });
    await source.resolve({ tag: '1' });
    const blob = { mediaType: MEDIA_TYPE.ociLayer, digest: digestOf('b'), size: 1 };
    await expect(source.openBlob(blob).then(async (stream) => stream.toArray())).rejects.toThrow(/404|answered/);
    expect(mirror.seen[0]).toMatchObject({ path: '/v2/x/manifests/1?ns=a.example', headers: { 'x-key': 'k1, k2' } });
    expect(elsewhere.seen.length).toBeGreaterThan(0);
    for (const { headers } of elsewhere.seen) expect(headers['x-key']).toBeUndefined();
  });
});
