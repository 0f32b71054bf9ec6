import { chmod, chown, mkdir } from 'node:fs/promises';
import { writeTar } from '../../../layers/tar/write-tar.js';
import { treeChanges } from '../../../layers/tree-changes.js';
import type { CacheMountName } from '../../../store/cache-mounts.js';
import { isTsbuildError, systemErrorCode, TsbuildError } from '../../../support/errors.js';
import { removeTree } from '../../../support/files.js';
import type { MountOwner, RunMount } from '../../operation.js';
import type { OperationContext } from '../../solver/operation-handler.js';
import type { OperationParts } from '../operation-parts.js';
import { digestBelow, findInTree, located, sourceOfMount, type MountSource } from './mount-source.js';
import { treeOf } from './run-keys.js';
import type { RunStep } from './run-step.js';
import type { Keep } from './provision.js';
import { inTurn } from './tree-snapshots.js';

type CacheMount = Extract<RunMount, { type: 'cache' }>;

interface Wanted {
  readonly name: CacheMountName;
  readonly mounts: readonly CacheMount[];
}

interface Holding {
  readonly context: OperationContext;
  readonly keep: Keep;
}

/**
 * The directories of a step's cache mounts. Two mounts of one name have one directory; all are taken in the order of their names,
 * so that no two steps wait for each other.
 */
export async function holdCacheMounts(
  parts: OperationParts,
  step: RunStep,
  holding: Holding,
): Promise<ReadonlyMap<RunMount, string>> {
  const directories = new Map<RunMount, string>();
  for (const wanted of await wantedBy(parts, step, holding.context)) {
    const directory = await hold(parts, step, { ...holding, wanted });
    for (const mount of wanted.mounts) directories.set(mount, directory);
  }
  return directories;
}

async function wantedBy(parts: OperationParts, step: RunStep, context: OperationContext): Promise<readonly Wanted[]> {
  const byName = new Map<string, { readonly name: CacheMountName; readonly mounts: CacheMount[] }>();
  for (const mount of step.operation.mounts) {
    if (mount.type !== 'cache') continue;
    const name = { id: mount.id, variant: await variantOf(mount, { parts, step, context }) };
    const key = JSON.stringify(name);
    const wanted = byName.get(key) ?? { name, mounts: [] };
    wanted.mounts.push(mount);
    byName.set(key, wanted);
  }
  return [...byName].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, wanted]) => wanted);
}

const DEFAULT_OWNER: MountOwner = { uid: 0, gid: 0, mode: 0o755 };

/** As with BuildKit, an id with another beginning, or of another owner, is another cache: what it holds would not fit. */
async function variantOf(mount: CacheMount, making: Making): Promise<string> {
  const owner = hasDefaultOwner(mount) ? [] : [mount.uid, mount.gid, mount.mode];
  const source = sourceOfMount(mount, making.step.inputs);
  if (source === undefined) return JSON.stringify(owner);
  const { parts, step, context } = making;
  return JSON.stringify([...owner, await digestBelow(source, () => treeOf(parts, source, { step, context }))]);
}

function hasDefaultOwner({ uid, gid, mode }: MountOwner): boolean {
  return uid === DEFAULT_OWNER.uid && gid === DEFAULT_OWNER.gid && mode === DEFAULT_OWNER.mode;
}

async function hold(
  parts: OperationParts,
  step: RunStep,
  { context, keep, wanted }: Holding & { readonly wanted: Wanted },
): Promise<string> {
  const { cacheMounts } = await parts.workshop();
  const [mount] = wanted.mounts;
  if (mount === undefined) return '';
  const strictest = wanted.mounts.some(({ sharing }) => sharing === 'locked') ? 'locked' : mount.sharing;
  const held = await cacheMounts.acquire(wanted.name, {
    sharing: strictest,
    signal: context.signal,
    create: (path) =>
      located(step.vertex.source, async () => {
        const making = { parts, step, context };
        if (!(await takeImported(path, wanted.name, making))) await create(path, mount, making);
      }),
    onWait: () => {
      tell(parts, step, { context, text: `waiting for cache mount "${mount.target}", which another step uses\n` });
    },
  });
  return keep(held).directory;
}

function tell(
  { now }: OperationParts,
  { vertex }: RunStep,
  { context, text }: { readonly context: OperationContext; readonly text: string },
): void {
  const chunk = Buffer.from(text);
  context.progress({ type: 'step-log', step: vertex.id, at: now(), stream: 'stderr', chunk });
}

interface Making {
  readonly parts: OperationParts;
  readonly step: RunStep;
  readonly context: OperationContext;
}

/**
 * Files, owner and mode as another machine had them. What is malformed is as if it were not there.
 * @returns whether there is a directory now
 */
async function takeImported(
  directory: string,
  name: CacheMountName,
  { parts, step, context }: Making,
): Promise<boolean> {
  const imported = await parts.importedMount?.(name, { step: step.vertex.id, context });
  if (imported === undefined) return false;
  await mkdir(directory, { mode: 0o755 });
  try {
    const { fillDirectory } = await parts.workshop();
    await fillDirectory(directory, imported.archive, context.signal);
    return true;
  } catch (error) {
    if (!isTsbuildError(error, 'LAYER_INVALID')) throw error;
    await removeTree(directory);
    imported.leftOut(error);
    return false;
  }
}

/** Empty, or with what `from` has; that keeps its own owner unless the mount names another. */
async function create(directory: string, mount: CacheMount, { parts, step, context }: Making): Promise<void> {
  await mkdir(directory, { mode: 0o755 });
  const source = sourceOfMount(mount, step.inputs);
  if (source !== undefined) {
    const { fillDirectory } = await parts.workshop();
    const { result } = source;
    const tree = await treeOf(parts, source, { step, context });
    const { path, entry } = findInTree(tree, source);
    if (entry.type !== 'directory') throw noDirectory(source);
    const options = result.kind === 'tree' ? { owner: { uid: 0, gid: 0 } } : {};
    await fillDirectory(directory, writeTar(inTurn(treeChanges(tree, path, options))), context.signal);
    if (hasDefaultOwner(mount)) return;
  }
  await chmod(directory, mount.mode);
  await changeOwner(directory, mount);
}

async function changeOwner(directory: string, { uid, gid, target }: CacheMount): Promise<void> {
  try {
    await chown(directory, uid, gid);
  } catch (error) {
    if (systemErrorCode(error) !== 'EINVAL') throw error;
    throw new TsbuildError(
      'SANDBOX_FAILED',
      `cannot make cache mount "${target}": it cannot belong to ${uid}:${gid}, as this user namespace has no such id`,
      {
        hint: 'Have the administrator give you ranges of ids in /etc/subuid and /etc/subgid (usermod --add-subuids).',
        cause: error,
      },
    );
  }
}

function noDirectory({ path, target }: MountSource): TsbuildError {
  return new TsbuildError('DOCKERFILE_SEMANTICS', `cannot fill cache mount "${target}": "${path}" is no directory`, {
    hint: 'Name a directory as its source.',
  });
}
