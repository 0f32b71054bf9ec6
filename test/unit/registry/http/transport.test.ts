import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { Readable } from 'node:stream';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConnectionError, readStart, type HttpRequest } from '../../../../src/registry/http/http-message.js';
import { proxySettings } from '../../../../src/registry/http/http-proxy.js';
import { createTransport, type Transport } from '../../../../src/registry/http/transport.js';
import { startScriptedRegistry, type ScriptedRegistry } from '../../../../src/testing/scripted-registry.js';
import { TEST_CERTIFICATE } from '../../../support/registry/test-certificate.js';

const URL_BEHIND_PROXY = new URL('https://registry.example/v2/');
const TIMEOUTS = { connectMs: 2000, headersMs: 300, commitMs: 300, inactivityMs: 300, leastBytes: 1024 };

let folder: string;
let authority: string;
let registry: ScriptedRegistry;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tsbuild-transport-'));
  authority = join(folder, 'ca.pem');
  await writeFile(authority, TEST_CERTIFICATE.cert);
  registry = await startScriptedRegistry(() => undefined, { tls: TEST_CERTIFICATE });
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const NO_CERTIFICATES = { named: [], folders: [], system: [], forHost: () => Promise.resolve(undefined) };

interface Setting {
  readonly env?: Readonly<Record<string, string>>;
  readonly named?: readonly string[];
}

async function withTransport({ env = {}, named = [] }: Setting, run: (transport: Transport) => Promise<void>) {
  const certificates = { ...NO_CERTIFICATES, named };
  const transport = createTransport({ proxies: proxySettings(env), certificates, timeouts: TIMEOUTS, userAgent: 'x' });
  try {
    await run(transport);
  } finally {
    transport.close();
  }
}

async function get(transport: Transport, url: URL, options: Partial<HttpRequest> = {}): Promise<string> {
  const response = await transport.send({ method: 'GET', url, headers: {}, ...options });
  return (await readStart(response, 1000)).toString();
}

interface Proxy extends AsyncDisposable {
  readonly url: string;
  readonly asked: string[];
  /** How many connections there are. */
  open(): number;
}

/** Leads every connection to the registry, whatever host it is for. */
async function startProxy(
  options: { readonly authorization?: string; readonly silent?: boolean } = {},
): Promise<Proxy> {
  const asked: string[] = [];
  const target = registry.host.split(':');
  const sockets = new Set<Socket>();
  const server: Server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.host}`);
    response.end('from the proxy');
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim());
    if (options.silent === true) return;
    if (options.authorization !== undefined && request.headers['proxy-authorization'] !== options.authorization) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    const upstream = connect(Number(target[1]), target[0]);
    upstream.on('error', () => socket.destroy());
    socket.on('error', () => upstream.destroy());
    socket.on('close', () => upstream.destroy());
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    socket.pipe(upstream);
    upstream.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    open: () => sockets.size,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('TLS', () => {
  test('is refused from a stranger', async () => {
    await withTransport({}, async (transport) => {
      const url = new URL(`https://${registry.host}/v2/`);
      await expect(get(transport, url)).rejects.toThrow(/its certificate is self-signed/);
      await expect(get(transport, url)).rejects.toMatchObject({ transient: false });
    });
  });

  test('is accepted from anybody where that is asked for, and that stays with those who asked', async () => {
    await withTransport({}, async (transport) => {
      const url = new URL(`https://${registry.host}/v2/`);
      expect(await get(transport, url, { insecure: true })).toBe('{}');
      await expect(get(transport, url)).rejects.toBeInstanceOf(ConnectionError);
    });
  });

  test('from an authority that the user names must still be for the host', async () => {
    await withTransport({ named: [authority] }, async (transport) => {
      const url = new URL(`https://${registry.host}/v2/`);
      await expect(get(transport, url)).rejects.toThrow(/its certificate is for another host/);
    });
  });

  test('with a file of authorities that is not there is an error of configuration', async () => {
    await withTransport({ named: [join(folder, 'none')] }, async (transport) => {
      await expect(get(transport, URL_BEHIND_PROXY)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    });
  });
});

describe('a proxy', () => {
  test('tunnels TLS, once for several requests, and the certificate is that of the registry', async () => {
    await using proxy = await startProxy();
    await withTransport({ env: { HTTPS_PROXY: proxy.url }, named: [authority] }, async (transport) => {
      expect(await get(transport, URL_BEHIND_PROXY)).toBe('{}');
      expect(await get(transport, URL_BEHIND_PROXY)).toBe('{}');
      expect(proxy.asked).toEqual(['CONNECT registry.example:443']);
    });
    await withTransport({ env: { HTTPS_PROXY: proxy.url } }, async (transport) => {
      await expect(get(transport, URL_BEHIND_PROXY)).rejects.toThrow(/certificate/);
    });
    await expect.poll(() => proxy.open()).toBe(0);
  });

  test('gets its own password, and a plain word when it refuses it', async () => {
    const authorization = `Basic ${Buffer.from('me:hunter2').toString('base64')}`;
    await using proxy = await startProxy({ authorization });
    await withTransport(
      { env: { HTTPS_PROXY: `http://me:hunter2@${proxy.url}` }, named: [authority] },
      async (transport) => {
        expect(await get(transport, URL_BEHIND_PROXY)).toBe('{}');
      },
    );
    await withTransport(
      { env: { HTTPS_PROXY: `http://me:wrong@${proxy.url}` }, named: [authority] },
      async (transport) => {
        const error = await get(transport, URL_BEHIND_PROXY).catch((thrown: unknown) => thrown);
        expect(error).toMatchObject({ transient: false });
        expect(String(error)).toMatch(
          /the proxy 127.* refused the connection with status 407: it wants a user and password/,
        );
        expect(String(error)).not.toContain('wrong');
      },
    );
  });

  test('that does not answer, or is not there, is named', async () => {
    await using proxy = await startProxy({ silent: true });
    const slow = createTransport({
      proxies: proxySettings({ HTTPS_PROXY: proxy.url }),
      certificates: NO_CERTIFICATES,
      timeouts: { ...TIMEOUTS, connectMs: 100 },
      userAgent: 'x',
    });
    await expect(get(slow, URL_BEHIND_PROXY)).rejects.toMatchObject({ transient: true });
    slow.close();
    await withTransport({ env: { HTTPS_PROXY: '127.0.0.1:1' } }, async (transport) => {
      await expect(get(transport, URL_BEHIND_PROXY)).rejects.toThrow(/the proxy 127\.0\.0\.1:1 cannot be used/);
    });
  });

  test('is asked for plain HTTP by the whole URL', async () => {
    await using proxy = await startProxy();
    await withTransport({ env: { HTTP_PROXY: proxy.url } }, async (transport) => {
      expect(await get(transport, new URL('http://registry.example/v2/?a=b'))).toBe('from the proxy');
      expect(proxy.asked).toEqual(['GET http://registry.example/v2/?a=b registry.example']);
    });
  });

  test('is left alone for loopback', async () => {
    await using proxy = await startProxy();
    await withTransport({ env: { ALL_PROXY: proxy.url } }, async (transport) => {
      expect(await get(transport, new URL(`https://${registry.host}/v2/`), { insecure: true })).toBe('{}');
      expect(proxy.asked).toEqual([]);
    });
  });
});

test('connections are kept and used again', async () => {
  await using plain = await startScriptedRegistry();
  await withTransport({}, async (transport) => {
    for (let time = 0; time < 3; time += 1) {
      const response = await transport.send({ method: 'GET', url: new URL(`http://${plain.host}/v2/`), headers: {} });
      await readStart(response, 1000);
    }
    const connections = new Promise((resolve) => plain.server.getConnections((_error, count) => resolve(count)));
    expect(await connections).toBe(1);
  });
});

test('an answer that comes before the end of a large body ends the body', async () => {
  const server = createServer((_request, response) => {
    response.writeHead(413, { 'content-length': '3' });
    response.end('big');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await withTransport({}, async (transport) => {
    const endless = async function* () {
      for (;;) yield await Promise.resolve(Buffer.alloc(65536));
    };
    const body = { length: 2 ** 40, open: () => Promise.resolve(Readable.from(endless())) };
    const response = await transport.send({ method: 'PUT', url, headers: {}, body });
    expect(response.status).toBe(413);
    expect((await readStart(response, 10)).toString()).toBe('big');
  });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

describe('a body that comes slowly', () => {
  const read = async (trickle: number): Promise<number> => {
    await using slow = await startScriptedRegistry(() => ({ status: 200, body: Buffer.alloc(4096), trickle }));
    let bytes = 0;
    await withTransport({}, async (transport) => {
      const response = await transport.send({ method: 'GET', url: new URL(`http://${slow.host}/`), headers: {} });
      for await (const chunk of response.body) bytes += chunk.byteLength;
    });
    return bytes;
  };

  test('is waited for, though it takes longer than any wait may', async () => {
    expect(await read(100)).toBe(4096);
  });

  test('is given up when it might as well not come at all', async () => {
    await expect(read(5)).rejects.toThrow(/^only \d+ further bytes came within 0\.3 s$/);
  });
});

test('a large piece of a body is sent bit by bit, each of which may take its time', async () => {
  const sent: number[] = [];
  await using taking = await startScriptedRegistry(() => ({ status: 201 }));
  await withTransport({}, async (transport) => {
    const body = { length: 1 << 20, open: () => Promise.resolve(Readable.from([Buffer.alloc(1 << 20)])) };
    const request = { method: 'PUT', url: new URL(`http://${taking.host}/`), headers: {}, body } as const;
    const response = await transport.send({ ...request, onBytesSent: (count) => sent.push(count) });
    expect(response.status).toBe(201);
  });
  expect(sent).toEqual(Array.from({ length: 16 }, () => 65_536));
});
