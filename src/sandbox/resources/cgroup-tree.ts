import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A hierarchy of cgroups(7), and where in it this process is. */
export interface CgroupHierarchy {
  readonly version: 1 | 2;
  /** Of version 1, those mounted together; of version 2 they are asked for where they are wanted. */
  readonly controllers: readonly string[];
  readonly mountPoint: string;
  /** The directory of this process's own cgroup; it may be hidden, and then this is the mount point. */
  readonly directory: string;
}

export interface CgroupSources {
  /** `/proc/self/mountinfo` and `/proc/self/cgroup`. */
  readonly mounts: string;
  readonly membership: string;
}

/** The hierarchies that are mounted here. */
export function cgroupHierarchies(sources: CgroupSources = readSources()): readonly CgroupHierarchy[] {
  const own = memberships(sources.membership);
  return sources.mounts.split('\n').flatMap((line) => {
    const mounted = mountOf(line);
    if (mounted === undefined) return [];
    const { version, mountPoint, root, names } = mounted;
    const member = own.find((one) =>
      version === 2 ? one.controllers.length === 0 : one.controllers.some((name) => names.includes(name)),
    );
    if (member === undefined) return [];
    const controllers = version === 2 ? [] : member.controllers;
    return [{ version, controllers, mountPoint, directory: join(mountPoint, below(root, member.path)) }];
  });
}

function readSources(): CgroupSources {
  return {
    mounts: readFileSync('/proc/self/mountinfo', 'utf8'),
    membership: readFileSync('/proc/self/cgroup', 'utf8'),
  };
}

/** Lines of `number:controllers:path`; version 2 has no controllers there. */
function memberships(text: string): readonly { readonly controllers: readonly string[]; readonly path: string }[] {
  return text.split('\n').flatMap((line) => {
    const [, names, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (names === undefined || path === undefined) return [];
    return [{ controllers: names.split(',').filter((name) => name !== ''), path }];
  });
}

interface CgroupMount {
  readonly version: 1 | 2;
  readonly mountPoint: string;
  /** What of the hierarchy is mounted there, as in the memberships. */
  readonly root: string;
  /** Of version 1: the controllers, among other options. */
  readonly names: readonly string[];
}

function mountOf(line: string): CgroupMount | undefined {
  const [, root, mountPoint, type, options] = /^\d+ \d+ \S+ (\S+) (\S+) .* - (cgroup2?) \S+ (\S+)$/.exec(line) ?? [];
  if (root === undefined || mountPoint === undefined || options === undefined) return undefined;
  const version = type === 'cgroup2' ? 2 : 1;
  return { version, mountPoint: unescaped(mountPoint), root: unescaped(root), names: options.split(',') };
}

/** A container may see its own part only, or be told of a path that it does not see. */
function below(root: string, path: string): string {
  if (root === '/') return path === '/' ? '' : path;
  return path.startsWith(`${root}/`) ? path.slice(root.length) : '';
}

const unescaped = (path: string): string =>
  path.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
