import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { decodeError, TsbuildError } from '../support/errors.js';
import { inUserNamespace } from '../support/user-namespace.js';
import { elfProgram } from './elf-program.js';
import { initProgram } from './init-program.js';
import type { LaunchMessage } from './launch-job.js';
import { Launcher } from './launcher.js';
import type { OverlayMethod } from './mounts/root-file-system.js';
import { NamespaceSandbox } from './namespace-sandbox.js';
import type { RunSpec } from './run-spec.js';
import type { Runtime } from './runtime/runtime.js';
import type { Sandbox } from './sandbox.js';
import { dockerSeccompFilter } from './seccomp/docker-filter.js';

export interface NamespacesOptions {
  /** Absolute. */
  readonly temporaryDirectory: string;
  readonly upcoming: () => number;
  /** Who starts the steps; `null`: this program does all by itself. */
  readonly runtime: Runtime | null;
}

/** @throws `SANDBOX_FAILED` with what does not work here */
export async function openNamespaces({ temporaryDirectory, upcoming, runtime }: NamespacesOptions): Promise<Sandbox> {
  const directory = await mkdtemp(join(temporaryDirectory, 'sandbox-'));
  // The pool of threads that file-system calls run on must not be started by one that has left this process's namespaces.
  await stat(directory);
  const launcher = new Launcher({ directory, filter: dockerSeccompFilter(process.arch), runtime });
  try {
    for (const name of ['root', 'parts', 'files', 'probe']) await mkdir(join(directory, name));
    await writeFile(join(directory, 'init'), initProgram(process.arch), { mode: 0o500 });
    // One to probe with, and meanwhile one for the run that this is all for.
    launcher.prepare(2);
    const overlayMethod = await probe(launcher, join(directory, 'probe'));
    const sandbox = new NamespaceSandbox({ launcher, overlayMethod, upcoming, directory, runtime });
    // What a runtime needs of the machine, only it knows.
    if (runtime !== null) await tryRun(sandbox, join(directory, 'probe', 'root'));
    await rm(join(directory, 'probe'), { recursive: true, force: true });
    return sandbox;
  } catch (error) {
    await launcher[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

/** Makes a whole sandbox, once, and throws it away. */
async function probe(launcher: Launcher, overlayDirectory: string): Promise<OverlayMethod | null> {
  await using thread = await launcher.take();
  const heard: LaunchMessage[] = [];
  await thread.perform({ kind: 'probe', overlayDirectory, userxattr: inUserNamespace() }, (message) => {
    heard.push(message);
    thread.stop();
  });
  const [answer] = heard;
  if (answer?.type === 'failed') throw decodeError(answer.error);
  if (answer?.type !== 'probed') throw new Error('internal error: a probe ended without a word');
  return answer.overlay;
}

/** exit_group(0), for the machines that Node runs on. */
const SUCCESS: Readonly<Record<string, { readonly elfMachine: number; readonly code: string }>> = {
  x64: { elfMachine: 62, code: '31ff b8e7000000 0f05' },
  arm64: { elfMachine: 183, code: '000080d2 c80b80d2 010000d4' },
};

async function tryRun(sandbox: Sandbox, root: string): Promise<void> {
  const machine = SUCCESS[process.arch];
  if (machine === undefined) throw new Error(`no program to try on ${process.arch}`);
  await mkdir(root, { mode: 0o755 });
  await writeFile(join(root, 'true'), elfProgram(machine), { mode: 0o755 });
  const nowhere = new Writable({
    write: (_chunk, _encoding, done) => {
      done();
    },
  });
  const { signal } = new AbortController();
  const result = await sandbox.run(
    { ...TRIAL, rootfs: { kind: 'directory', path: root } },
    {
      stdout: nowhere,
      stderr: nowhere,
      signal,
    },
  );
  if (result.outcome === 'exited' && result.exitCode === 0) return;
  throw new TsbuildError('SANDBOX_FAILED', 'a program that does nothing does not end well');
}

const TRIAL: Omit<RunSpec, 'rootfs'> = {
  argv: ['/true'],
  env: {},
  cwd: '/',
  user: { uid: 0, gid: 0, groups: [] },
  mounts: [],
  network: 'host',
  hostname: 'localhost',
  hosts: [],
  limits: [],
  privileged: false,
};
