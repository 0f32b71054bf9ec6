import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadRegistryConfiguration } from '../../../../src/registry/config/load-registry-configuration.js';
import { loadSecureContext } from '../../../../src/registry/http/certificate-authorities.js';
import { readStart } from '../../../../src/registry/http/http-message.js';
import { createTransport, DEFAULT_TIMEOUTS } from '../../../../src/registry/http/transport.js';
import { testClient } from '../../../support/registry/test-client.js';
import { LOCALHOST_CERTIFICATE } from '../../../support/registry/test-certificate.js';

let folder: string;
let host: string;
let close: () => Promise<void>;

/** Tells whether the client showed a certificate that it knows. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tsbuild-certs-'));
  const server = createServer(
    { ...LOCALHOST_CERTIFICATE, ca: LOCALHOST_CERTIFICATE.cert, requestCert: true, rejectUnauthorized: false },
    (incoming, outgoing) => {
      outgoing.end((incoming.socket as TLSSocket).authorized ? 'known' : 'stranger');
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  host = `localhost:${(server.address() as AddressInfo).port}`;
  close = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
});
afterEach(async () => {
  await close();
  await rm(folder, { recursive: true });
});

async function write(file: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, file)), { recursive: true });
  await writeFile(join(folder, file), text);
}

async function get(insecure = false, env: Record<string, string> = {}): Promise<string> {
  const { certificates, proxies } = await loadRegistryConfiguration({ env, home: folder, systemRoot: folder });
  const transport = createTransport({ certificates, proxies, timeouts: DEFAULT_TIMEOUTS, userAgent: 'x' });
  try {
    const url = new URL(`https://${host}/`);
    return (await readStart(await transport.send({ method: 'GET', url, headers: {}, insecure }), 100)).toString();
  } finally {
    transport.close();
  }
}

const unknownAuthority = /certificate/;

test.each(['etc/docker', 'etc/containers', '.config/containers', '.config/docker'])(
  'a host is checked against the authorities in its folder below %s/certs.d, and no other host is',
  async (root) => {
    await expect(get()).rejects.toThrow(unknownAuthority);
    await write(`${root}/certs.d/other.example/ca.crt`, LOCALHOST_CERTIFICATE.cert);
    await expect(get()).rejects.toThrow(unknownAuthority);
    await write(`${root}/certs.d/${host}/ca.crt`, LOCALHOST_CERTIFICATE.cert);
    expect(await get()).toBe('stranger');
  },
);

test('a host is shown the client certificate in its folder, also where its own is not checked', async () => {
  await write(`etc/docker/certs.d/${host}/client.cert`, LOCALHOST_CERTIFICATE.cert);
  await write(`etc/docker/certs.d/${host}/client.key`, LOCALHOST_CERTIFICATE.key);
  await expect(get()).rejects.toThrow(unknownAuthority);
  expect(await get(true)).toBe('known');
  await write(`etc/docker/certs.d/${host}/ca.crt`, LOCALHOST_CERTIFICATE.cert);
  expect(await get()).toBe('known');
});

test('hosts.toml names authorities and client certificates, beside itself or anywhere', async () => {
  const hosts = `etc/containerd/certs.d/a.example`;
  await write(`${hosts}/ca.pem`, LOCALHOST_CERTIFICATE.cert);
  await write('elsewhere.pem', `${LOCALHOST_CERTIFICATE.cert}${LOCALHOST_CERTIFICATE.key}`);
  await write(
    `${hosts}/hosts.toml`,
    `[host."https://${host}"]\nca = "ca.pem"\nclient = ["${join(folder, 'elsewhere.pem')}"]`,
  );
  expect(await get()).toBe('known');
});

test.each<[string, string, RegExp]>([
  ['client.cert', 'x', /client\.cert": there is no client\.key beside it/],
  ['client.key', 'x', /client\.key": there is no client\.cert beside it/],
  ['ca.crt', 'no certificate', /ca\.crt": there is no PEM in it/],
])('%s alone or without sense is refused by name', async (name, text, message) => {
  await write(`etc/docker/certs.d/${host}/${name}`, text);
  await expect(get()).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) });
});

test('a key that does not belong to its certificate is refused', async () => {
  await write(`etc/docker/certs.d/${host}/client.cert`, LOCALHOST_CERTIFICATE.cert);
  await write(
    `etc/docker/certs.d/${host}/client.key`,
    '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n',
  );
  await expect(get()).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});

test('SSL_CERT_DIR names folders of authorities, which must be there', async () => {
  await write('authorities/mine.pem', LOCALHOST_CERTIFICATE.cert);
  const SSL_CERT_DIR = `${join(folder, 'authorities')}:${join(folder, 'authorities')}`;
  expect(await get(false, { SSL_CERT_DIR })).toBe('stranger');
  const missing = join(folder, 'none');
  await expect(get(false, { SSL_CERT_DIR: missing })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining(missing),
  });
});

test('a file that is no certificate does not spoil a folder of them', async () => {
  await write('authorities/README.pem', 'read me');
  const forHost = () => Promise.resolve(undefined);
  const sources = { named: [], folders: [join(folder, 'authorities')], system: [], forHost };
  await expect(loadSecureContext(sources)).resolves.toBeDefined();
});

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'a registry on this machine that wants a client certificate (%s) is not taken for one without TLS',
  async (version) => {
    const server = createServer({
      ...LOCALHOST_CERTIFICATE,
      ca: LOCALHOST_CERTIFICATE.cert,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: version,
      maxVersion: version,
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await using tested = testClient();
    const registry = `localhost:${(server.address() as AddressInfo).port}`;
    const resolving = tested.client.repository({ registry, repository: 'app' }).resolve({ tag: '1' });
    await expect(resolving).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      message: expect.stringContaining('client certificate'),
      hint: expect.stringContaining('certs.d'),
    });
    await new Promise((resolve) => server.close(resolve));
  },
);
