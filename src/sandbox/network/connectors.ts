import { mkdtemp, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { exitOf, spawnProcess, type ChildProcess } from '../../support/child-process.js';
import { TsbuildError } from '../../support/errors.js';
import { findSystemProgram } from '../../support/system-program.js';
import { inUserNamespace } from '../../support/user-namespace.js';

/** A program that connects a network namespace with the host's network, without rights over the latter. */
export interface Connector {
  readonly name: 'pasta' | 'slirp4netns';
  /** The address at which it answers for the host's resolvers. */
  readonly resolver: string;
  /** Resolves once the namespace is connected, or with the program's words when it gave up. */
  readonly start: (namespace: number, signal: AbortSignal) => Promise<AsyncDisposable | string>;
}

export interface ConnectorOptions {
  readonly temporaryDirectory: string;
  readonly directories?: readonly string[] | undefined;
}

/** Those that are installed, the better one first: pasta has no address translation in between, and knows IPv6. */
export function connectors({ temporaryDirectory, directories }: ConnectorOptions): readonly Connector[] {
  const pasta = findSystemProgram('pasta', directories);
  const slirp = findSystemProgram('slirp4netns', directories);
  const found: Connector[] = [];
  if (pasta !== undefined) {
    const start: Connector['start'] = (namespace, signal) =>
      startPasta({ pasta, temporaryDirectory, namespace }, signal);
    found.push({ name: 'pasta', resolver: PASTA_RESOLVER, start });
  }
  if (slirp !== undefined) {
    const start: Connector['start'] = (namespace, signal) => startSlirp({ slirp, namespace }, signal);
    found.push({ name: 'slirp4netns', resolver: SLIRP_RESOLVER, start });
  }
  return found;
}

/** A link-local address that is nobody's, as podman has it: what is sent there goes to the host's first resolver. */
const PASTA_RESOLVER = '169.254.1.1';
/** Of the addresses that slirp4netns has in 10.0.2.0/24. */
const SLIRP_RESOLVER = '10.0.2.3';
/** Where a program finds the namespace: it may open its own descriptors, whatever rights it has given up. */
const NAMESPACE_PATH = '/proc/self/fd/3';

/**
 * pasta goes to the background when it is ready, and would stay there. The shell is its guard: it lives as long as our end of its
 * standard input, and takes pasta with it.
 */
const GUARD =
  'pid=$1; shift; "$@" --pid "$pid" </dev/null >/dev/null || exit; exec 3<&-; echo; cat >/dev/null; kill -9 "$(cat "$pid")"';

async function startPasta(
  { pasta, temporaryDirectory, namespace }: { pasta: string; temporaryDirectory: string; namespace: number },
  signal: AbortSignal,
): Promise<AsyncDisposable | string> {
  const directory = await mkdtemp(join(temporaryDirectory, 'pasta-'));
  // No port of either side is offered to the other, and the host's loopback device is not within reach.
  const closed = ['--no-map-gw', ...['-t', '-u', '-T', '-U'].flatMap((option) => [option, 'none'])];
  // As root it would become nobody, who may not enter the namespace.
  const user = inUserNamespace() ? [] : ['--runas', '0'];
  const words = [pasta, '--config-net', '--quiet', ...closed, ...user, '--dns-forward', PASTA_RESOLVER];
  const argv = [join(directory, 'pid'), ...words, '--netns', NAMESPACE_PATH];
  const guard = await spawnProcess('/bin/sh', ['-c', GUARD, 'sh', ...argv], {
    env: { PATH: '/usr/bin:/bin' },
    stdio: ['pipe', 'pipe', 'pipe', namespace],
    detached: true,
  });
  const end = async (): Promise<void> => {
    guard.stdin?.on('error', () => undefined).end();
    await exitOf(guard);
    await rm(directory, { recursive: true, force: true });
  };
  return await started(guard, guard.stdout, { end, signal });
}

/** slirp4netns writes to a descriptor when it is ready, and ends when the other end of its standard input is closed. */
async function startSlirp(
  { slirp, namespace }: { slirp: string; namespace: number },
  signal: AbortSignal,
): Promise<AsyncDisposable | string> {
  const words = ['--configure', '--mtu=65520', '--disable-host-loopback', '--ready-fd=4', '--exit-fd=0'];
  const child = await spawnProcess(slirp, [...words, '--netns-type=path', NAMESPACE_PATH, 'tap0'], {
    env: { PATH: '/usr/bin:/bin' },
    stdio: ['pipe', 'ignore', 'pipe', namespace, 'pipe'],
    detached: true,
  });
  const end = async (): Promise<void> => {
    child.stdin?.on('error', () => undefined).end();
    await exitOf(child);
  };
  return await started(child, child.stdio[4] as Readable, { end, signal });
}

/** Waits for the word of a program that it is ready, or for its end. */
async function started(
  child: ChildProcess,
  ready: Readable | null,
  { end, signal }: { readonly end: () => Promise<void>; readonly signal: AbortSignal },
): Promise<AsyncDisposable | string> {
  const words = firstWords(child.stderr);
  words.catch(() => undefined);
  const over = new AbortController();
  const isReady =
    ready === null ? Promise.resolve(false) : once(ready, 'data', { signal: over.signal }).then(() => true);
  const isGone = exitOf(child).then(() => false);
  const isAborted = signal.aborted
    ? Promise.resolve(false)
    : once(signal, 'abort', { signal: over.signal }).then(() => false);
  for (const promise of [isReady, isAborted]) promise.catch(() => undefined);
  try {
    const connected = await Promise.race([isReady, isGone, isAborted]);
    if (connected && !signal.aborted) return { [Symbol.asyncDispose]: end };
  } finally {
    over.abort();
  }
  await end();
  if (signal.aborted) throw new TsbuildError('ABORTED', 'cannot connect the step: it was cancelled');
  return complaint(await words);
}

const MAX_WORDS = 16 << 10;

/** Reads to the end, since a full pipe would stop the program; keeps the beginning. */
async function firstWords(stderr: Readable | null): Promise<string> {
  let words = '';
  for await (const chunk of (stderr ?? []) as AsyncIterable<Buffer>) {
    if (words.length < MAX_WORDS) words += chunk.toString('utf8');
  }
  return words;
}

/** pasta also laments that it has no log to write to, which is so in every namespace. */
function complaint(output: string): string {
  const lines = output.replaceAll(/Failed to send \d+ bytes to syslog\n?/g, '').split('\n');
  const said = lines.map((line) => line.trim()).filter((line) => line !== '');
  return said.slice(-2).join('; ').slice(0, 300) || 'nothing';
}
