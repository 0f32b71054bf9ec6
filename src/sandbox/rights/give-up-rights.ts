import type { CallList } from '../calls/call-list.js';
import { words } from '../calls/kernel-calls.js';
import { limitValue, RESOURCES } from './limits.js';
import { MAX_CAPABILITIES, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, PR_CAPBSET_DROP } from './capabilities.js';
import { cannotBecome, type Restriction, type Rights } from './privileges.js';
import type { ResourceLimit } from '../run-spec.js';

const SECCOMP_SET_MODE_FILTER = 1;
const CAPABILITY_VERSION_3 = 0x20080522;
const BYTES_PER_INSTRUCTION = 8;

/**
 * Leaves the process that makes the calls as a step's program is to be started, with no way back.
 * no_new_privs stays off, as in every container builder: `sudo`, `su` and file capabilities work in steps.
 */
export function giveUpRights(calls: CallList, { user, capabilities, filter }: Restriction, rights: Rights): void {
  // Layers must not depend on the umask of the shell that started the build.
  calls.call('umask', [0o022]);
  if (filter !== null) installFilter(calls, filter);
  calls.during('limit capabilities', () => {
    limitCapabilities(calls, capabilities, rights.permitted);
  });
  const failure = (code: string): ReturnType<typeof cannotBecome> => cannotBecome(user, code);
  calls.during(failure, () => {
    const { uid, gid, groups, keepsGroups } = user;
    if (rights.groups === 'settable' && keepsGroups !== true)
      calls.call('setgroups', [groups.length, words(calls, 32, groups)]);
    calls.call('setresgid', [gid, gid, gid]);
    calls.call('setresuid', [uid, uid, uid]);
  });
}

function installFilter(calls: CallList, filter: Uint8Array): void {
  const program = Buffer.alloc(16);
  program.writeUInt16LE(filter.byteLength / BYTES_PER_INSTRUCTION, 0);
  const structure = calls.data(program, [[8, calls.data(filter)]]);
  calls.during('install the seccomp filter', () => {
    calls.call('seccomp', [SECCOMP_SET_MODE_FILTER, 0, structure]);
  });
}

/**
 * `wanted`, as far as they are permitted, and for what is started no more than that. Inheritable and ambient are empty: a program of
 * the image with file capabilities must not gain any by them (CVE-2022-27651).
 */
function limitCapabilities(calls: CallList, wanted: bigint, permitted: bigint): void {
  calls.call('prctl', [PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0]);
  const bounded = calls.label();
  for (let capability = 0; capability < MAX_CAPABILITIES; capability += 1) {
    if ((wanted & (1n << BigInt(capability))) !== 0n) continue;
    // EINVAL: the kernel has no capability of that number, and so none of a higher one.
    calls.call('prctl', [PR_CAPBSET_DROP, capability, 0, 0, 0], { tolerate: ['EINVAL'], otherwise: bounded });
  }
  calls.place(bounded);
  const set = wanted & permitted;
  const [low, high] = [set & 0xffffffffn, set >> 32n];
  const header = words(calls, 32, [CAPABILITY_VERSION_3, 0]);
  // Effective, permitted, inheritable; low words first.
  calls.call('capset', [header, words(calls, 32, [low, low, 0, high, high, 0])]);
}

/** Limits are a whole process's. They hold for all that it starts. */
export function setLimits(calls: CallList, limits: readonly ResourceLimit[]): void {
  for (const { name, soft, hard } of limits) {
    const limit = words(calls, 64, [limitValue(soft), limitValue(hard)]);
    calls.during(`set limit "${name}"`, () => {
      calls.call('prlimit64', [0, RESOURCES.indexOf(name), limit, 0]);
    });
  }
}
