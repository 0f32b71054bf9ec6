import type { ManifestDescriptor } from '../../oci/image.js';
import { isManifestMediaType } from '../../oci/media-type.js';
import { platformSatisfies, type Platform } from '../../oci/platform.js';
import type { Reference } from '../../oci/reference.js';
import type { StoredImage } from '../../store/image-store.js';
import type { Store } from '../../store/store.js';
import { isTsbuildError } from '../../support/errors.js';

/**
 * The image under a name when what the registry has there now was pushed from here. There its layers are compressed, and its
 * manifest is another; its content is that of the image here, which need not be fetched.
 */
export async function findPushed(
  { images, blobs }: Pick<Store, 'images' | 'blobs'>,
  wanted: { readonly reference: Reference; readonly resolved: ManifestDescriptor; readonly platform: Platform },
): Promise<StoredImage | undefined> {
  const { reference, resolved, platform } = wanted;
  if (reference.digest !== undefined || !isManifestMediaType(resolved.mediaType)) return undefined;
  const image = await images.find(reference);
  if (image?.resolved !== resolved.digest || image.descriptor.digest === resolved.digest) return undefined;
  try {
    const manifest = await images.manifest(image.descriptor);
    if (!platformSatisfies((await images.config(manifest)).value, platform)) return undefined;
    for (const { digest } of manifest.value.layers) if (!(await blobs.has(digest))) return undefined;
    return image;
  } catch (error) {
    // Something of it was lost: it is fetched like any other.
    if (isTsbuildError(error, 'STORE_IO') || isTsbuildError(error, 'DIGEST_MISMATCH')) return undefined;
    throw error;
  }
}
