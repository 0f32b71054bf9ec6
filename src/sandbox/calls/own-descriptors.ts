import { readdirSync } from 'node:fs';
import type { Call, CallList } from './call-list.js';
import type { CallProcess } from './call-process.js';
import { CALL_DESCRIPTORS } from './call-program.js';

const [F_SETFD, FD_CLOEXEC] = [2, 1];
const ALL_DESCRIPTORS = 0xffffffff;
const LAST_OWN = Math.max(...Object.values(CALL_DESCRIPTORS));

/**
 * Nothing that this process was started with, or a library opened, is to be seen by a step (CVE-2024-21626).
 * @returns a call that fails on kernels that cannot close many descriptors at once
 */
export function keepOwnDescriptors(calls: CallList): Call {
  for (const descriptor of Object.values(CALL_DESCRIPTORS)) calls.call('fcntl', [descriptor, F_SETFD, FD_CLOEXEC]);
  return calls.call('close_range', [LAST_OWN + 1, ALL_DESCRIPTORS, 0], { tolerate: ['ENOSYS'] });
}

/** Before Linux 5.9, one by one: those that were not opened to be closed. */
export async function closeOthers(process: CallProcess): Promise<void> {
  const open = readdirSync(process.file('fd')).map(Number);
  await process.make((calls) => {
    for (const descriptor of open) if (descriptor > LAST_OWN) calls.call('close', [descriptor]);
  });
}
