import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadIntoEngine } from '../../../../src/registry/engine/engine-api.js';
import { findEngine, parseEngineHost } from '../../../../src/registry/engine/find-engine.js';

const never = new AbortController().signal;
let folder: string;
let socket: string;
let server: Server | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbuild-engine-'));
  socket = join(folder, 'docker.sock');
});

afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
  server = undefined;
  rmSync(folder, { recursive: true });
});

async function listen(onRequest: RequestListener): Promise<void> {
  server = createServer(onRequest);
  await new Promise<void>((resolve) => server?.listen(socket, resolve));
}

async function* archive(...parts: string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield await Promise.resolve(Buffer.from(part));
}

describe('loadIntoEngine()', () => {
  test('sends the archive as it comes', async () => {
    let received = '';
    await listen((request, response) => {
      void buffer(request).then((body) => {
        received = `${request.method ?? ''} ${request.url ?? ''} ${body.toString()}`;
        response.end('{"stream":"Loaded image: x\\n"}\n');
      });
    });
    await loadIntoEngine({ socket }, archive('one', 'two'), never);
    expect(received).toBe('POST /images/load?quiet=1 onetwo');
  });

  test.each([
    [
      'an error after a good status',
      200,
      '{"stream":"…"}\n{"errorDetail":{},"error":"no space left"}\n',
      'no space left',
    ],
    ['a refusal', 400, '{"message":"invalid archive"}\n', 'invalid archive'],
    ['an answer without words', 500, '<html>', 'it answered with status 500'],
  ])('%s is an error that says it', async (_name, status, body, state) => {
    await listen((request, response) => {
      request.resume();
      request.once('end', () => response.writeHead(status).end(body));
    });
    await expect(loadIntoEngine({ socket }, archive('x'), never)).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
      message: `cannot hand the image to the engine at "${socket}": ${state}`,
    });
  });

  test('an engine that hangs up, and one that is not there, are errors', async () => {
    await listen((request) => void request.socket.destroy());
    await expect(loadIntoEngine({ socket }, archive('x'), never)).rejects.toMatchObject({ code: 'OUTPUT_FAILED' });
    await expect(loadIntoEngine({ socket: join(folder, 'no') }, archive('x'), never)).rejects.toThrow('ENOENT');
  });

  test('cancelling ends a transfer that hangs', async () => {
    await listen((request) => void request.resume());
    const abort = new AbortController();
    const loading = loadIntoEngine({ socket }, archive('x'), abort.signal);
    abort.abort();
    await expect(loading).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

describe('findEngine()', () => {
  const ping: RequestListener = (request, response) => {
    request.resume();
    response.writeHead(request.url === '/_ping' ? 200 : 404).end('OK');
  };

  test('takes DOCKER_HOST, and the sockets of this user', async () => {
    await listen(ping);
    expect(await findEngine({ DOCKER_HOST: `unix://${socket}` }, never)).toEqual({ socket });
    expect(await findEngine({ XDG_RUNTIME_DIR: folder, DOCKER_HOST: '' }, never)).toEqual({ socket });
  });

  test('a DOCKER_HOST where nothing answers is an error, whatever else there is', async () => {
    await listen((_, response) => void response.writeHead(404).end());
    await expect(findEngine({ DOCKER_HOST: `unix://${socket}` }, never)).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
      message: `cannot hand over the image: no engine answers at "unix://${socket}"`,
    });
  });
});

describe('parseEngineHost()', () => {
  test.each([
    ['unix:///run/docker.sock', { socket: '/run/docker.sock' }],
    ['tcp://127.0.0.1:2375', { host: '127.0.0.1', port: 2375 }],
    ['tcp://[::1]:2375', { host: '::1', port: 2375 }],
  ])('%s', (text, address) => {
    expect(parseEngineHost(text)).toEqual(address);
  });

  test.each(['ssh://user@host', 'npipe:////./pipe/docker', 'tcp://host', 'fd://'])('%s is refused by name', (text) => {
    expect(() => parseEngineHost(text)).toThrow(`cannot reach the engine at "${text}"`);
  });
});
