import { archiveInvalid } from '../archive-error.js';

/**
 * One spelling for the names of members: without `./`, doubled or trailing slashes.
 * @throws `ARCHIVE_INVALID` for a name that leaves the archive
 */
export function normalizeMemberName(name: string): string {
  const path = resolveName([], name);
  if (path === undefined) throw archiveInvalid(`its member "${name.slice(0, 200)}" is named as if it were outside`);
  return path;
}

/**
 * The name that a link stands for: a symbolic link is relative to its own folder, a hard link to the archive's root.
 * @returns `undefined` when it leaves the archive; nothing on this machine is ever looked at
 */
export function resolveLinkName(
  link: { readonly name: string; readonly symbolic: boolean },
  target: string,
): string | undefined {
  const base = link.symbolic && !target.startsWith('/') ? link.name.split('/').slice(0, -1) : [];
  return link.symbolic && target.startsWith('/') ? undefined : resolveName(base, target);
}

function resolveName(base: readonly string[], name: string): string | undefined {
  const parts = [...base];
  for (const part of name.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.join('/');
}
