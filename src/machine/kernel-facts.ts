import { constants, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isAccessible } from '../support/is-accessible.js';
import { readableText } from '../support/readable-text.js';
import type { EmulatorFacts, KernelFacts } from './machine-report.js';

/** The content of a small file of /proc or /sys, or `null`. */
export function readFact(path: string): string | null {
  return readableText(path)?.trim() ?? null;
}

const SETTINGS = {
  'user.max_user_namespaces': 'user/max_user_namespaces',
  'kernel.unprivileged_userns_clone': 'kernel/unprivileged_userns_clone',
  'kernel.apparmor_restrict_unprivileged_userns': 'kernel/apparmor_restrict_unprivileged_userns',
} as const;

/** `root` stands for `/`. */
export function kernelFacts(root: string): KernelFacts {
  const sys = join(root, 'proc/sys');
  const actions = readFact(join(sys, 'kernel/seccomp/actions_avail')) ?? '';
  const settings = Object.entries(SETTINGS).map(([name, path]) => [name, readFact(join(sys, path))]);
  return {
    seccompFilters: actions.split(' ').includes('errno'),
    filtered: /^Seccomp:\s*2$/m.test(readFact(join(root, 'proc/self/status')) ?? ''),
    apparmor: readFact(join(root, 'sys/module/apparmor/parameters/enabled')) === 'Y',
    tunDevice: isAccessible(join(root, 'dev/net/tun'), constants.R_OK | constants.W_OK),
    settings: Object.fromEntries(settings) as Readonly<Record<string, string | null>>,
  };
}

/** `register` and `status` are the file system's own (binfmt_misc.rst); the others begin with "enabled" or "disabled". */
export function emulatorFacts(root: string): Omit<EmulatorFacts, 'platforms'> {
  const folder = join(root, 'proc/sys/fs/binfmt_misc');
  if (!existsSync(join(folder, 'register'))) return { mounted: false, enabled: [] };
  const names = readdirSync(folder).filter((name) => name !== 'register' && name !== 'status');
  const enabled = names.filter((name) => readFact(join(folder, name))?.startsWith('enabled') === true);
  return { mounted: true, enabled: enabled.sort() };
}
