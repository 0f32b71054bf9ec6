import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { MemoryRegistry } from './memory-registry.js';

export interface SeenRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
  /** How often this method and path were asked for, this time included. */
  readonly time: number;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Sends this many bytes of the body and resets the connection. */
  readonly cutAfter?: number;
  /** Sends this many bytes of the body and then nothing more, ever. */
  readonly stallAfter?: number;
  /** No Content-Length: the end of the connection is the end of the body. */
  readonly closeDelimited?: boolean;
}

/** `undefined`: as a proper registry would; `hang`: never; `reset`: the connection breaks; a string: these bytes as they are. */
export type Script = (request: SeenRequest) => Reply | 'hang' | 'reset' | { readonly raw: string } | undefined;

export interface ScriptedRegistry extends AsyncDisposable {
  /** `127.0.0.1:12345` */
  readonly host: string;
  readonly seen: readonly SeenRequest[];
  readonly content: MemoryRegistry;
  readonly server: Server;
  /** `GET /v2/…`, in order. */
  lines(): readonly string[];
}

/** A registry over node:http that misbehaves as the script says. */
export async function startScriptedRegistry(
  script: Script = () => undefined,
  tls?: { readonly key: string; readonly cert: string },
): Promise<ScriptedRegistry> {
  const content = new MemoryRegistry();
  const seen: SeenRequest[] = [];
  const listener = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    void receive(incoming, seen).then((request) => {
      respond(outgoing, request, script(request) ?? content.answer(request));
    });
  };
  const server: Server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
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
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
  } catch {
    // The client gave its request up: it is seen as far as it came.
  }
  const time = seen.filter((other) => other.method === method && other.path === path).length + 1;
  const headers = incoming.headers as Record<string, string | undefined>;
  const request = { method, path, headers, body: Buffer.concat(chunks), time };
  seen.push(request);
  return request;
}

function respond(outgoing: ServerResponse, request: SeenRequest, reply: Exclude<ReturnType<Script>, undefined>): void {
  if (reply === 'hang') return;
  if (reply === 'reset') {
    outgoing.socket?.resetAndDestroy();
    return;
  }
  if ('raw' in reply) {
    outgoing.socket?.end(reply.raw);
    return;
  }
  const body = Buffer.from(reply.body ?? '');
  const length = reply.closeDelimited === true ? {} : { 'content-length': String(body.length) };
  if (reply.closeDelimited === true) outgoing.setHeader('connection', 'close');
  outgoing.useChunkedEncodingByDefault = false;
  outgoing.writeHead(reply.status, { ...length, ...reply.headers });
  const part = reply.cutAfter ?? reply.stallAfter;
  if (part === undefined || request.method === 'HEAD') {
    outgoing.end(request.method === 'HEAD' ? undefined : body);
    return;
  }
  outgoing.write(body.subarray(0, part), () => {
    if (reply.cutAfter === undefined) return;
    if (reply.closeDelimited === true) outgoing.socket?.end();
    else outgoing.socket?.destroy();
  });
}
