import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  linkSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../support/atomic-file.js';
import { bytesOfText } from '../support/byte-string.js';
import { systemErrorCode, TsbuildError } from '../support/errors.js';
import { parseJson } from '../support/parse-json.js';
import { getXattr, setXattr } from '../support/syscalls.js';
import { layout } from './layout.js';
import { onStore } from './store-error.js';
import type { Store } from './store.js';

/** What a file system can do, found by trying: by its name it could not be told, which mounts and options change. */
export type FileSystemFacts = Readonly<Record<keyof typeof LACKS, boolean>>;

/** Of each of them, what it means when a file system cannot. */
const LACKS = {
  caseSensitive: 'does not tell upper from lower case',
  symbolicLinks: 'has no symbolic links',
  hardLinks: 'has no hard links',
  permissions: 'keeps no permissions',
  userAttributes: 'has no extended attributes of users',
  executable: 'lets nobody run programs (noexec)',
} as const;
const FACTS = Object.keys(LACKS) as readonly (keyof typeof LACKS)[];

/** Without these, no files of images can be kept. */
const NEEDED: readonly (keyof typeof LACKS)[] = ['caseSensitive', 'symbolicLinks', 'hardLinks', 'permissions'];

/** By the magic numbers of statfs(2); for messages alone. */
const NAMES: Readonly<Record<number, string>> = {
  0x6969: 'nfs',
  0x4d44: 'vfat',
  0x2011bab0: 'exfat',
  0x5346544e: 'ntfs',
  0xff534d42: 'cifs',
  0xfe534d42: 'smb2',
  0x794c7630: 'overlay',
  0x01021994: 'tmpfs',
  0x65735546: 'fuse',
  0x01021997: '9p',
  0xef53: 'ext4',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x2fc12fc1: 'zfs',
};

/** Its name, or the number that statfs(2) has for it. */
export function fileSystemName(path: string): string {
  const { type } = statfsSync(path);
  return NAMES[type] ?? `0x${type.toString(16)}`;
}

/** What it means, for each thing that a file system cannot do and that files of images need. */
export function describeLacks(facts: FileSystemFacts): readonly string[] {
  return FACTS.filter((fact) => !facts[fact]).map((fact) => `it ${LACKS[fact]}`);
}

export interface SnapshotNeeds {
  /** Owners are kept in extended attributes. */
  readonly attributes: boolean;
  /** Programs are run where snapshots lie, and not on an overlay over them. */
  readonly execution: boolean;
}

/**
 * Whether files of images can be kept in a store: tried once, and remembered there for as long as it stays on that file system.
 * @throws `STORE_IO` naming what the file system lacks
 */
export async function checkSnapshotPlace(
  { root, temporaryDirectory }: Pick<Store, 'root' | 'temporaryDirectory'>,
  { attributes, execution }: SnapshotNeeds,
): Promise<void> {
  const facts = await onStore(`try the file system of store "${root}"`, root, () => factsOf(root, temporaryDirectory));
  const needed = [
    ...NEEDED,
    ...(attributes ? (['userAttributes'] as const) : []),
    ...(execution ? (['executable'] as const) : []),
  ];
  const lacking = needed.find((fact) => !facts[fact]);
  if (lacking === undefined) return;
  const name = NAMES[statfsSync(root).type];
  const what = `its file system${name === undefined ? '' : ` (${name})`} ${LACKS[lacking]}`;
  throw new TsbuildError('STORE_IO', `cannot unpack layers in store "${root}": ${what}`, {
    hint: 'Set TSBUILD_STORE to a folder on a local file system such as ext4, xfs or btrfs; pulling, copying and saving work here as well.',
    details: { store: root, lacking },
  });
}

async function factsOf(root: string, temporaryDirectory: string): Promise<FileSystemFacts> {
  const path = layout.fileSystem(root);
  const device = lstatSync(root).dev;
  const known = remembered(path, device);
  if (known !== undefined) return known;
  const facts = tryFileSystem(temporaryDirectory);
  await writeFileAtomic(path, JSON.stringify({ device, facts }), { durable: false });
  return facts;
}

function remembered(path: string, device: number): FileSystemFacts | undefined {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const { device: where, facts } = (parseJson(text) ?? {}) as { readonly device?: unknown; readonly facts?: unknown };
  if (where !== device || typeof facts !== 'object' || facts === null) return undefined;
  const values = facts as Readonly<Record<string, unknown>>;
  return FACTS.every((fact) => typeof values[fact] === 'boolean') ? (values as FileSystemFacts) : undefined;
}

/** In a folder of its own, removed afterwards. @throws system errors that tell of something else, such as a full disk */
export function tryFileSystem(directory: string): FileSystemFacts {
  const place = mkdtempSync(join(directory, 'try-'));
  const file = join(place, 'a');
  try {
    writeFileSync(file, '#!/bin/sh\n', { mode: 0o600 });
    return {
      caseSensitive: !existsSync(join(place, 'A')),
      symbolicLinks: works(() => {
        symlinkSync('a', join(place, 'link'));
      }),
      hardLinks: works(() => {
        linkSync(file, join(place, 'b'));
      }),
      permissions: works(
        () => {
          chmodSync(file, 0o751);
        },
        () => (lstatSync(file).mode & 0o7777) === 0o751,
      ),
      userAttributes: works(
        () => {
          setXattr(bytesOfText(file), ATTRIBUTE, Buffer.from('x'));
        },
        () => getXattr(bytesOfText(file), ATTRIBUTE)?.toString() === 'x',
      ),
      // access(2): EACCES for an executable file on a file system that is mounted noexec, for root too.
      executable: works(() => {
        accessSync(file, constants.X_OK);
      }),
    };
  } finally {
    rmSync(place, { recursive: true });
  }
}

const ATTRIBUTE = bytesOfText('user.tsbuild.try');
/** What file systems answer that cannot do a thing, whatever is tried. */
const CANNOT: readonly string[] = ['EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL', 'EMLINK', 'ENOTTY'];

function works(attempt: () => void, check: () => boolean = () => true): boolean {
  try {
    attempt();
    return check();
  } catch (error) {
    if (CANNOT.includes(systemErrorCode(error) ?? '')) return false;
    throw error;
  }
}
