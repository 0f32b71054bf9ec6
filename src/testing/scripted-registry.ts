import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { invariant } from '../support/invariant.js';
import type { Answer, Reply, Script, SeenRequest } from './exchange.js';
import { MemoryRegistry, type MemoryRegistryOptions } from './memory-registry.js';

export interface ScriptedRegistryOptions extends MemoryRegistryOptions {
  /** In PEM. Plain HTTP unless given. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** A registry on a free port of 127.0.0.1, to be disposed of. */
export interface ScriptedRegistry extends AsyncDisposable {
  /** `127.0.0.1:12345` */
  readonly host: string;
  /** In the order of their ends. */
  readonly seen: readonly SeenRequest[];
  readonly content: MemoryRegistry;
  readonly server: Server;
  /** `GET /v2/…`, in the same order. */
  lines(): readonly string[];
}

/** Starts a registry that misbehaves as the script says, and else follows the distribution-spec. */
export async function startScriptedRegistry(
  script: Script = () => undefined,
  options: ScriptedRegistryOptions = {},
): Promise<ScriptedRegistry> {
  const content = new MemoryRegistry(options);
  const seen: SeenRequest[] = [];
  const listener = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    receive(incoming, seen)
      .then((request) => answer(outgoing, request, { script, content }))
      // A script that throws is a mistake of the test: nothing else may hide it.
      .catch((error: unknown) => outgoing.destroy(error instanceof Error ? error : undefined));
  };
  const server: Server = options.tls === undefined ? createServer(listener) : createTlsServer(options.tls, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  invariant(typeof address === 'object' && address !== null, 'a server that listens on a port has an address');
  return {
    host: `127.0.0.1:${address.port}`,
    seen,
    content,
    server,
    lines: () => seen.map(({ method, path }) => `${method} ${path}`),
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function receive(incoming: IncomingMessage, seen: SeenRequest[]): Promise<SeenRequest> {
  const { method = '', url: path = '' } = incoming;
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of incoming as AsyncIterable<Uint8Array>) chunks.push(chunk);
  } catch {
    // The client gave its request up: it is seen as far as it came.
  }
  const time = seen.filter((other) => other.method === method && other.path === path).length + 1;
  const headers: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(incoming.headers)) headers[name] = [value].flat().join(', ');
  const request = { method, path, headers, body: Buffer.concat(chunks), time };
  seen.push(request);
  return request;
}

async function answer(
  outgoing: ServerResponse,
  request: SeenRequest,
  { script, content }: { readonly script: Script; readonly content: MemoryRegistry },
): Promise<void> {
  const given: Answer = script(request) ?? content.answer(request);
  if (given === 'hang') return;
  if (given === 'reset') {
    outgoing.socket?.resetAndDestroy();
  } else if ('raw' in given) {
    outgoing.socket?.end(given.raw);
  } else if ('breakAfterTaking' in given) {
    content.answer({ ...request, body: request.body.subarray(0, given.breakAfterTaking) });
    outgoing.socket?.resetAndDestroy();
  } else {
    await respond(outgoing, request, given);
  }
}

async function respond(outgoing: ServerResponse, request: SeenRequest, reply: Reply): Promise<void> {
  const body = Buffer.from(reply.body ?? '');
  const length = reply.closeDelimited === true ? {} : { 'content-length': String(body.length) };
  if (reply.closeDelimited === true) outgoing.setHeader('connection', 'close');
  outgoing.useChunkedEncodingByDefault = false;
  outgoing.writeHead(reply.status, { ...length, ...reply.headers });
  if (request.method === 'HEAD') {
    outgoing.end();
    return;
  }
  const part = reply.cutAfter ?? reply.stallAfter;
  if (part === undefined) {
    await send(outgoing, body, reply.trickle);
    return;
  }
  outgoing.write(body.subarray(0, part), () => {
    if (reply.cutAfter === undefined) return;
    if (reply.closeDelimited === true) outgoing.socket?.end();
    else outgoing.socket?.destroy();
  });
}

async function send(outgoing: ServerResponse, body: Buffer, trickle = body.length): Promise<void> {
  for (let at = 0; at + trickle < body.length && !outgoing.destroyed; at += trickle) {
    outgoing.write(body.subarray(at, at + trickle));
    await sleep(10);
  }
  outgoing.end(trickle === 0 ? body : body.subarray(body.length - (body.length % trickle || trickle)));
}
