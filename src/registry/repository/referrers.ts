import { decodeLinks } from '../../oci/decode.js';
import type { Descriptor } from '../../oci/descriptor.js';
import { digestAlgorithm, digestHex, digestOf, type Digest } from '../../oci/digest.js';
import type { EncodedManifest } from '../../oci/image.js';
import { MEDIA_TYPE } from '../../oci/media-type.js';
import { repositoryName, type Repository } from '../../oci/reference.js';
import { isTsbuildError } from '../../support/errors.js';
import { writeEndpoint, type Endpoint } from '../endpoint.js';
import { header } from '../http/http-message.js';
import { RegistryFailure, registryError } from '../registry-failure.js';
import type { RegistryContext } from '../registry-context.js';
import { putManifest } from './put-manifest.js';
import { readPages } from './pages.js';
import type { RepositorySource } from './repository-source.js';

interface Cancellable {
  readonly signal?: AbortSignal | undefined;
}

/** Manifests that are about another (distribution-spec, "Referrers API", and the tag that stands in for it). */
export interface Referrers {
  /** Descriptors with `artifactType` and annotations; none when nothing refers to it. */
  listReferrers(
    subject: Digest,
    options?: Cancellable & { readonly artifactType?: string | undefined },
  ): Promise<readonly Descriptor<string>[]>;
  /** Has a manifest listed where the registry does not do that itself. */
  note(subject: Digest, manifest: EncodedManifest, options?: Cancellable): Promise<void>;
  /** The opposite. */
  forget(subject: Digest, digest: Digest, options?: Cancellable): Promise<void>;
}

/** Somebody else may write the list between our reading and writing it. */
const WRITE_ATTEMPTS = 3;

export function createReferrers(context: RegistryContext, repository: Repository, source: RepositorySource): Referrers {
  const endpoint = (): Endpoint => writeEndpoint(context.configuration, repository);
  const update = async (subject: Digest, change: Change, signal: AbortSignal | undefined): Promise<void> => {
    for (let attempt = 1; attempt <= WRITE_ATTEMPTS; attempt += 1) {
      const before = await readTag(source, subject, signal);
      const after = change(before);
      if (JSON.stringify(after) === JSON.stringify(before)) return;
      await putManifest(context, endpoint(), { manifest: indexOf(after), options: { tag: tagOf(subject), signal } });
    }
  };
  return {
    async listReferrers(subject, { signal, artifactType } = {}) {
      const listed =
        (await readApi(context, endpoint(), { subject, artifactType, signal, name: repositoryName(repository) })) ??
        (await readTag(source, subject, signal));
      return artifactType === undefined ? listed : listed.filter((each) => each.artifactType === artifactType);
    },
    async note(subject, manifest, { signal } = {}) {
      const entry = referrerOf(manifest);
      const change: Change = (entries) => [...entries.filter(({ digest }) => digest !== entry.digest), entry];
      await update(subject, change, signal);
    },
    async forget(subject, gone, { signal } = {}) {
      await update(subject, (entries) => entries.filter(({ digest }) => digest !== gone), signal);
    },
  };
}

type Change = (entries: readonly Descriptor<string>[]) => readonly Descriptor<string>[];

/** `undefined` when the registry has no such API, whatever it says instead. */
async function readApi(
  context: RegistryContext,
  endpoint: Endpoint,
  query: {
    readonly subject: Digest;
    readonly artifactType: string | undefined;
    readonly signal: AbortSignal | undefined;
    readonly name: string;
  },
): Promise<readonly Descriptor<string>[] | undefined> {
  const { subject, artifactType, signal, name } = query;
  const filter = artifactType === undefined ? '' : `?artifactType=${encodeURIComponent(artifactType)}`;
  const path = `/v2/${endpoint.repository}/referrers/${subject}${filter}`;
  const found: Descriptor<string>[] = [];
  try {
    for await (const { bytes, response } of readPages(context, endpoint, {
      path,
      accept: MEDIA_TYPE.ociIndex,
      signal,
    })) {
      if (!isIndexType(header(response, 'content-type'))) return undefined;
      found.push(...decodeLinks(bytes, subject).manifests);
    }
    return found;
  } catch (error) {
    if (!(error instanceof RegistryFailure)) throw error;
    // Some answer 400, 405 or 406, and in plain text: whoever has the API answers 200, also for what it does not know.
    if (error.kind === 'denied' || error.kind === 'unreachable' || error.transient) {
      throw registryError(`list what refers to "${name}@${subject}"`, [{ endpoint, failure: error }]);
    }
    return undefined;
  }
}

function isIndexType(contentType: string | undefined): boolean {
  return contentType?.split(';', 1)[0]?.trim() === MEDIA_TYPE.ociIndex;
}

/** distribution-spec, "Referrers Tag Schema". */
function tagOf(subject: Digest): string {
  return `${digestAlgorithm(subject).slice(0, 32)}-${digestHex(subject).slice(0, 64)}`;
}

/** What the tag lists. GitLab resolves such a tag to the subject itself, whose own entries are no referrers. */
async function readTag(
  source: RepositorySource,
  subject: Digest,
  signal: AbortSignal | undefined,
): Promise<readonly Descriptor<string>[]> {
  try {
    const found = await source.resolve({ tag: tagOf(subject) }, { signal });
    if (found.digest === subject || found.mediaType !== MEDIA_TYPE.ociIndex) return [];
    const { manifests } = decodeLinks(await source.fetchDocument(found, { signal }), found.digest);
    return manifests.filter(({ platform }) => platform === undefined);
  } catch (error) {
    if (isTsbuildError(error, 'IMAGE_NOT_FOUND')) return [];
    throw error;
  }
}

function referrerOf({ descriptor, bytes }: EncodedManifest): Descriptor<string> {
  const { mediaType, digest, size } = descriptor;
  const { artifactType, annotations } = decodeLinks(bytes, digest);
  return {
    mediaType,
    digest,
    size,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

function indexOf(manifests: readonly Descriptor<string>[]): EncodedManifest {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests }));
  return { descriptor: { mediaType: MEDIA_TYPE.ociIndex, digest: digestOf(bytes), size: bytes.byteLength }, bytes };
}
