import { open, stat } from 'node:fs/promises';
import { systemErrorCode, TsbuildError } from '../../support/errors.js';
import type { SshSource } from '../build-request.js';
import type { Agent } from './agent.js';
import { readPrivateKey, type PrivateKey } from './private-key.js';
import { KeyAgent } from './key-agent.js';
import { SocketAgent } from './socket-agent.js';

/** No private key is larger; ssh-keygen's largest have some 13 KiB. */
const MAX_KEY_BYTES = 100 * 1024;

/** The agent that `--ssh` names: one on a socket, or one for key files. @throws `USAGE` */
export async function openAgent({ id, paths }: SshSource): Promise<Agent> {
  const sockets: string[] = [];
  const keys: PrivateKey[] = [];
  for (const path of paths) {
    if (await isSocket(path)) sockets.push(path);
    else keys.push(readPrivateKey(await readKey(path), path));
  }
  const [socket] = sockets;
  if (socket === undefined) return new KeyAgent(keys);
  if (sockets.length === 1 && keys.length === 0) return new SocketAgent(socket);
  throw new TsbuildError('USAGE', `cannot use ssh "${id}": it has an agent beside other sources`, {
    hint: 'Give one agent, or any number of key files.',
  });
}

async function isSocket(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isSocket();
  } catch (error) {
    throw unusable(path, error);
  }
}

async function readKey(path: string): Promise<string> {
  try {
    await using file = await open(path, 'r');
    const space = Buffer.alloc(MAX_KEY_BYTES);
    const { bytesRead } = await file.read(space, 0, space.length, 0);
    return space.toString('latin1', 0, bytesRead);
  } catch (error) {
    throw unusable(path, error);
  }
}

function unusable(path: string, cause: unknown): TsbuildError {
  return new TsbuildError(
    'USAGE',
    `cannot use ssh source "${path}": ${systemErrorCode(cause) ?? 'it cannot be read'}`,
    {
      hint: 'Give the socket of an agent ($SSH_AUTH_SOCK), or the file of a private key.',
      cause,
    },
  );
}
