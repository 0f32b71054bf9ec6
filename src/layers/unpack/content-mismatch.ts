import type { Digest } from '../../oci/digest.js';
import { TsbuildError } from '../../support/errors.js';

/** The error of a layer that is what was fetched, and not what the image's config means. */
export function contentMismatch(
  layer: Digest,
  { expected, found }: { readonly expected: Digest; readonly found: Digest },
): TsbuildError {
  return new TsbuildError(
    'DIGEST_MISMATCH',
    `cannot unpack layer "${layer}": its content is not what the image config says\n  expected ${expected}\n  found    ${found}`,
    { hint: 'The image was built or pushed damaged: use another, or have it pushed again.' },
  );
}
