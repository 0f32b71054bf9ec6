import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import { chmod, chown, mkdtemp } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { removeTree } from '../../support/files.js';
import type { Agent, AgentSession } from './agent.js';
import { FAILURE, frame, MESSAGE, readMessages, SshReader } from './agent-protocol.js';

export interface AgentProxyOptions {
  readonly agent: Agent;
  /** Absolute: gets a folder for the socket. */
  readonly temporaryDirectory: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface AgentProxy extends AsyncDisposable {
  /** The folder and the name of the socket in it. */
  readonly directory: string;
  readonly name: string;
}

const NAME = 'agent';

/**
 * A socket for a step that lets through what a client needs: which keys there are, a signature, and the binding of a connection
 * to its server, which keys may insist on. A step cannot add or remove keys, lock the agent, or find other extensions of it.
 */
export async function openAgentProxy(options: AgentProxyOptions): Promise<AgentProxy> {
  const directory = await mkdtemp(join(options.temporaryDirectory, 'ssh-'));
  // Through the open folder: a path of a socket has 107 bytes (unix(7)), and those of stores may have more.
  const descriptor = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  const clients = new Set<Socket>();
  const server = createServer((client) => {
    clients.add(client);
    void serve(client, options.agent).finally(() => clients.delete(client));
  });
  const close = async (): Promise<void> => {
    for (const client of clients) client.destroy();
    if (server.listening) await closed(server);
    closeSync(descriptor);
    await removeTree(directory);
  };
  try {
    server.listen(`/proc/self/fd/${descriptor}/${NAME}`);
    await once(server, 'listening');
    const socket = join(directory, NAME);
    await chown(socket, options.uid, options.gid);
    await chmod(socket, options.mode);
  } catch (error) {
    await close();
    throw error;
  }
  return { directory, name: NAME, [Symbol.asyncDispose]: close };
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
  });
}

/** Until the client goes, or says what is no message. */
async function serve(client: Socket, agent: Agent): Promise<void> {
  client.on('error', () => undefined);
  let session: AgentSession | undefined;
  try {
    session = await agent.open();
    for await (const message of readMessages(client)) {
      if (!client.write(frame(await answer(message, session)))) await once(client, 'drain');
    }
  } catch {
    // The client sees an agent that hangs up, and says so.
  } finally {
    session?.[Symbol.dispose]();
    client.destroy();
  }
}

async function answer(message: Buffer, session: AgentSession): Promise<Buffer> {
  return isAllowed(message) ? session.ask(message) : FAILURE;
}

/** Exported for its test. */
export function isAllowed(message: Uint8Array): boolean {
  const type = message[0];
  if (type === MESSAGE.requestIdentities || type === MESSAGE.signRequest) return true;
  return type === MESSAGE.extension && extensionName(message.subarray(1)) === 'session-bind@openssh.com';
}

function extensionName(body: Uint8Array): string | undefined {
  try {
    return new SshReader(body).string().toString('latin1');
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
