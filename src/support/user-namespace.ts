import { constants, closeSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { exitOf, runCommand, spawnProcess, type ChildProcess, type ProcessOptions } from './child-process.js';
import { systemErrorCode, TsbuildError } from './errors.js';
import { idRangeAdvice } from './id-range-advice.js';
import { findSystemProgram, SYSTEM_DIRECTORIES } from './system-program.js';

/** `length` ids from `inside` on, in the new namespace, are those from `outside` on, here. */
export interface IdRange {
  readonly inside: number;
  readonly outside: number;
  readonly length: number;
}

/** A namespace in which every id of the user's /etc/subuid and /etc/subgid ranges exists. */
export interface FullNamespace {
  readonly kind: 'full';
  readonly unshare: string;
  readonly newuidmap: string;
  readonly newgidmap: string;
  readonly uids: readonly IdRange[];
  readonly gids: readonly IdRange[];
}

/** A namespace with one user and one group, 0; files of others belong to nobody there. */
export interface SingleNamespace {
  readonly kind: 'single';
  /** Why there are no more, to go into a sentence: "there is no entry for …". */
  readonly reason: string;
  /** What an administrator does for there to be more, as full sentences. */
  readonly advice: string;
  readonly unshare: string;
  readonly uids: readonly IdRange[];
  readonly gids: readonly IdRange[];
}

export interface ForbiddenNamespace {
  readonly kind: 'forbidden';
  readonly reason: string;
  readonly hint: string;
}

export type UserNamespacePlan = FullNamespace | SingleNamespace | ForbiddenNamespace;

export interface PlanOptions {
  readonly uid: number;
  readonly gid: number;
  readonly userName?: string | undefined;
  /** Directories to look for unshare, newuidmap and newgidmap in. */
  readonly searchPath?: readonly string[];
  /** Where `etc/subuid` and `etc/subgid` are. */
  readonly root?: string;
}

const MAX_SUBID_BYTES = 1 << 20;
/** The kernel takes 340 lines (user_namespaces(7)); no user has that many. */
const MAX_RANGES = 64;
const MAX_ID = 0xffff_fffe;

/**
 * What kind of user namespace (user_namespaces(7)) this user can have, found out by making one. The fullest that works is
 * chosen: with ranges of ids (subuid(5)) where newuidmap(1) can map them, else with one.
 */
export async function planUserNamespace(options: PlanOptions): Promise<UserNamespacePlan> {
  const directories = options.searchPath ?? SYSTEM_DIRECTORIES;
  const unshare = findSystemProgram('unshare', directories);
  if (unshare === undefined) {
    return {
      kind: 'forbidden',
      reason: 'the program "unshare" is missing',
      hint: 'Install util-linux, which has it.',
    };
  }
  const full = fullNamespace(options, unshare);
  const refusal = typeof full === 'string' ? full : await tryNamespace(full);
  if (typeof full !== 'string' && refusal === null) return full;
  const single: SingleNamespace = {
    kind: 'single',
    reason: refusal ?? '',
    advice: adviceFor(options, refusal ?? ''),
    unshare,
    uids: [{ inside: 0, outside: options.uid, length: 1 }],
    gids: [{ inside: 0, outside: options.gid, length: 1 }],
  };
  const failure = await tryNamespace(single);
  return failure === null ? single : { kind: 'forbidden', ...explainRestriction(failure) };
}

function adviceFor({ uid, userName, root = '/', searchPath }: PlanOptions, reason: string): string {
  const [subuid, subgid] = ['subuid', 'subgid'].map((name) => readBounded(join(root, 'etc', name)));
  const noNewPrivileges = /^NoNewPrivs:\s*1$/m.test(readBounded('/proc/self/status'));
  const texts = { subuid: subuid ?? '', subgid: subgid ?? '' };
  return idRangeAdvice({
    uid,
    userName: userName ?? String(uid),
    reason,
    ...texts,
    noNewPrivileges,
    directories: searchPath,
  });
}

/** The plan with ranges, or why there are none. */
function fullNamespace(options: PlanOptions, unshare: string): FullNamespace | string {
  const { uid, gid, userName, root = '/', searchPath: directories = SYSTEM_DIRECTORIES } = options;
  const newuidmap = findSystemProgram('newuidmap', directories);
  const newgidmap = findSystemProgram('newgidmap', directories);
  if (newuidmap === undefined || newgidmap === undefined) {
    return 'the programs "newuidmap" and "newgidmap" (package uidmap or shadow-utils) are missing';
  }
  const owners = [String(uid), ...(userName === undefined ? [] : [userName])];
  const maps: IdRange[][] = [];
  for (const [file, own] of [['subuid', uid] as const, ['subgid', gid] as const]) {
    const ranges = parseSubordinateIds(readBounded(join(root, 'etc', file)), owners);
    if (ranges.length === 0) return `/etc/${file} has no range for user ${owners.at(-1) ?? uid}`;
    maps.push(mapOf(own, ranges));
  }
  const [uids = [], gids = []] = maps;
  return { kind: 'full', unshare, newuidmap, newgidmap, uids, gids };
}

function mapOf(own: number, ranges: readonly { readonly first: number; readonly length: number }[]): IdRange[] {
  const map: IdRange[] = [{ inside: 0, outside: own, length: 1 }];
  let inside = 1;
  for (const { first, length } of ranges.slice(0, MAX_RANGES)) {
    map.push({ inside, outside: first, length });
    inside += length;
  }
  return map;
}

/** Lines of `owner:first:count` (subuid(5)), of the given owners; malformed ones are passed over, as newuidmap does. */
export function parseSubordinateIds(
  text: string,
  owners: readonly string[],
): readonly { readonly first: number; readonly length: number }[] {
  return text.split('\n').flatMap((line) => {
    const match = /^([^:]+):(\d{1,10}):(\d{1,10})\s*$/.exec(line);
    const [first, length] = [Number(match?.[2]), Number(match?.[3])];
    if (match?.[1] === undefined || !owners.includes(match[1])) return [];
    return length > 0 && first > 0 && first + length - 1 <= MAX_ID ? [{ first, length }] : [];
  });
}

/** Why it does not work, or `null` when it does. A mount namespace is part of the trial: AppArmor may forbid only that. */
async function tryNamespace(plan: FullNamespace | SingleNamespace): Promise<string | null> {
  try {
    const child = await spawnInUserNamespace(plan, plan.unshare, ['-m', '/bin/sh', '-c', ':'], {
      env: {},
      stdio: ['ignore', 'ignore', 'ignore'],
    });
    const { exitCode } = await exitOf(child);
    return exitCode === 0 ? null : 'a mount namespace inside it is forbidden';
  } catch (error) {
    if (error instanceof TsbuildError) return error.message;
    throw error;
  }
}

export interface NamespaceProcessOptions extends Omit<ProcessOptions, 'stdio'> {
  /** As in node:child_process, an element for each descriptor. */
  readonly stdio: readonly ('ignore' | 'inherit' | 'pipe' | 'ipc' | number)[];
}

/**
 * Starts a program as root of a new user namespace, with an IPC channel if `stdio` has one. Resolves once the ids are mapped and
 * the program is about to start.
 * @throws `SANDBOX_UNAVAILABLE` when the namespace cannot be made or mapped
 */
// eslint-disable-next-line max-params -- spawn()'s own parameters, after the plan
export async function spawnInUserNamespace(
  plan: FullNamespace | SingleNamespace,
  file: string,
  args: readonly string[],
  options: NamespaceProcessOptions,
): Promise<ChildProcess> {
  const handshake = options.stdio.length;
  if (handshake > 9) throw new Error('a shell redirects single-digit descriptors only');
  // The shell says that it is in the namespace, waits there until its ids are mapped, and only then becomes the program:
  // it is the execve(2) as user 0 that gives it all capabilities.
  const script = `echo >&${handshake} && read -r go <&${handshake} && exec ${handshake}>&- && exec "$@"`;
  const child = await spawnProcess(plan.unshare, ['-U', '/bin/sh', '-c', script, 'sh', file, ...args], {
    ...options,
    stdio: [...options.stdio, 'pipe'],
  });
  const channel = child.stdio[handshake] as Duplex;
  // The other end vanishes when the program ends early; its exit tells.
  channel.on('error', () => undefined);
  try {
    if (child.pid === undefined || !(await saysSomething(channel))) throw cannotMap('unshare(2) is forbidden');
    await writeMaps(plan, child.pid);
    channel.write('go\n');
  } catch (error) {
    child.kill('SIGKILL');
    await exitOf(child);
    throw error;
  } finally {
    channel.end();
  }
  return child;
}

async function saysSomething(channel: Duplex): Promise<boolean> {
  const chunks = channel.iterator({ destroyOnReturn: false });
  return (await chunks.next()).done !== true;
}

function cannotMap(state: string): TsbuildError {
  return new TsbuildError('SANDBOX_UNAVAILABLE', `cannot make a user namespace: ${state}`);
}

async function writeMaps(plan: FullNamespace | SingleNamespace, pid: number): Promise<void> {
  if (plan.kind === 'full') {
    await Promise.all([mapThrough(plan.newuidmap, pid, plan.uids), mapThrough(plan.newgidmap, pid, plan.gids)]);
    return;
  }
  try {
    // Without a helper the kernel maps groups only for those who gave up changing them (user_namespaces(7)).
    writeFileSync(`/proc/${pid}/setgroups`, 'deny');
    writeFileSync(`/proc/${pid}/uid_map`, plan.uids.map(lineOf).join('\n'));
    writeFileSync(`/proc/${pid}/gid_map`, plan.gids.map(lineOf).join('\n'));
  } catch (error) {
    throw cannotMap(`its ids cannot be mapped (${systemErrorCode(error) ?? 'unknown error'})`);
  }
}

const lineOf = ({ inside, outside, length }: IdRange): string => `${inside} ${outside} ${length}`;

async function mapThrough(program: string, pid: number, ranges: readonly IdRange[]): Promise<void> {
  const numbers = ranges.flatMap(({ inside, outside, length }) => [inside, outside, length]).map(String);
  const { exitCode, stderr } = await runCommand(program, [String(pid), ...numbers], { env: {} });
  if (exitCode !== 0) throw cannotMap(`"${program}" failed: ${stderr.toString().trim().slice(0, 300)}`);
}

/** The beginning of a small text file, or nothing. */
function readBounded(path: string): string {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return '';
  }
  try {
    const space = Buffer.alloc(MAX_SUBID_BYTES);
    return space.toString('latin1', 0, readSync(descriptor, space, 0, space.length, 0));
  } finally {
    closeSync(descriptor);
  }
}

/** Whether this process's ids are those of a user namespace other than the first. */
export function inUserNamespace(uidMap: string = readFileSync('/proc/self/uid_map', 'utf8')): boolean {
  return !/^\s*0\s+0\s+4294967295\s*$/.test(uidMap);
}

interface Restriction {
  /** The value of a kernel setting that forbids namespaces to ordinary users. */
  readonly file: string;
  readonly forbids: string;
  readonly reason: string;
  readonly hint: string;
}

const RESTRICTIONS: readonly Restriction[] = [
  {
    file: '/proc/sys/user/max_user_namespaces',
    forbids: '0',
    reason: 'the kernel setting user.max_user_namespaces is 0',
    hint: 'Ask the administrator to run "sysctl -w user.max_user_namespaces=15000" and to keep it in /etc/sysctl.d.',
  },
  {
    file: '/proc/sys/kernel/unprivileged_userns_clone',
    forbids: '0',
    reason: 'the kernel setting kernel.unprivileged_userns_clone is 0',
    hint: 'Ask the administrator to run "sysctl -w kernel.unprivileged_userns_clone=1" and to keep it in /etc/sysctl.d.',
  },
  {
    file: '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
    forbids: '1',
    reason: 'the kernel setting kernel.apparmor_restrict_unprivileged_userns is 1',
    hint: 'Ask the administrator to run "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0", or to add an AppArmor profile with "userns," for the node program.',
  },
];

/** Which setting of the machine forbids namespaces, and what to do; `otherwise` where no known one does. */
export function explainRestriction(
  otherwise: string,
  read: (file: string) => string = readBounded,
): { readonly reason: string; readonly hint: string } {
  const found = RESTRICTIONS.find(({ file, forbids }) => read(file).trim() === forbids);
  if (found !== undefined) return { reason: found.reason, hint: found.hint };
  const filtered = /^Seccomp:\s*2$/m.test(read('/proc/self/status'));
  if (!filtered)
    return { reason: otherwise, hint: 'Run tsbuild as root, or on a machine that allows user namespaces.' };
  return {
    reason: `${otherwise}; this process runs under a seccomp filter, as the ones in containers do`,
    hint: 'Run the container as root, so that steps can be confined by chroot, or with "--security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined".',
  };
}
