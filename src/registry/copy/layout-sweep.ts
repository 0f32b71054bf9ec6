import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeDescriptor, decodeLinks } from '../../oci/decode.js';
import type { Descriptor } from '../../oci/descriptor.js';
import { digestAlgorithm, digestHex, type Digest } from '../../oci/digest.js';
import { isIndexMediaType, isManifestMediaType } from '../../oci/media-type.js';
import { isTsbuildError } from '../../support/errors.js';
import { openLayout, type OciLayout } from './oci-layout.js';

const REF_NAME = 'org.opencontainers.image.ref.name';

/** What the entries of this tag reach in a folder that is a layout; nothing where there is none. */
export async function reachedInLayout(folder: string, tag: string): Promise<ReadonlySet<Digest>> {
  const layout = await openIfThere(folder);
  if (layout === undefined) return new Set();
  return await reachedFrom(
    layout,
    entriesOf(layout).filter(({ annotations }) => annotations?.[REF_NAME] === tag),
  );
}

/** Removes those of the blobs that no entry of the layout reaches now. */
export async function removeReplaced(folder: string, digests: ReadonlySet<Digest>): Promise<void> {
  const layout = await openIfThere(folder);
  if (digests.size === 0 || layout === undefined) return;
  const reached = await reachedFrom(layout, entriesOf(layout));
  for (const digest of digests) {
    if (!reached.has(digest))
      await rm(join(folder, 'blobs', digestAlgorithm(digest), digestHex(digest)), { force: true });
  }
}

async function openIfThere(folder: string): Promise<OciLayout | undefined> {
  try {
    return await openLayout(folder);
  } catch (error) {
    if (isTsbuildError(error, 'ARCHIVE_INVALID')) return undefined;
    throw error;
  }
}

function entriesOf({ entries }: OciLayout): readonly Descriptor<string>[] {
  return entries.map((entry) => decodeDescriptor(entry, 'index.json'));
}

async function reachedFrom(layout: OciLayout, roots: readonly Descriptor<string>[]): Promise<ReadonlySet<Digest>> {
  const reached = new Set<Digest>();
  for (const waiting = [...roots]; waiting.length > 0;) {
    const next = waiting.pop();
    if (next === undefined || reached.has(next.digest)) continue;
    reached.add(next.digest);
    if (!isManifestMediaType(next.mediaType) && !isIndexMediaType(next.mediaType)) continue;
    const { bytes } = await layout.document(next);
    const { manifests, blobs } = decodeLinks(bytes, next.digest);
    waiting.push(...manifests, ...blobs);
  }
  return reached;
}
