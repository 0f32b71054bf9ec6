import { repositoryName, type Repository } from '../../oci/reference.js';
import type { Digest } from '../../oci/digest.js';
import { decodeLinks } from '../../oci/decode.js';
import { parseJson } from '../../support/parse-json.js';
import { writeEndpoint, type Endpoint } from '../endpoint.js';
import { drain } from '../http/http-message.js';
import { failureOfResponse, RegistryFailure, registryError } from '../registry-failure.js';
import type { RegistryContext } from '../registry-context.js';
import { readPages } from './pages.js';
import { createReferrers, type Referrers } from './referrers.js';
import type { RepositorySource } from './repository-source.js';

interface Cancellable {
  readonly signal?: AbortSignal | undefined;
}

/** What distribution-spec calls content discovery and content management. The registry itself is asked, never a mirror. */
export interface RepositoryContent extends Pick<Referrers, 'listReferrers'> {
  /** All tags, sorted by their bytes. @throws `IMAGE_NOT_FOUND` when there is no such repository */
  listTags(options?: Cancellable): Promise<readonly string[]>;
  /**
   * By digest a manifest goes, with all tags that point to it; a tag goes alone, where the registry can do that.
   * @throws `IMAGE_NOT_FOUND`; `REGISTRY_RESPONSE` when the registry deletes nothing
   */
  deleteManifest(name: { readonly tag: string } | { readonly digest: Digest }, options?: Cancellable): Promise<void>;
  /** Images that need the blob are broken then: this is for who knows that there is none. @throws as `deleteManifest` */
  deleteBlob(digest: Digest, options?: Cancellable): Promise<void>;
}

/** More is refused by some registries (Amazon's), and cut down in silence by others (Azure's). */
const TAGS_PER_PAGE = 1000;

export function createRepositoryContent(
  context: RegistryContext,
  repository: Repository,
  source: RepositorySource,
): RepositoryContent {
  const name = repositoryName(repository);
  const endpoint = (): Endpoint => writeEndpoint(context.configuration, repository);
  const referrers = createReferrers(context, repository, source);
  return {
    listReferrers: async (subject, options) => await referrers.listReferrers(subject, options),
    async listTags({ signal } = {}) {
      return await explained(`list the tags of "${name}"`, endpoint(), async () => {
        const tags: string[] = [];
        const path = `/v2/${endpoint().repository}/tags/list?n=${TAGS_PER_PAGE}`;
        for await (const { bytes } of readPages(context, endpoint(), { path, accept: 'application/json', signal })) {
          tags.push(...tagsIn(endpoint(), bytes));
        }
        return [...new Set(tags)].sort();
      });
    },
    async deleteManifest(wanted, { signal } = {}) {
      const [separator, word] = 'tag' in wanted ? [':', wanted.tag] : ['@', wanted.digest];
      await explained(`delete manifest "${name}${separator}${word}"`, endpoint(), async () => {
        const subject = 'digest' in wanted ? await subjectOf(source, wanted.digest, signal) : undefined;
        await remove(context, endpoint(), { path: `manifests/${word}`, signal });
        if ('digest' in wanted && subject !== undefined) await referrers.forget(subject, wanted.digest, { signal });
      });
    },
    async deleteBlob(digest, { signal } = {}) {
      await explained(`delete blob "${name}@${digest}"`, endpoint(), async () => {
        await remove(context, endpoint(), { path: `blobs/${digest}`, signal });
      });
    },
  };
}

function tagsIn({ registry }: Endpoint, bytes: Buffer): readonly string[] {
  const document = parseJson(bytes.toString('utf8'));
  const tags: unknown = typeof document === 'object' && document !== null ? Reflect.get(document, 'tags') : undefined;
  // Go writes null for a repository that has lost its last tag.
  if (tags === null) return [];
  if (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string')) return tags;
  throw new RegistryFailure('response', `${registry} answered with something else than a list of tags`);
}

async function subjectOf(
  source: RepositorySource,
  digest: Digest,
  signal: AbortSignal | undefined,
): Promise<Digest | undefined> {
  const descriptor = await source.resolve({ digest }, { signal });
  return decodeLinks(await source.fetchDocument(descriptor, { signal }), digest).subject?.digest;
}

async function remove(
  context: RegistryContext,
  endpoint: Endpoint,
  { path, signal }: { readonly path: string; readonly signal: AbortSignal | undefined },
): Promise<void> {
  const response = await context.requester.send(endpoint, {
    method: 'DELETE',
    path: `/v2/${endpoint.repository}/${path}`,
    scopes: [`repository:${endpoint.repository}:delete`],
    signal,
  });
  if (response.status >= 200 && response.status <= 204) {
    await drain(response);
    return;
  }
  const failure = await failureOfResponse(endpoint, response);
  throw isUnsupported(failure, path) ? unsupported(failure, path) : failure;
}

/** Registries that delete no tags say so with 400 or 405 (distribution-spec, "Deleting tags"). */
function isUnsupported({ details, registryCodes }: RegistryFailure, path: string): boolean {
  const status = details['status'];
  return status === 405 || registryCodes.includes('UNSUPPORTED') || (status === 400 && isTag(path));
}

function isTag(path: string): boolean {
  return path.startsWith('manifests/') && !path.includes(':');
}

function unsupported({ kind, message, details, registryCodes }: RegistryFailure, path: string): RegistryFailure {
  const hint = isTag(path)
    ? 'This registry deletes no tags: delete the manifest by its digest, which takes all its tags along.'
    : 'This registry deletes nothing: ask who runs it to allow it.';
  return new RegistryFailure(kind, message, { details, registryCodes, hint });
}

async function explained<T>(what: string, endpoint: Endpoint, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RegistryFailure)) throw error;
    throw registryError(what, [{ endpoint, failure: error }]);
  }
}
