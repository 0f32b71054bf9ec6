import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { requirement } from './require.js';

const PROGRAM = '/usr/bin/docker-registry';

export const dockerRegistry = requirement('docker-registry', existsSync(PROGRAM), `there is no ${PROGRAM}`);

export interface DockerRegistry {
  /** `127.0.0.1:12345` */
  readonly host: string;
  /** Requests so far, as `PUT /v2/…`. */
  requests(): readonly string[];
  stop(): Promise<void>;
}

/**
 * A registry of its own, empty, on a free loopback port. `htpasswd` is the text of a password file with bcrypt entries; with
 * `deletion` it lets itself be told to delete.
 */
export async function startDockerRegistry(
  options: { readonly htpasswd?: string; readonly deletion?: boolean } = {},
): Promise<DockerRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'tsbuild-registry-'));
  const host = `127.0.0.1:${await freePort()}`;
  await writeFile(join(folder, 'htpasswd'), options.htpasswd ?? '');
  await writeFile(
    join(folder, 'config.yml'),
    configuration({ folder, host, withPasswords: options.htpasswd !== undefined, ...options }),
  );
  const child = spawn(PROGRAM, ['serve', join(folder, 'config.yml')], { stdio: ['ignore', 'pipe', 'pipe'] });
  const log: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => log.push(text));
  await untilReady(child, host, log);
  return {
    host,
    requests: () => [...log.join('').matchAll(/"([A-Z]+ \/v2\/[^ ]*) HTTP/g)].map(([, request]) => request ?? ''),
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}

function configuration(options: {
  readonly folder: string;
  readonly host: string;
  readonly withPasswords: boolean;
  readonly deletion?: boolean;
}): string {
  const { folder, host, withPasswords, deletion = false } = options;
  const auth = { auth: { htpasswd: { realm: 'test', path: join(folder, 'htpasswd') } } };
  return JSON.stringify({
    version: '0.1',
    log: { level: 'error', accesslog: { disabled: false } },
    storage: { filesystem: { rootdirectory: join(folder, 'data') }, delete: { enabled: deletion } },
    http: { addr: host },
    ...(withPasswords ? auth : {}),
  });
}

async function untilReady(child: ChildProcess, host: string, log: readonly string[]): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`docker-registry ended: ${log.join('')}`);
    try {
      await fetch(`http://${host}/v2/`);
      return;
    } catch {
      await delay(25);
    }
  }
  throw new Error(`docker-registry does not answer: ${log.join('')}`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
