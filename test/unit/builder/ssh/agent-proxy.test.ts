import { spawn, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isAllowed, openAgentProxy, type AgentProxy } from '../../../../src/builder/ssh/agent-proxy.js';
import { FAILURE, frame, MESSAGE, readMessages, sshString } from '../../../../src/builder/ssh/agent-protocol.js';
import type { Agent } from '../../../../src/builder/ssh/agent.js';
import { openAgent } from '../../../../src/builder/ssh/open-agent.js';
import { requirement } from '../../../support/require.js';
import { hasTools } from '../../../support/tools.js';

let place: string;
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'tsbuild-agent-'));
});
afterAll(() => rmSync(place, { recursive: true }));

const owner = { mode: 0o600, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

const extension = (name: string): Buffer =>
  Buffer.concat([Buffer.from([MESSAGE.extension]), sshString(name), Buffer.from('more')]);

describe('the filter', () => {
  test.each<[string, Buffer, boolean]>([
    ['which keys there are', Buffer.from([11]), true],
    ['a signature', Buffer.from([13, 0]), true],
    ['the binding of a connection', extension('session-bind@openssh.com'), true],
    ['another extension', extension('query'), false],
    ['an extension without a name', Buffer.from([27, 0, 0]), false],
    ['adding a key', Buffer.from([17]), false],
    ['removing a key', Buffer.from([18]), false],
    ['removing all keys', Buffer.from([19]), false],
    ['adding a key of a smart card', Buffer.from([20]), false],
    ['locking', Buffer.from([22]), false],
    ['unlocking', Buffer.from([23]), false],
    ['adding a key with constraints', Buffer.from([25]), false],
    ['the old protocol', Buffer.from([1]), false],
    ['nothing', Buffer.alloc(0), false],
  ])('%s: %#', (_name, message, allowed) => {
    expect(isAllowed(message)).toBe(allowed);
  });
});

describe('the socket', () => {
  const asked: Buffer[] = [];
  let sessions = 0;
  const agent: Agent = {
    open: () => {
      sessions += 1;
      return Promise.resolve({
        ask: (message) => {
          asked.push(Buffer.from(message));
          return Promise.resolve(Buffer.from([99, ...message]));
        },
        [Symbol.dispose]: () => {
          sessions -= 1;
        },
      });
    },
  };

  async function talk(proxy: AgentProxy, bytes: Buffer, answers: number): Promise<readonly Buffer[]> {
    const socket = connect(join(proxy.directory, proxy.name));
    await once(socket, 'connect');
    socket.write(bytes);
    const heard: Buffer[] = [];
    for await (const message of readMessages(socket)) {
      heard.push(message);
      if (heard.length === answers) break;
    }
    socket.destroy();
    return heard;
  }

  test('passes on what is allowed, answers the rest itself, keeps the order', async () => {
    await using proxy = await openAgentProxy({ agent, temporaryDirectory: place, ...owner });
    const messages = [Buffer.from([11]), Buffer.from([17, 1]), Buffer.from([13, 7])];
    const heard = await talk(proxy, Buffer.concat(messages.map(frame)), 3);
    expect(heard).toEqual([Buffer.from([99, 11]), FAILURE, Buffer.from([99, 13, 7])]);
    expect(asked).toEqual([Buffer.from([11]), Buffer.from([13, 7])]);
  });

  test('is of the mode that is asked for, and gone afterwards, with all that was opened for it', async () => {
    {
      await using proxy = await openAgentProxy({ agent, temporaryDirectory: place, ...owner, mode: 0o640 });
      const status = statSync(join(proxy.directory, proxy.name));
      expect(status.isSocket()).toBe(true);
      expect(status.mode & 0o7777).toBe(0o640);
      await talk(proxy, frame(Buffer.from([11])), 1);
    }
    expect(readdirSync(place)).toEqual([]);
    await expect.poll(() => sessions).toBe(0);
  });

  test('takes a store whose path is longer than a socket may have', async () => {
    const long = mkdtempSync(join(place, 'x'.repeat(150)));
    {
      await using proxy = await openAgentProxy({ agent, temporaryDirectory: long, ...owner });
      expect(existsSync(join(proxy.directory, proxy.name))).toBe(true);
    }
    rmSync(long, { recursive: true });
  });

  test.each([
    ['too long', Buffer.from([0xff, 0xff, 0xff, 0xff])],
    ['empty', Buffer.alloc(4)],
  ])('hangs up on a message that is %s', async (_name, bytes) => {
    await using proxy = await openAgentProxy({ agent, temporaryDirectory: place, ...owner });
    expect(await talk(proxy, bytes, 1)).toEqual([]);
  });
});

test('an agent beside key files is refused, and so is what is not there', async () => {
  await using proxy = await openAgentProxy({
    agent: await openAgent({ id: 'd', paths: [] }),
    temporaryDirectory: place,
    ...owner,
  });
  const key = join(place, 'pem');
  const { privateKey } = generateKeyPairSync('ed25519');
  writeFileSync(key, privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
  const socket = join(proxy.directory, proxy.name);
  await expect(openAgent({ id: 'd', paths: [socket, key] })).rejects.toMatchObject({ code: 'USAGE' });
  await expect(openAgent({ id: 'd', paths: [join(place, 'none')] })).rejects.toThrow('ENOENT');
  rmSync(key);
});

const { skip, reason } = requirement(
  'ssh',
  hasTools('ssh-keygen', 'ssh-add', 'ssh-agent'),
  'ssh-agent, ssh-add and ssh-keygen (package openssh-client) are missing',
);

describe.skipIf(skip)(`OpenSSH's own programs (${reason})`, () => {
  function makeKey(name: string, type: string): string {
    const file = join(place, name);
    const args = ['-q', '-t', type, '-N', '', '-C', name, '-f', file];
    expect(spawnSync('ssh-keygen', args).status).toBe(0);
    return file;
  }

  /** Asynchronous: the proxy answers in this process. */
  async function client(command: string, args: readonly string[], socket: string): Promise<[number | null, string]> {
    const child = spawn(command, args, { env: { PATH: process.env['PATH'], SSH_AUTH_SOCK: socket }, stdio: 'pipe' });
    let output = '';
    child.stdin.end();
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += String(chunk)));
    const [code] = (await once(child, 'close')) as [number | null];
    return [code, output];
  }

  async function check(agent: Agent, names: readonly string[], keys: readonly string[]): Promise<void> {
    await using proxy = await openAgentProxy({ agent, temporaryDirectory: place, ...owner });
    const socket = join(proxy.directory, proxy.name);
    const [, listing] = await client('ssh-add', ['-L'], socket);
    expect(
      listing
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[2]),
    ).toEqual(names);
    for (const key of keys) {
      writeFileSync(join(place, 'data'), 'signed');
      // -T asks the agent for a signature and verifies it.
      expect(await client('ssh-add', ['-T', `${key}.pub`], socket)).toEqual([0, '']);
    }
    const [status] = await client('ssh-add', ['-D'], socket);
    expect(status).not.toBe(0);
    expect((await client('ssh-add', ['-x'], socket))[0]).not.toBe(0);
  }

  test('see the keys of files and get signatures of them', async () => {
    const keys = ['ed25519', 'rsa', 'ecdsa'].map((type) => makeKey(`file-${type}`, type));
    const agent = await openAgent({ id: 'd', paths: keys });
    await check(agent, ['file-ed25519', 'file-rsa', 'file-ecdsa'], keys);
    for (const key of keys) rmSync(key);
  });

  test("see an agent's keys through the proxy, use them, and cannot take them away", async () => {
    const socket = join(place, 'real');
    const daemon = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    try {
      await expect.poll(() => existsSync(socket)).toBe(true);
      const key = makeKey('real-ed25519', 'ed25519');
      chmodSync(key, 0o600);
      expect((await client('ssh-add', ['-q', key], socket))[0]).toBe(0);
      await check(await openAgent({ id: 'd', paths: [socket] }), ['real-ed25519'], [key]);
      expect((await client('ssh-add', ['-L'], socket))[1]).toContain('real-ed25519');
      expect(readFileSync(`${key}.pub`, 'utf8')).toContain('ssh-ed25519');
    } finally {
      daemon.kill();
      await once(daemon, 'exit');
    }
  });
});
