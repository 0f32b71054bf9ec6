import { resolveInTree } from '../../layers/resolve-in-tree.js';
import type { Tree } from '../../layers/tree.js';
import { bytesOfText } from '../../support/byte-string.js';
import { TsbuildError } from '../../support/errors.js';

export interface User {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups; the primary one is among them, so that no file mode can shut it out (CVE-2023-25173). */
  readonly groups: readonly number[];
  readonly home: string;
}

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}
interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** /etc/passwd and /etc/group come from the image: no more of them is read (CVE-2024-9676, CVE-2026-47262). */
const MAX_BYTES = 4 << 20;
/** 2^32 - 1 is "no id" to the kernel. */
const MAX_ID = 0xffff_fffe;

/**
 * The user that USER names, by the image's own files, as BuildKit decides (dockerfile.md 43): a name must be listed; a number
 * is a number, never a name (CVE-2026-46680), and takes its group from its passwd entry when it has one; naming a group
 * drops the supplementary groups, and so does naming no user at all.
 * @throws `RUN_FAILED`
 */
export function lookUpUser(tree: Tree, spec: string): User {
  const { user, group } = splitSpec(spec === '' ? '0' : spec);
  const passwd = parsePasswd(readText(tree, '/etc/passwd'));
  const uid = numericId(user);
  const found = passwd.find((candidate) => (uid === undefined ? candidate.name === user : candidate.uid === uid));
  if (uid === undefined && found === undefined) throw unknown('user', user, spec);
  const entry = found ?? { name: undefined, uid: uid ?? 0, gid: 0, home: '/' };
  const listed = parseGroup(readText(tree, '/etc/group'));
  const gid = group === undefined ? entry.gid : groupId(listed, group, spec);
  const others = group === undefined && spec !== '' ? groupsOf(listed, entry.name) : [];
  return { uid: entry.uid, gid, groups: [...new Set([gid, ...others])], home: entry.home };
}

function groupsOf(groups: readonly GroupEntry[], user: string | undefined): readonly number[] {
  if (user === undefined) return [];
  return groups.filter(({ members }) => members.includes(user)).map(({ gid }) => gid);
}

/**
 * The owner that `--chown` names: `user[:group]`. A number alone is user and group; a name alone takes its primary group;
 * `root` needs no file (dockerfile.md 89, 90).
 * @throws `COPY_FAILED`
 */
export function lookUpOwner(tree: Tree, spec: string): { readonly uid: number; readonly gid: number } {
  const { user, group } = splitSpec(spec);
  const passwd = parsePasswd(readText(tree, '/etc/passwd'));
  const numeric = user === 'root' ? 0 : numericId(user);
  const entry = passwd.find(({ name }) => name === user);
  if (numeric === undefined && entry === undefined) throw unknown('user', user, spec);
  const uid = numeric ?? entry?.uid ?? 0;
  if (group !== undefined) return { uid, gid: groupId(parseGroup(readText(tree, '/etc/group')), group, spec) };
  return { uid, gid: numeric ?? entry?.gid ?? 0 };
}

function splitSpec(spec: string): { readonly user: string; readonly group: string | undefined } {
  const colon = spec.indexOf(':');
  if (colon === -1) return { user: spec, group: undefined };
  const group = spec.slice(colon + 1);
  return { user: spec.slice(0, colon) || '0', group: group === '' ? undefined : group };
}

function groupId(groups: readonly GroupEntry[], group: string, spec: string): number {
  const numeric = group === 'root' ? 0 : numericId(group);
  const gid = numeric ?? groups.find(({ name }) => name === group)?.gid;
  if (gid === undefined) throw unknown('group', group, spec);
  return gid;
}

/** A number of decimal digits that the kernel takes as an id; `undefined` for a name. */
function numericId(text: string): number | undefined {
  if (!/^[0-9]+$/.test(text)) {
    if (/^[-+]?[0-9.]+(e[0-9]+)?$|^0x/i.test(text)) throw outOfRange(text);
    return undefined;
  }
  const id = Number(text);
  // CVE-2024-40635: 4294967296 must not wrap around to root.
  if (id > MAX_ID) throw outOfRange(text);
  return id;
}

function outOfRange(text: string): TsbuildError {
  return new TsbuildError('DOCKERFILE_SEMANTICS', `cannot use id "${text}": not a number from 0 to ${MAX_ID}`, {
    hint: 'Give the id as a decimal number, or a name from the image.',
    details: { word: text },
  });
}

function unknown(kind: 'user' | 'group', name: string, spec: string): TsbuildError {
  const file = kind === 'user' ? '/etc/passwd' : '/etc/group';
  return new TsbuildError(
    'DOCKERFILE_SEMANTICS',
    `cannot find ${kind} "${name}" of "${spec}": not in ${file} of the image`,
    {
      hint: `Make it in a RUN before (${kind === 'user' ? 'useradd' : 'groupadd'}), or give the number.`,
      details: { word: name },
    },
  );
}

function readText(tree: Tree, path: string): string {
  const resolved = resolveInTree(tree, bytesOfText(path), { followLast: true });
  // Only a regular file: a fifo or a device would hang or never end.
  if (resolved === undefined || tree.lstat(resolved)?.type !== 'file') return '';
  const chunks: Buffer[] = [];
  let size = 0;
  for (const chunk of tree.read(resolved)) {
    chunks.push(Buffer.from(chunk));
    size += chunk.byteLength;
    if (size > MAX_BYTES) {
      throw new TsbuildError('DOCKERFILE_SEMANTICS', `cannot read "${path}" of the image: longer than 4 MiB`, {
        hint: 'Give numbers instead of names.',
      });
    }
  }
  return Buffer.concat(chunks).toString('utf8');
}

function fields(text: string): readonly (readonly string[])[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => line.trim().split(':'));
}

function parsePasswd(text: string): readonly PasswdEntry[] {
  return fields(text).flatMap(([name = '', , uid = '', gid = '', , home = '']) =>
    isId(uid) && isId(gid) ? [{ name, uid: Number(uid), gid: Number(gid), home: home === '' ? '/' : home }] : [],
  );
}

function parseGroup(text: string): readonly GroupEntry[] {
  return fields(text).flatMap(([name = '', , gid = '', members = '']) =>
    isId(gid) ? [{ name, gid: Number(gid), members: members.split(',') }] : [],
  );
}

function isId(text: string): boolean {
  return /^[0-9]+$/.test(text) && Number(text) <= MAX_ID;
}
