import { existsSync } from 'node:fs';
import { CLONE, MS } from '../../support/syscalls.js';
import type { Call, CallList, Memory } from '../calls/call-list.js';
import { CALL_DESCRIPTORS } from '../calls/call-program.js';
import { AT_FDCWD, changeDirectory, mount, words } from '../calls/kernel-calls.js';
import { keepOwnDescriptors } from '../calls/own-descriptors.js';
import { mountDevices } from '../mounts/devices.js';
import { mountSys, protectProc } from '../mounts/kernel-files.js';
import { mountParts, type Parts } from '../mounts/parts.js';

const SIGCHLD = 17;

/** Calls whose results are asked for. */
export interface Preparation {
  /** Its result is the process id of process 1. */
  readonly init: Call;
  /** Fails on kernels that cannot close many descriptors at once. */
  readonly closing: Call;
  /** The launcher's number in the /proc that it sees. */
  readonly number: Memory;
}

/** What needs no knowledge of the step, while there is time: most of the work. */
export function prepareSandbox(calls: CallList, parts: Parts): Preparation {
  const closing = keepOwnDescriptors(calls);
  // Out of the terminal's reach, whose keys would signal process 1 too.
  calls.call('setsid', []);
  const cgroup = existsSync('/proc/self/ns/cgroup') ? CLONE.newcgroup : 0;
  calls.during('make namespaces', () => {
    calls.call('unshare', [CLONE.newns | CLONE.newpid | CLONE.newipc | CLONE.newuts | cgroup]);
    // Until the step comes, what is mounted on the machine is mounted here too; nothing goes the other way.
    mount(calls, { source: null, target: '/', flags: MS.rec | MS.slave });
  });
  // Everything made below has the mode it is made with.
  calls.call('umask', [0]);
  const number = calls.space(16);
  calls.call('readlinkat', [AT_FDCWD, calls.text('/proc/self'), number, number.size - 1]);
  mountParts(calls, parts);
  calls.during('mount "/dev"', () => {
    mountDevices(calls, parts);
  });
  const init = startInit(calls, parts);
  calls.during('protect "/proc"', () => {
    protectProc(calls, parts);
  });
  calls.during('mount "/sys"', () => {
    mountSys(calls, parts, { writable: false });
  });
  return { init, closing, number };
}

/**
 * Process 1 of the step's pid namespace. A fresh /proc can only be mounted by a process inside the pid namespace (proc(5)); it does that,
 * ignores SIGCHLD, so that the kernel reaps orphans by itself, and ends when this process closes the pipe, or dies: the kernel then
 * kills the whole namespace (pid_namespaces(7)).
 */
function startInit(calls: CallList, { proc }: Parts): Call {
  const pipe = calls.space(8);
  const [reading, writing] = [
    { intAt: pipe, offset: 0 },
    { intAt: pipe, offset: 4 },
  ];
  const byte = calls.space(8);
  calls.call('pipe2', [pipe, 0]);
  const inside = calls.aside(() => {
    for (const descriptor of [0, 1, 2, CALL_DESCRIPTORS.lists]) calls.call('close', [descriptor]);
    calls.during('mount "/proc"', () => {
      mount(calls, { source: 'proc', target: proc, type: 'proc', flags: MS.nosuid | MS.nodev | MS.noexec });
    });
    const ignore = words(calls, 64, [1, 0, 0, 0]);
    calls.call('rt_sigaction', [SIGCHLD, ignore, 0, 8]);
    changeDirectory(calls, '/');
    calls.call('write', [writing, byte, 1]);
    for (const descriptor of [reading, writing, CALL_DESCRIPTORS.answers]) calls.call('close', [descriptor]);
    calls.call('read', [CALL_DESCRIPTORS.control, byte, 1]);
    calls.call('exit_group', [0]);
  });
  const failed = calls.aside(() => undefined);
  const init = calls.call('clone', [SIGCHLD, 0, 0, 0, 0], { onZero: inside });
  calls.call('close', [writing]);
  calls.call('close', [CALL_DESCRIPTORS.control]);
  calls.call('read', [reading, byte, 1], { onZero: failed });
  calls.call('close', [reading]);
  return init;
}
