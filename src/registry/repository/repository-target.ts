import type { ImageTarget } from '../../oci/image-transfer.js';
import { decodeLinks } from '../../oci/decode.js';
import { repositoryName, type Repository } from '../../oci/reference.js';
import { pushBlob } from '../blobs/push-blob.js';
import { writeEndpoint, type Endpoint } from '../endpoint.js';
import { RegistryFailure, registryError } from '../registry-failure.js';
import type { RegistryContext } from '../registry-context.js';
import { hasManifest, putManifest } from './put-manifest.js';
import { createReferrers } from './referrers.js';
import type { RepositorySource } from './repository-source.js';

export function createRepositoryTarget(
  context: RegistryContext,
  repository: Repository,
  source: RepositorySource,
): ImageTarget {
  const referrers = createReferrers(context, repository, source);
  const name = repositoryName(repository);
  return {
    async pushBlob(blob, options = {}) {
      const endpoint = writeEndpoint(context.configuration, repository);
      return await explained(`push blob "${blob.descriptor.digest}" to "${name}"`, endpoint, async () => {
        return await pushBlob(context, endpoint, { blob, options });
      });
    },
    async pushManifest(manifest, options = {}) {
      const endpoint = writeEndpoint(context.configuration, repository);
      const label = options.tag === undefined ? `@${manifest.descriptor.digest}` : `:${options.tag}`;
      await explained(`push manifest "${name}${label}"`, endpoint, async () => {
        const { subject } = decodeLinks(manifest.bytes, manifest.descriptor.digest);
        const byDigestAlone = options.tag === undefined && subject === undefined;
        if (byDigestAlone && (await hasManifest(context, endpoint, { manifest, options }))) return;
        const { subjectNoted } = await putManifest(context, endpoint, { manifest, options });
        if (subject !== undefined && !subjectNoted) await referrers.note(subject.digest, manifest, options);
      });
    },
  };
}

async function explained<T>(what: string, endpoint: Endpoint, push: () => Promise<T>): Promise<T> {
  try {
    return await push();
  } catch (error) {
    if (!(error instanceof RegistryFailure)) throw error;
    throw registryError(what, [{ endpoint, failure: error.kind === 'missing' ? asResponse(error) : error }]);
  }
}

/** When pushing, 404 does not mean that an image was looked for and is not there. */
function asResponse({ message, ...options }: RegistryFailure): RegistryFailure {
  return new RegistryFailure('response', message, options);
}
