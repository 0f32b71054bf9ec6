import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunSpec } from '../../src/sandbox/run-spec.js';
import type { Runtime } from '../../src/sandbox/runtime/runtime.js';
import type { IsolationName, RunResult } from '../../src/sandbox/sandbox.js';

export interface TestFile {
  readonly path: string;
  readonly content?: string;
  /** A file of the host to copy. */
  readonly from?: string;
  readonly link?: string;
  readonly mode?: number;
}

export interface TestRun {
  readonly spec: Omit<RunSpec, 'rootfs'>;
  /** In the root file system, beside busybox. */
  readonly files?: readonly TestFile[];
  /** One sink for both outputs. */
  readonly together?: boolean;
  readonly abortAfterMs?: number;
}

export interface TestOutcome {
  readonly result?: RunResult;
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string };
  readonly stdout: string;
  readonly stderr: string;
  readonly both: string;
  readonly milliseconds: number;
  /** What still runs below the process that ran it. */
  readonly processes: readonly string[];
  readonly mountsKept: boolean;
  /** Paths that are other than before: of the upper directory, or of the root file system. */
  readonly changes: readonly string[];
}

export interface SandboxKind {
  readonly title: string;
  readonly isolation: IsolationName;
  /** Of `oci` and `bwrap`: the program. */
  readonly runtime?: Runtime['kind'];
  /** `images`: an overlay of a layer that is mounted from its tar. */
  readonly rootfs: 'overlay' | 'images' | 'directory';
  /** Only what differs most between sandboxes. */
  readonly sample?: boolean;
  /** Whose process it is made in. */
  readonly as: 'root' | 'user with ranges' | 'user with one id';
}

export interface SandboxHarness {
  readonly notice: string | null;
  readonly run: (run: TestRun) => Promise<TestOutcome>;
  readonly close: () => Promise<void>;
}

const DRIVER = fileURLToPath(new URL('sandbox-driver.mjs', import.meta.url));
const NOBODY = 65534;

/** Starts the sandbox in a process of its own, or says why it cannot be had here. */
export async function openSandbox(kind: SandboxKind): Promise<SandboxHarness | string> {
  const missing = missingFor(kind);
  if (missing !== null) return missing;
  const base = mkdtempSync(join(tmpdir(), 'tsbuild-sandbox-'));
  const remove = (): void => rmSync(base, { recursive: true, force: true });
  const driver = start(kind, base);
  const first = await nextMessage(driver);
  const lacking = lackingOf(first, kind);
  if (lacking !== null) {
    driver.kill();
    remove();
    return lacking;
  }
  let id = 0;
  return {
    notice: first['notice'] as string | null,
    run: async (run) => {
      id += 1;
      const answer = nextMessage(driver);
      driver.send({ id, ...run });
      return (await answer) as unknown as TestOutcome;
    },
    close: async () => {
      const gone = new Promise((resolve) => driver.once('exit', resolve));
      driver.disconnect();
      await gone;
      remove();
    },
  };
}

/** What of a sandbox that was made is not as it is wanted. */
function lackingOf(made: Record<string, unknown>, { rootfs }: SandboxKind): string | null {
  if (typeof made['unavailable'] === 'string') return made['unavailable'];
  if (rootfs === 'overlay' && made['overlay'] !== true) return 'overlays cannot be mounted here';
  return rootfs === 'images' && made['images'] !== true ? 'layers cannot be mounted from their tars here' : null;
}

export const isRoot = process.getuid?.() === 0;

function missingFor({ as }: SandboxKind): string | null {
  if (!existsSync('/bin/busybox')) return 'there is no /bin/busybox (package busybox-static)';
  if (!existsSync(new URL('../../dist/sandbox/create-sandbox.js', import.meta.url))) return 'dist/ is not built';
  if (as === 'root' && !isRoot) return 'this user is not root';
  if (as !== 'root' && isRoot && spawnSync('setpriv', ['--version']).status !== 0) return 'setpriv is missing';
  return null;
}

function start({ isolation, runtime, rootfs, as }: SandboxKind, base: string): ChildProcess {
  const single = as === 'user with one id';
  const userName = isRoot ? 'nobody' : userInfo().username;
  const setting = JSON.stringify({ base, isolation, runtime, rootfs, single, userName });
  const node = [process.execPath, DRIVER, as === 'root' ? 'direct' : 'user-namespace', setting];
  const argv = as === 'root' || !isRoot ? node : asNobody(node, base);
  const [file = '', ...args] = argv;
  return spawn(file, args, {
    env: { PATH: process.env['PATH'], TSBUILD_CANARY: 'leaked' },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
}

/** Root becomes an ordinary user, with ranges of ids of its own in a mount namespace where /etc/subuid says so. */
function asNobody(command: readonly string[], base: string): string[] {
  chownSync(base, NOBODY, NOBODY);
  const ranges = join(base, 'subid');
  writeFileSync(ranges, 'nobody:100000:65536\n');
  chmodSync(ranges, 0o644);
  const script =
    'mount --bind "$0" /etc/subuid && mount --bind "$0" /etc/subgid && exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"';
  return ['unshare', '--mount', 'sh', '-c', script, ranges, ...command];
}

function nextMessage(driver: ChildProcess): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const gone = (): void => reject(new Error('the sandbox driver ended'));
    driver.once('exit', gone);
    driver.once('message', (message) => {
      driver.off('exit', gone);
      resolve(message as Record<string, unknown>);
    });
  });
}

/** A shell script as root in an otherwise empty step; the rest by choice. */
export function shell(script: string, spec: Partial<Omit<RunSpec, 'rootfs'>> = {}): Omit<RunSpec, 'rootfs'> {
  return {
    argv: ['/bin/sh', '-c', script],
    env: { PATH: '/bin' },
    cwd: '/',
    user: { uid: 0, gid: 0, groups: [0] },
    mounts: [],
    network: 'host',
    hostname: 'step',
    hosts: [],
    limits: [],
    privileged: false,
    ...spec,
  };
}
