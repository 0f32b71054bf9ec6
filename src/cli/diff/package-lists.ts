import type { ImageFiles } from '../../toolchain/image-files.js';
import { contentKey, contentOf } from '../../layers/compare/file-content.js';
import type { FileNode } from '../../layers/index/file-node.js';
import type { NodesTree } from '../../layers/index/nodes-tree.js';
import { childPath } from '../../support/byte-path.js';
import { bytesOfText, compareBytes, type ByteString } from '../../support/byte-string.js';

/** Versions by the name of the package: of several architectures, each that is different, sorted and joined by commas. */
type Versions = ReadonlyMap<string, string>;

export interface PackageChange {
  readonly manager: Manager;
  readonly name: string;
  readonly before?: string | undefined;
  readonly after?: string | undefined;
}

export interface PackageDifference {
  readonly changes: readonly PackageChange[];
  /** Of package managers that have installed something in one of the images, those whose lists are not read. */
  readonly unread: readonly string[];
}

type Manager = 'apk' | 'dpkg';

/** What differs between the lists that package managers keep in two images. */
export async function packageDifference(before: ImageFiles, after: ImageFiles): Promise<PackageDifference> {
  const lists = listsOf(
    [(await before.trees()).at(-1), (await after.trees()).at(-1)].filter((tree) => tree !== undefined),
  );
  const [old, current] = [await packagesOf(before, lists), await packagesOf(after, lists)];
  const changes = MANAGERS.flatMap((manager) => {
    const [was, is] = [old.versions[manager], current.versions[manager]];
    const names = [...new Set([...was.keys(), ...is.keys()])].sort(compareBytes);
    return names
      .map((name) => ({ manager, name, before: was.get(name), after: is.get(name) }))
      .filter((change) => change.before !== change.after);
  });
  return { changes, unread: old.hasRpm || current.hasRpm ? ['rpm'] : [] };
}

const MANAGERS: readonly Manager[] = ['apk', 'dpkg'];
/** Bytes. Debian's whole archive has a list of 50 MB. */
const MAX_LIST = 64 << 20;
const APK_LISTS = ['lib/apk/db/installed', 'usr/lib/apk/db/installed'].map(bytesOfText);
const DPKG_LIST = bytesOfText('var/lib/dpkg/status');
/** Where images without dpkg, such as distroless ones, have a file for each package. */
const DPKG_FOLDER = bytesOfText('var/lib/dpkg/status.d');
const RPM_FOLDERS = ['var/lib/rpm', 'usr/lib/sysimage/rpm', 'usr/share/rpm'].map(bytesOfText);

interface Packages {
  readonly versions: Readonly<Record<Manager, Versions>>;
  readonly hasRpm: boolean;
}

/** The lists that one of the trees may have and that are not the same bytes of the same layer in both. */
function listsOf(trees: readonly NodesTree[]): readonly ByteString[] {
  const singles = trees.flatMap((tree) => tree.list(DPKG_FOLDER)).filter((name) => !name.endsWith('.md5sums'));
  const paths = [...APK_LISTS, DPKG_LIST, ...new Set(singles.map((name) => childPath(DPKG_FOLDER, name)))];
  return paths.filter((path) => {
    const [one, other] = trees.map((tree) => placeOf(tree.find(path)));
    return one === undefined || one !== other;
  });
}

function placeOf(node: FileNode | undefined): string | undefined {
  const content = node === undefined ? undefined : contentOf(node);
  return content === undefined ? undefined : contentKey(content);
}

async function packagesOf(files: ImageFiles, lists: readonly ByteString[]): Promise<Packages> {
  const tree = (await files.trees()).at(-1);
  const read = await files.read(lists, { maxBytes: MAX_LIST });
  const texts = (isWanted: (path: ByteString) => boolean): readonly string[] =>
    lists.filter(isWanted).map((path) => read.get(path)?.toString('utf8') ?? '');
  return {
    versions: {
      apk: versionsOf(
        texts((path) => APK_LISTS.includes(path)),
        readApk,
      ),
      dpkg: versionsOf(
        texts((path) => !APK_LISTS.includes(path)),
        readDpkg,
      ),
    },
    hasRpm: RPM_FOLDERS.some((folder) => (tree?.list(folder) ?? []).length > 0),
  };
}

type Paragraph = ReadonlyMap<string, string>;
interface Package {
  readonly name: string;
  readonly version: string;
}

function versionsOf(lists: readonly string[], read: (paragraph: Paragraph) => Package | undefined): Versions {
  const found = new Map<string, Set<string>>();
  for (const list of lists) {
    for (const paragraph of list.split(/\n\n+/)) {
      const each = read(fieldsOf(paragraph));
      if (each !== undefined) found.set(each.name, (found.get(each.name) ?? new Set()).add(each.version));
    }
  }
  return new Map([...found].map(([name, versions]) => [name, [...versions].sort(compareBytes).join(', ')]));
}

/** `Name: value` and `N:value`; lines that go on with a value are of no interest here. */
function fieldsOf(paragraph: string): Paragraph {
  const fields = new Map<string, string>();
  for (const [, name = '', value = ''] of paragraph.matchAll(/^([A-Za-z-]+):[ \t]*(.*)$/gm)) {
    if (!fields.has(name)) fields.set(name, value);
  }
  return fields;
}

/** apk-tools' installed database: P is the name, V the version. */
function readApk(fields: Paragraph): Package | undefined {
  const [name, version] = [fields.get('P'), fields.get('V')];
  return name === undefined || version === undefined ? undefined : { name, version };
}

/** dpkg(1), "Package states": what was removed stays in the list while its configuration files do. */
function readDpkg(fields: Paragraph): Package | undefined {
  const [name, version] = [fields.get('Package'), fields.get('Version')];
  const status = fields.get('Status') ?? 'install ok installed';
  if (name === undefined || version === undefined || !status.endsWith(' installed')) return undefined;
  return { name, version };
}
