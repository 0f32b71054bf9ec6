import type { Tree } from '../../../layers/tree.js';
import type { RunMount, RunOperation } from '../../operation.js';
import type { KeyMaterial, OperationContext } from '../../solver/operation-handler.js';
import { keyMaterial } from '../key-material.js';
import type { OperationParts } from '../operation-parts.js';
import { resultChainId } from '../result.js';
import { keyedTimes } from '../step-time.js';
import type { RunStep } from './run-step.js';
import type { MountSource, SeenFiles } from './mount-source.js';

/**
 * By the definition and the root file system below; what is mounted counts first by the stage it is taken from, which needs none
 * of its files, then by what of it can be seen (dockerfile.md 47, 115). What a build is given for a step and not meant to change its result
 * is no part: secrets, keys, addresses, which cache and how it is shared (dockerfile.md 49, 112).
 */
export async function* runKeys(
  parts: OperationParts,
  step: RunStep,
  context: OperationContext,
): AsyncGenerator<KeyMaterial> {
  const { operation, root, inputs } = step;
  const parent = resultChainId(root);
  const { platform, ...definition } = operation;
  const common = { operation: keyedOperation(definition), platform, parent, epoch: keyedTimes(parts) };
  if (inputs.length === 1) {
    yield keyMaterial(common);
    return;
  }
  // Looked at by few steps: loaded for them alone.
  const { sourceOfMount } = await import('./mount-source.js');
  const sources = operation.mounts.flatMap((mount) => sourceOfMount(mount, inputs) ?? []);
  const content = contents(parts, step, context);
  if (sources.some(({ result }) => result.kind === 'file-system')) {
    const taken: unknown[] = [];
    for (const source of sources) taken.push(await byDefinition(source, content));
    yield keyMaterial({ ...common, taken });
  }
  const seen: SeenFiles[] = [];
  for (const source of sources) seen.push(await content(source));
  const material = keyMaterial({ ...common, seen: seen.map(({ digest }) => digest) });
  yield { ...material, detail: seen.map(({ files }) => files) };
}

async function byDefinition(
  source: MountSource,
  content: (source: MountSource) => Promise<SeenFiles>,
): Promise<unknown> {
  const { result, path } = source;
  return result.kind === 'file-system' ? { path, stage: resultChainId(result) } : (await content(source)).digest;
}

/** What a mount takes. */
function contents(
  parts: OperationParts,
  step: RunStep,
  context: OperationContext,
): (source: MountSource) => Promise<SeenFiles> {
  return async (source) => {
    const { digestBelow, located } = await import('./mount-source.js');
    return located(step.vertex.source, () => digestBelow(source, () => treeOf(parts, source, { step, context })));
  };
}

/** The files that a mount takes some of. */
export async function treeOf(
  parts: OperationParts,
  { result }: MountSource,
  { step, context }: { readonly step: RunStep; readonly context: OperationContext },
): Promise<Tree> {
  if (result.kind === 'tree') return result.tree;
  const { openTree } = await import('../root-tree.js');
  return openTree(parts, result, { step: step.vertex.id, context });
}

function keyedOperation({ mounts, hosts, ...operation }: Omit<RunOperation, 'platform'>): unknown {
  const names = hosts?.map(({ name }) => name);
  return { ...operation, mounts: mounts.map(keyedMount), ...(names === undefined ? {} : { hosts: names }) };
}

function keyedMount(mount: RunMount): unknown {
  switch (mount.type) {
    case 'bind': {
      const { input: _, path: __, ...rest } = mount;
      return rest;
    }
    case 'cache': {
      const { id: _, sharing: __, from: ___, ...rest } = mount;
      return rest;
    }
    case 'tmpfs':
    case 'volume':
    case 'secret':
    case 'ssh':
    case 'file':
      return mount;
  }
}
