import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { TsbuildError } from '../../support/errors.js';
import { inUserNamespace } from '../../support/user-namespace.js';
import { callProgram } from '../calls/call-program.js';
import { elfProgram } from '../calls/elf-program.js';
import { Launcher } from './launcher.js';
import { NamespaceSandbox } from './namespace-sandbox.js';
import { currentRights } from '../rights/privileges.js';
import { probeNamespaces } from './probe-namespaces.js';
import type { RunSpec } from '../run-spec.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Sandbox } from '../sandbox.js';
import { dockerSeccompFilter } from '../seccomp/docker-filter.js';

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
  const [program, place, trial] = ['init', 'parts', 'probe'].map((name) => join(directory, name)) as Places;
  const launcher = new Launcher({ program, directory: place });
  try {
    for (const path of [place, trial]) await mkdir(path);
    await writeFile(program, callProgram(process.arch), { mode: 0o500 });
    // One to probe with, and meanwhile one for the run that this is all for.
    launcher.prepare(2);
    const overlayMethod = await probeNamespaces(launcher, { trial, userxattr: inUserNamespace() });
    const [filter, rights] = [dockerSeccompFilter(process.arch), currentRights()];
    const sandbox = new NamespaceSandbox({
      ...{ launcher, overlayMethod, filter, rights, upcoming, program, directory, runtime },
    });
    // What a runtime needs of the machine, only it knows.
    if (runtime !== null) await tryRun(sandbox, join(trial, 'root'));
    await rm(trial, { recursive: true, force: true });
    return sandbox;
  } catch (error) {
    await launcher[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}
type Places = [program: string, place: string, trial: string];

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
