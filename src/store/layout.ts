import { chmodSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { digestAlgorithm, digestHex, type Digest } from '../oci/digest.js';
import { systemErrorCode, TsbuildError } from '../support/errors.js';
import { syncDirectory, isUnfinishedName, writeFileAtomic } from '../support/atomic-file.js';
import { underFileLock } from '../support/file-lock.js';
import { ensureDirectory } from '../support/files.js';
import { onStore } from './store-error.js';

/** Of what this program writes. A change that an older program would misread counts it up. */
const LAYOUT_VERSION = 1;
const OWN_NAMES: ReadonlySet<string> = new Set([
  'blobs',
  'cache-mounts',
  'corrupt',
  'file-system.json',
  'git',
  'index.json',
  'layer-indexes',
  'locks',
  'oci-layout',
  'records',
  'snapshots',
  'tmp',
]);
export const EMPTY_INDEX = '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}\n';

/** Where things are below the store's root. */
export const layout = {
  index: (root: string): string => join(root, 'index.json'),
  blob: (root: string, digest: Digest): string => join(root, 'blobs', digestAlgorithm(digest), digestHex(digest)),
  blobs: (root: string, algorithm: string): string => join(root, 'blobs', algorithm),
  records: (root: string, kind: string): string => join(root, 'records', kind),
  layerIndexes: (root: string): string => join(root, 'layer-indexes'),
  layerIndex: (root: string, diffId: Digest): string =>
    join(root, 'layer-indexes', `${digestAlgorithm(diffId)}-${digestHex(diffId)}`),
  corrupt: (root: string): string => join(root, 'corrupt'),
  snapshots: (root: string): string => join(root, 'snapshots'),
  cacheMounts: (root: string): string => join(root, 'cache-mounts'),
  temporary: (root: string): string => join(root, 'tmp'),
  /** What the file system was found to be able to do. */
  fileSystem: (root: string): string => join(root, 'file-system.json'),
  claims: (root: string): string => join(root, 'locks', 'work'),
  claim: (root: string, work: Digest): string => join(root, 'locks', 'work', digestHex(work)),
  /** Blobs that have come in part: what whoever fetched them last left for whoever fetches them next. */
  partials: (root: string): string => join(root, 'tmp', 'partial'),
  partial: (root: string, digest: Digest): string =>
    join(root, 'tmp', 'partial', `${digestAlgorithm(digest)}-${digestHex(digest)}`),
  lock: (root: string, name: 'store' | 'names' | 'temporary'): string => join(root, 'locks', name),
  /** Shared by the blobs that begin alike: lock files are never removed, and must not grow in number with the blobs. */
  blobLock: (root: string, digest: Digest): string => join(root, 'locks', `blob-${digestHex(digest).slice(0, 3)}`),
} as const;

/**
 * Makes the store's folders when they are missing. One read of one small file when they are not: warm builds pay for it.
 * @throws `STORE_INVALID` when a newer program made the store, or something is there that is no store; `STORE_IO`
 */
export async function ensureLayout(root: string): Promise<void> {
  await onStore(`open store "${root}"`, root, async () => {
    const version = readVersion(root);
    if (version === undefined) await createLayout(root);
    else checkVersion(root, version);
  });
}

function readVersion(root: string): string | undefined {
  try {
    return readFileSync(join(root, 'version'), 'utf8').trim();
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function checkVersion(root: string, version: string): void {
  if (version === String(LAYOUT_VERSION)) return;
  const newer = /^[0-9]{1,9}$/.test(version) && Number(version) > LAYOUT_VERSION;
  const state = newer
    ? `it has layout version ${version}, and this program knows versions up to ${LAYOUT_VERSION}`
    : 'its file "version" is damaged';
  throw new TsbuildError('STORE_INVALID', `cannot open store "${root}": ${state}`, {
    hint: newer
      ? 'Upgrade tsbuild, or choose another folder for the store.'
      : `If nothing newer than this program made the store, write ${LAYOUT_VERSION} into that file.`,
    details: { store: root, version: version.slice(0, 100), known: LAYOUT_VERSION },
  });
}

/** Of a store that is only read. @throws `STORE_INVALID` when it is none or a newer one; system errors */
export function checkLayout(root: string): void {
  const version = readVersion(root);
  if (version !== undefined) {
    checkVersion(root, version);
    return;
  }
  throw new TsbuildError('STORE_INVALID', `cannot open store "${root}": there is no store`, {
    hint: 'Give the folder that --store or TSBUILD_STORE of its owner names.',
  });
}

/**
 * Who may read the root of a store, may read its names and blobs: so an administrator shares a store, by making its folder
 * readable (`mkdir -m 755`). Nobody else may ever write.
 */
export function sharedModes(root: string): { readonly file: number; readonly directory: number } {
  const { mode } = statSync(root);
  return { file: 0o600 | (mode & 0o044), directory: 0o700 | (mode & 0o055) };
}

async function createLayout(root: string): Promise<void> {
  await ensureDirectory(root, 0o700);
  refuseOtherFiles(root);
  await ensureDirectory(join(root, 'locks'), 0o700);
  // Two processes may come here at once; the second must not empty an index that the first has put a name into.
  await underFileLock(layout.lock(root, 'names'), async () => {
    await fillLayout(root);
  });
}

async function fillLayout(root: string): Promise<void> {
  for (const path of ['blobs/sha256', 'records', 'snapshots', 'tmp']) await ensureDirectory(join(root, path), 0o700);
  const modes = sharedModes(root);
  for (const path of ['blobs', 'blobs/sha256']) chmodSync(join(root, path), modes.directory);
  await writeUnlessThere(join(root, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}\n', modes.file);
  await writeUnlessThere(layout.index(root), EMPTY_INDEX, modes.file);
  await syncDirectory(join(root, 'blobs'));
  await writeFileAtomic(join(root, 'version'), `${LAYOUT_VERSION}\n`, { mode: modes.file });
}

/** A mistyped path must not fill somebody's folder. An OCI layout that another tool made becomes a store with its images. */
function refuseOtherFiles(root: string): void {
  const names = readdirSync(root);
  const other = names.find((name) => !OWN_NAMES.has(name) && !isUnfinishedName(name));
  if (other === undefined || names.includes('oci-layout')) return;
  throw new TsbuildError(
    'STORE_INVALID',
    `cannot open store "${root}": it is a folder with other files, such as "${other}"`,
    {
      hint: 'Choose a folder that is empty or does not exist.',
      details: { store: root },
    },
  );
}

async function writeUnlessThere(path: string, text: string, mode: number): Promise<void> {
  if (!existsSync(path)) await writeFileAtomic(path, text, { mode });
}
