import { resultChainId } from '../result.js';
import { unpack } from '../root-tree.js';
import type { Mount, Rootfs } from '../../../sandbox/run-spec.js';
import { baseName } from '../../../support/byte-path.js';
import { textOfBytes } from '../../../support/byte-string.js';
import { invariant } from '../../../support/invariant.js';
import type { RunMount } from '../../operation.js';
import { findInTree, located, sourceOfMount, type MountSource } from './mount-source.js';
import type { Provision } from './provision.js';

/** Read-only it is shared with all who read; to write there is a copy, or an overlay, that is thrown away (CVE-2025-4953). */
export async function bindMount(
  { target, readonly, ...mount }: Extract<RunMount, { type: 'bind' }>,
  provision: Provision,
): Promise<Mount> {
  const source = sourceOfMount({ target, readonly, ...mount }, provision.step.inputs);
  invariant(source !== undefined, 'a bind mount has a source');
  return { type: 'bind', target, readonly, ...(await filesOf(source, readonly, provision)) };
}

interface Files {
  readonly source: Rootfs;
  readonly path: string;
}

async function filesOf(source: MountSource, readonly: boolean, provision: Provision): Promise<Files> {
  const { parts, step, context, keep } = provision;
  const { result, path } = source;
  const { snapshotter, treeSnapshots } = await parts.workshop();
  if (result.kind === 'file-system') {
    await unpack(parts, result, { step: step.vertex.id, context });
    const chain = resultChainId(result);
    const { root } = keep(await (readonly ? snapshotter.view(chain) : snapshotter.prepare(chain)));
    return { source: root, path };
  }
  return located(step.vertex.source, async () => {
    const found = findInTree(result.tree, source);
    const name = found.entry.type === 'directory' ? '' : textOfBytes(baseName(found.path));
    if (readonly) return { source: await treeSnapshots.shared(result.tree, found.path, context.signal), path: name };
    return { source: keep(await treeSnapshots.own(result.tree, found.path, context.signal)).root, path: name };
  });
}
