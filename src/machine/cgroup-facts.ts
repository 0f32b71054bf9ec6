import { constants, existsSync } from 'node:fs';
import { join } from 'node:path';
import { isAccessible } from '../support/is-accessible.js';
import { readFact } from './kernel-facts.js';
import type { CgroupFacts } from './machine-report.js';

/** How cgroups are mounted under `root`, and which controllers this process may use for what it starts (cgroups(7)). */
export function cgroupFacts(root: string): CgroupFacts {
  const mounted = join(root, 'sys/fs/cgroup');
  const own = parseOwnGroups(readFact(join(root, 'proc/self/cgroup')) ?? '');
  if (existsSync(join(mounted, 'cgroup.controllers'))) {
    const path = own.get('') ?? '/';
    const controllers = readFact(join(mounted, path, 'cgroup.controllers')) ?? '';
    const names = controllers === '' ? [] : controllers.split(' ');
    return { version: 'v2', delegated: isAccessible(join(mounted, path), constants.W_OK) ? names : [] };
  }
  const delegated = [...own].filter(
    ([name, path]) => name !== '' && isAccessible(join(mounted, name, path), constants.W_OK),
  );
  const version = existsSync(join(mounted, 'unified')) ? 'hybrid' : 'v1';
  const present = [...own.keys()].some((name) => name !== '' && existsSync(join(mounted, name)));
  return { version: present ? version : 'none', delegated: delegated.map(([name]) => name).sort() };
}

/** Lines of `number:controllers:path`, by controller; that of version 2 has none. Named hierarchies limit nothing. */
function parseOwnGroups(text: string): ReadonlyMap<string, string> {
  const groups = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, names, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (names === undefined || path === undefined || names.startsWith('name=')) continue;
    for (const name of names.split(',')) groups.set(name, path);
  }
  return groups;
}
