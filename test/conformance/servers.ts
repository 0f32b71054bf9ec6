import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { rootPath } from './write-case.js';

/** Serves `@http` of each case at `http://127.0.0.1:port/<case>/`, and its `@git` as `http://127.0.0.1:port/<case>.git`. */
export interface CaseServer extends AsyncDisposable {
  readonly origin: string;
  /** Folders of cases, by name. */
  readonly folders: Map<string, string>;
}

export async function startServer(): Promise<CaseServer> {
  const folders = new Map<string, string>();
  const server = createServer((request, response) => {
    answer(request, response, folders).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    folders,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  folders: ReadonlyMap<string, string>,
): Promise<void> {
  const { pathname, search } = new URL(request.url ?? '/', 'http://server');
  const [, name = '', rest = ''] = /^\/([^/]+)\/(.*)$/.exec(decodeURIComponent(pathname)) ?? [];
  const folder = folders.get(name.replace(/\.git$/, ''));
  if (folder === undefined) response.writeHead(404).end();
  else if (name.endsWith('.git')) await answerGit(request, response, { root: folder, path: `/${rest}`, search });
  else answerFile(request, response, join(rootPath(folder, 'http'), rest));
}

/** A file of the time 0 has no Last-Modified. */
function answerFile(request: IncomingMessage, response: ServerResponse, path: string): void {
  if (!existsSync(path) || !statSync(path).isFile()) {
    response.writeHead(404).end();
    return;
  }
  const body = readFileSync(path);
  const { mtime } = statSync(path);
  const etag = `"${createHash('sha256').update(body).digest('hex')}"`;
  const times = mtime.getTime() === 0 ? {} : { 'Last-Modified': mtime.toUTCString() };
  response.writeHead(200, { ETag: etag, 'Content-Length': body.length, ...times });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** git-http-backend(1): the smart protocol, since a shallow fetch needs it. */
async function answerGit(
  request: IncomingMessage,
  response: ServerResponse,
  { root, path, search }: { readonly root: string; readonly path: string; readonly search: string },
): Promise<void> {
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: path,
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(await buffer(request));
  const output = await buffer(child.stdout);
  const end = output.indexOf('\r\n\r\n');
  const headers = output.subarray(0, end).toString('latin1').split('\r\n').map(splitHeader);
  const status = Number(headers.find(([name]) => name === 'Status')?.[1]?.slice(0, 3) ?? 200);
  response.writeHead(status, Object.fromEntries(headers.filter(([name]) => name !== 'Status')));
  response.end(output.subarray(end + 4));
}

function splitHeader(line: string): [name: string, value: string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon), line.slice(colon + 1).trim()];
}

export const hasGit: boolean = existsSync('/usr/bin/git') || existsSync('/usr/local/bin/git');

/** Makes a bare repository of the files in a folder, with one commit on `main`, tagged `v1`; its id is the same wherever it is made. */
export function makeRepository(files: string, repository: string): void {
  const time = '1000000000 +0000';
  const env = {
    PATH: process.env['PATH'],
    HOME: files,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'author',
    GIT_AUTHOR_EMAIL: 'author@example.com',
    GIT_AUTHOR_DATE: time,
    GIT_COMMITTER_NAME: 'author',
    GIT_COMMITTER_EMAIL: 'author@example.com',
    GIT_COMMITTER_DATE: time,
  };
  const git = (...args: string[]): void => {
    execFileSync('git', args, { cwd: files, env, stdio: ['ignore', 'ignore', 'pipe'] });
  };
  git('init', '--quiet', '--initial-branch=main');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'files');
  git('tag', 'v1');
  git('clone', '--quiet', '--bare', '.', repository);
}
