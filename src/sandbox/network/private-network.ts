import { closeSync, openSync } from 'node:fs';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { exitOf, spawnProcess, type ChildProcess } from '../../support/child-process.js';
import { TsbuildError } from '../../support/errors.js';
import { findSystemProgram } from '../../support/system-program.js';
import { setupFailure } from '../calls/attempt.js';
import { connectors, type Connector } from './connectors.js';

/** A network namespace that programs of this machine connect with the outside, as long as this process lives at most. */
export interface PrivateNetwork extends AsyncDisposable {
  /** An open descriptor of the namespace, for setns(2). It is closed by disposing this. */
  readonly namespace: number;
  /** The address at which the host's resolvers answer in there. */
  readonly resolver: string;
}

export interface PrivateNetworkOptions {
  /** An existing directory for small files. */
  readonly temporaryDirectory: string;
  readonly signal: AbortSignal;
  /** Where programs are looked for; absent: where the machine has its own. */
  readonly directories?: readonly string[] | undefined;
}

/**
 * Makes a network for one step. The caller is root, of the host or of a user namespace.
 * @throws `SANDBOX_UNAVAILABLE` where no program for it is installed, or none works, with what each of them said
 */
export async function openPrivateNetwork(options: PrivateNetworkOptions): Promise<PrivateNetwork> {
  const installed = connectors(options);
  if (installed.length === 0) {
    throw new TsbuildError('SANDBOX_UNAVAILABLE', `${CANNOT}: neither "pasta" nor "slirp4netns" is installed`, {
      hint: `Install the package passt (which has pasta) or slirp4netns, or ${OTHERWISE}.`,
    });
  }
  const namespace = await NetworkNamespace.make(options);
  try {
    return await connect(namespace, installed, options.signal);
  } catch (error) {
    await namespace[Symbol.asyncDispose]();
    throw error;
  }
}

const CANNOT = 'cannot give the step a private network';
const OTHERWISE = 'build with --network host, with which steps share the network of this machine';

async function connect(
  namespace: NetworkNamespace,
  installed: readonly Connector[],
  signal: AbortSignal,
): Promise<PrivateNetwork> {
  const complaints: string[] = [];
  for (const { name, resolver, start } of installed) {
    const connection = await start(namespace.descriptor, signal);
    if (typeof connection === 'string') {
      complaints.push(`${name} says "${connection}"`);
      continue;
    }
    return {
      namespace: namespace.descriptor,
      resolver,
      [Symbol.asyncDispose]: async () => {
        await connection[Symbol.asyncDispose]();
        await namespace[Symbol.asyncDispose]();
      },
    };
  }
  throw new TsbuildError('SANDBOX_UNAVAILABLE', `${CANNOT}: ${complaints.join(', ')}`, { hint: remedy(complaints) });
}

/** Both programs need the device, which some containers and machines keep for root. */
function remedy(complaints: readonly string[]): string {
  const device = complaints.some((complaint) => complaint.includes('/dev/net/tun') || /\btun\b/i.test(complaint));
  if (!device) return `Look at what it says, or ${OTHERWISE}.`;
  return `The device /dev/net/tun must be there and open to this user: "modprobe tun" and "chmod 666 /dev/net/tun" as root, "--device /dev/net/tun" for a container; or ${OTHERWISE}.`;
}

/** A namespace, held by a process that ends when a pipe of ours is closed, by us or by our death. */
class NetworkNamespace implements AsyncDisposable {
  readonly descriptor: number;
  readonly #holder: ChildProcess;

  private constructor(holder: ChildProcess, descriptor: number) {
    this.#holder = holder;
    this.descriptor = descriptor;
  }

  static async make({ directories }: PrivateNetworkOptions): Promise<NetworkNamespace> {
    const unshare = findSystemProgram('unshare', directories);
    if (unshare === undefined) throw setupFailure('make a network: "unshare" of util-linux is missing', 'ENOENT');
    // Not until it has spoken is it in the namespace.
    const holder = await spawnProcess(unshare, ['--net', '/bin/sh', '-c', 'echo && exec cat'], {
      env: { PATH: '/usr/bin:/bin' },
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true,
    });
    try {
      if (holder.stdout === null || !(await saysSomething(holder.stdout)))
        throw setupFailure('make a network namespace', 'EPERM');
      return new NetworkNamespace(holder, openSync(`/proc/${String(holder.pid)}/ns/net`, 'r'));
    } catch (error) {
      await endOf(holder);
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    closeSync(this.descriptor);
    await endOf(this.#holder);
  }
}

async function saysSomething(output: Readable): Promise<boolean> {
  const ended = once(output, 'end').then(() => false);
  return await Promise.race([once(output, 'data').then(() => true), ended]);
}

async function endOf(holder: ChildProcess): Promise<void> {
  holder.stdin?.on('error', () => undefined).end();
  await exitOf(holder);
}
