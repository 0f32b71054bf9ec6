import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fetchHttpFile, type HttpFetch, type HttpFile } from '../../../../src/builder/sources/http-file.js';
import { SourceFetcher } from '../../../../src/builder/sources/source-fetcher.js';
import { digestOf, type Digest } from '../../../../src/oci/digest.js';
import { createWebClient, type WebClient } from '../../../../src/registry/http/web-client.js';
import { openStore, type OpenStore } from '../../../../src/store/open-store.js';
import { listTree } from '../../../support/listing.js';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

let folder: string;
let store: OpenStore;
let server: Server;
let web: WebClient;
let base: string;
let handler: Handler;
let requests: IncomingMessage[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'http-file-'));
  store = await openStore(join(folder, 'store'));
  requests = [];
  server = createServer((request, response) => {
    requests.push(request);
    handler(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  web = client({});
});
afterEach(async () => {
  web.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  store[Symbol.dispose]();
  await rm(folder, { recursive: true });
});

function client(proxies: { readonly http?: URL }): WebClient {
  return createWebClient({
    proxies: { http: proxies.http, https: undefined, exceptions: [] },
    certificates: { named: [], folders: [], system: [], forHost: () => Promise.resolve(undefined) },
    userAgent: 'test',
    retries: { attempts: 2, baseMs: 1 },
    now: Date.now,
    onWarning: () => undefined,
  });
}

const signal = new AbortController().signal;

function fetch(path: string, options: Partial<HttpFetch> & { checksum?: Digest } = {}): Promise<HttpFile> {
  const { checksum, ...rest } = options;
  const operation = { url: path.startsWith('http') ? path : `${base}${path}`, ...(checksum && { checksum }) };
  return fetchHttpFile(operation, { store, web: () => Promise.resolve(web) }, { signal, ...rest });
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

const LAST_MODIFIED = 'Wed, 21 Oct 2015 07:28:00 GMT';

describe('pitfall 99: a file from a URL', () => {
  test('has mode 0600, owner 0:0, and the time that the server says', async () => {
    handler = (_, response) => response.setHeader('Last-Modified', LAST_MODIFIED).end('hello');
    const access = { web: () => Promise.resolve(web), gitEnvironment: () => Promise.resolve({}) };
    const fetcher = new SourceFetcher({ store, access, secrets: {} });
    const operation = { kind: 'http', url: `${base}/x`, name: 'name' } as const;
    const { tree } = await fetcher.fetch(operation, 'step', { signal, progress: () => undefined });
    expect(listTree(tree, { times: true })).toEqual(['name file 600 0:0 "hello" @1445412480.0']);
  });

  test.each([undefined, 'yesterday'])('has the time 0 where the server says %s', async (value) => {
    handler = (_, response) => {
      if (value !== undefined) response.setHeader('Last-Modified', value);
      response.end('hello');
    };
    expect((await fetch('/x')).modified).toBe(0);
  });
});

describe('pitfalls 100 and 116: a URL is asked in every build', () => {
  test('and sends nothing when its entity tag is the same', async () => {
    handler = (request, response) => {
      response.setHeader('ETag', '"1"');
      if (request.headers['if-none-match'] === '"1"') response.writeHead(304).end();
      else response.end('hello');
    };
    const first = await fetch('/x');
    expect(await fetch('/x')).toEqual(first);
    expect(requests.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"1"']);
  });

  test('also of a server that sends all the same', async () => {
    handler = (_, response) => response.setHeader('ETag', '"1"').end('hello');
    const first = await fetch('/x');
    handler = (_, response) => response.setHeader('ETag', '"1"').end('a lie, which is not read');
    expect(await fetch('/x')).toEqual(first);
  });

  test('and sends nothing when it has not been modified since', async () => {
    handler = (request, response) => {
      if (request.headers['if-modified-since'] === LAST_MODIFIED) response.writeHead(304).end();
      else response.setHeader('Last-Modified', LAST_MODIFIED).end('hello');
    };
    const first = await fetch('/x');
    expect(await fetch('/x')).toEqual(first);
    expect(requests).toHaveLength(2);
  });

  test('and is fetched again when it has changed, or the store has lost it', async () => {
    let content = 'one';
    handler = (request, response) => {
      response.setHeader('ETag', `"${content}"`);
      if (request.headers['if-none-match'] === `"${content}"`) response.writeHead(304).end();
      else response.end(content);
    };
    const first = await fetch('/x');
    content = 'two';
    expect((await fetch('/x')).digest).toBe(digestOf('two'));
    content = 'one';
    await store.blobs.delete(first.digest);
    expect((await fetch('/x')).digest).toBe(digestOf('one'));
  });
});

describe('pitfall 103: --checksum', () => {
  test('takes the content that it names, and does not ask for it again', async () => {
    handler = (_, response) => response.end('hello');
    const checksum = digestOf('hello');
    await fetch('/x', { checksum });
    await fetch('/x', { checksum });
    expect(requests).toHaveLength(1);
  });

  test('refuses any other, and keeps nothing', async () => {
    handler = (_, response) => response.end('hello');
    const wrong = digestOf('something else');
    await expect(fetch('/x?token=secret', { checksum: wrong })).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
      message: `cannot use "${base}/x?token=…": its content is not what was asked for`,
    });
    expect(await all(store.blobs.list())).toEqual([]);
  });
});

describe('a server', () => {
  test('may ask for user and password, which are in the URL', async () => {
    handler = (request, response) => response.end(request.headers.authorization);
    const file = await fetch(`http://me:s%40cret@${base.slice(7)}/x`);
    expect((await store.blobs.read(file)).toString()).toBe(`Basic ${Buffer.from('me:s@cret').toString('base64')}`);
  });

  test('that sends on to another gives it no password', async () => {
    const other = createServer((request, response) => {
      requests.push(request);
      response.end('other');
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const target = `http://127.0.0.1:${(other.address() as AddressInfo).port}/y`;
    handler = (_, response) => response.writeHead(302, { location: target }).end();
    await fetch(`http://me:secret@${base.slice(7)}/x`);
    other.close();
    other.closeAllConnections();
    expect(requests.map(({ headers }) => headers.authorization !== undefined)).toEqual([true, false]);
  });

  test('may be reached by a proxy', async () => {
    handler = (request, response) => response.end(`proxied ${request.url ?? ''}`);
    web = client({ http: new URL(base) });
    const file = await fetch('http://files.example/x');
    expect((await store.blobs.read(file)).toString()).toBe('proxied http://files.example/x');
  });

  test('may compress although it was asked not to', async () => {
    handler = (_, response) => response.setHeader('Content-Encoding', 'gzip').end(gzipSync('plain'));
    expect((await fetch('/x')).digest).toBe(digestOf('plain'));
  });

  test.each<[string, Handler, string]>([
    ['that has nothing there', (_, response) => response.writeHead(404).end(), 'the server answered 404'],
    ['that wants a password', (_, response) => response.writeHead(401).end(), 'the server answered 401'],
    ['in trouble', (_, response) => response.writeHead(503).end(), 'the server answered 503'],
    [
      'that breaks off',
      (_, response) => response.writeHead(200, { 'content-length': 9 }).write('x', () => response.destroy()),
      'cannot fetch',
    ],
    ['that sends too much', (_, response) => response.end(Buffer.alloc(2000)), 'it has more than 1000 bytes'],
    [
      'that sends too much without saying so',
      (_, response) => response.writeHead(200, { 'transfer-encoding': 'chunked' }).end(Buffer.alloc(2000)),
      'it has more than 1000 bytes',
    ],
    [
      'that sends a bomb',
      (_, response) => response.setHeader('Content-Encoding', 'gzip').end(gzipSync(Buffer.alloc(9000))),
      'it has more than 1000 bytes',
    ],
    [
      'with another encoding',
      (_, response) => response.setHeader('Content-Encoding', 'br').end('x'),
      'it comes in the encoding "br"',
    ],
  ])('%s is told of', async (_, answer, message) => {
    handler = answer;
    const failed = fetch('/x?key=secret', { maxBytes: 1000 });
    await expect(failed).rejects.toMatchObject({
      code: 'SOURCE_UNAVAILABLE',
      message: expect.stringContaining(message),
    });
    await expect(failed).rejects.not.toThrow('secret');
    expect(await all(store.records.list('source'))).toEqual([]);
  });

  test('that is not there is told of with what to check', async () => {
    await expect(fetch('http://127.0.0.1:1/x')).rejects.toMatchObject({
      code: 'SOURCE_UNAVAILABLE',
      hint: 'Check the address, the network, and the proxy in HTTPS_PROXY and NO_PROXY.',
    });
  });

  test('is given up when the build is cancelled', async () => {
    handler = () => undefined;
    const abort = new AbortController();
    const pending = fetch('/x', { signal: abort.signal });
    setTimeout(() => {
      abort.abort();
    }, 50);
    await expect(pending).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
