import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect, createServer as createSocketServer, type AddressInfo } from 'node:net';
import { join, normalize } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { requirement } from './require.js';
import { hasTools } from './tools.js';

export const gitProgram = requirement('git', hasTools('git'), 'there is no git');

/** Files of a commit: text, a link, or another repository's commit. */
export type RepositoryFiles = Readonly<
  Record<string, string | { readonly link: string } | { readonly executable: string }>
>;

/** When all commits of tests were made. */
export const COMMIT_SECONDS = 1_577_934_245;

const ENV = {
  PATH: process.env['PATH'] ?? '',
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@example.com',
  GIT_AUTHOR_DATE: `${COMMIT_SECONDS} +0000`,
  GIT_COMMITTER_NAME: 'c',
  GIT_COMMITTER_EMAIL: 'c@example.com',
  GIT_COMMITTER_DATE: `${COMMIT_SECONDS} +0000`,
};

export function git(directory: string, ...args: readonly string[]): string {
  const settings = ['-c', 'init.defaultBranch=main', '-c', 'core.autocrlf=false'];
  return execFileSync('git', ['-C', directory, ...settings, ...args], {
    env: ENV,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
}

/** A repository below `root` with one commit more, on the branch `main`. @returns the commit */
export async function commitFiles(root: string, name: string, files: RepositoryFiles): Promise<string> {
  const directory = join(root, name);
  await mkdir(directory, { recursive: true });
  git(directory, 'init', '--quiet');
  for (const [path, content] of Object.entries(files)) {
    if (typeof content === 'object' && 'link' in content) {
      addObject(directory, { mode: '120000', path, content: content.link });
    } else {
      const [text, mode] = typeof content === 'string' ? [content, '100644'] : [content.executable, '100755'];
      addObject(directory, { mode, path, content: text });
    }
  }
  git(directory, 'commit', '--quiet', '--allow-empty', '-m', 'x');
  git(directory, 'update-server-info');
  return git(directory, 'rev-parse', 'HEAD');
}

/** Into the index alone: what git itself would refuse to check out can be committed. */
export function addObject(
  directory: string,
  entry: { readonly mode: string; readonly path: string; readonly content: string },
): void {
  const input = { env: ENV, input: entry.content, encoding: 'utf8' } as const;
  const object = execFileSync('git', ['-C', directory, 'hash-object', '-w', '--stdin'], input).trim();
  addIndexEntry(directory, { mode: entry.mode, object, path: entry.path });
}

export function addIndexEntry(
  directory: string,
  { mode, object, path }: { mode: string; object: string; path: string },
): void {
  const line = `${mode} ${object}\t${path}\n`;
  execFileSync('git', ['-C', directory, 'update-index', '--add', '--index-info'], { env: ENV, input: line });
}

export interface GitServer {
  /** Without slash at its end. */
  readonly url: string;
  stop(): Promise<void>;
}

/** `git daemon` over the repositories below a folder, on a free loopback port. */
export async function startGitDaemon(root: string): Promise<GitServer> {
  const port = await freePort();
  const args = [
    'daemon',
    '--reuseaddr',
    '--listen=127.0.0.1',
    `--port=${port}`,
    '--export-all',
    `--base-path=${root}`,
    root,
  ];
  const child = spawn('git', args, { env: ENV, stdio: 'ignore', detached: true });
  await untilListening(port, child);
  return {
    url: `git://127.0.0.1:${port}`,
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      await ended;
    },
  };
}

export interface DumbServer extends GitServer {
  /** Of each request, in order. */
  readonly authorizations: readonly (string | undefined)[];
}

/** Repositories as plain files over HTTP, for which git asks without any protocol; `user:password` when they are not public. */
export async function startDumbServer(root: string, password?: string): Promise<DumbServer> {
  const authorizations: (string | undefined)[] = [];
  const wanted = password === undefined ? undefined : `Basic ${Buffer.from(password).toString('base64')}`;
  const server = createServer((request, response) => {
    const { authorization } = request.headers;
    authorizations.push(authorization);
    // The scheme may be in any case (RFC 9110 §11.1).
    if (wanted !== undefined && authorization?.replace(/^basic /, 'Basic ') !== wanted) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      return;
    }
    const path = join(root, normalize(new URL(request.url ?? '/', 'http://x').pathname));
    stat(path).then(
      (status) => {
        if (status.isFile())
          createReadStream(path)
            .on('error', () => response.destroy())
            .pipe(response);
        else response.writeHead(404).end();
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    authorizations,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function freePort(): Promise<number> {
  const server = createSocketServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function untilListening(port: number, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (child.exitCode !== null) throw new Error('git daemon ended');
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => {
        resolve(false);
      });
    });
    if (open) return;
    await delay(25);
  }
  throw new Error('git daemon does not listen');
}
