import { digestOf } from '../oci/digest.js';
import { parseJson } from '../support/parse-json.js';
import { errorReply, type Reply, type SeenRequest } from './exchange.js';
import { MemoryUploads } from './memory-uploads.js';

export interface MemoryRegistryOptions {
  /** Whether it has the referrers API of distribution-spec 1.1; it has unless told otherwise. */
  readonly referrers?: boolean;
}

export interface StoredManifest {
  readonly mediaType: string;
  readonly bytes: Buffer;
}

/** A registry's content in memory, and the answers of a registry that follows the distribution-spec. */
export class MemoryRegistry {
  /** `<repository>@<digest>` */
  readonly blobs: Map<string, Buffer> = new Map<string, Buffer>();
  /** `<repository>:<tag>` and `<repository>@<digest>` */
  readonly manifests: Map<string, StoredManifest> = new Map<string, StoredManifest>();
  readonly #uploads = new MemoryUploads(this.blobs);
  readonly #referrers: boolean;

  constructor(options: MemoryRegistryOptions = {}) {
    this.#referrers = options.referrers ?? true;
  }

  /** @returns its digest */
  putBlob(repository: string, bytes: Buffer): string {
    this.blobs.set(`${repository}@${digestOf(bytes)}`, bytes);
    return digestOf(bytes);
  }

  /** @returns its digest, by which it is also known */
  putManifest(repository: string, tag: string, manifest: StoredManifest): string {
    this.manifests.set(`${repository}${tag.includes(':') ? '@' : ':'}${tag}`, manifest);
    this.manifests.set(`${repository}@${digestOf(manifest.bytes)}`, manifest);
    return digestOf(manifest.bytes);
  }

  answer(request: SeenRequest): Reply {
    const url = new URL(request.path, 'http://registry');
    if (url.pathname === '/v2/') return { status: 200, body: '{}' };
    const match = /^\/v2\/(.+)\/(manifests|blobs\/uploads|blobs|tags|referrers)\/([^/]*)$/.exec(url.pathname);
    const [, repository = '', kind, name = ''] = match ?? [];
    switch (kind) {
      case 'manifests':
        return this.#manifest(request, repository, name);
      case 'blobs':
        return this.#blob(request, repository, name);
      case 'blobs/uploads':
        return name === ''
          ? this.#uploads.start(request, repository, url.searchParams)
          : this.#uploads.continue(request, name, url.searchParams);
      case 'tags':
        return this.#tags(repository, url.searchParams);
      case 'referrers':
        return this.#listReferrers(repository, name, url.searchParams);
      default:
        return errorReply(404, 'NAME_UNKNOWN');
    }
  }

  #manifest(request: SeenRequest, repository: string, name: string): Reply {
    const key = `${repository}${name.includes(':') ? '@' : ':'}${name}`;
    if (request.method === 'PUT') return this.#putManifest(request, repository, name);
    const found = this.manifests.get(key);
    if (found === undefined) return errorReply(404, 'MANIFEST_UNKNOWN');
    if (request.method === 'DELETE') return this.#deleteManifest(repository, key, found);
    const headers = { 'content-type': found.mediaType, 'docker-content-digest': digestOf(found.bytes) };
    return { status: 200, headers, body: found.bytes };
  }

  #putManifest({ headers, body }: SeenRequest, repository: string, name: string): Reply {
    if (name.includes(':') && digestOf(body) !== name) return errorReply(400, 'DIGEST_INVALID');
    const digest = this.putManifest(repository, name, { mediaType: headers['content-type'] ?? '', bytes: body });
    const subject = subjectOf(body);
    const noted = this.#referrers && subject !== undefined ? { 'oci-subject': subject } : {};
    return { status: 201, headers: { 'docker-content-digest': digest, ...noted } };
  }

  /** By its digest a manifest goes with all its tags; a tag goes alone. */
  #deleteManifest(repository: string, key: string, manifest: StoredManifest): Reply {
    const doomed = key.startsWith(`${repository}@`)
      ? [...this.manifests].filter(([name, { bytes }]) => isIn(repository, name) && bytes.equals(manifest.bytes))
      : [[key] as const];
    for (const [name] of doomed) this.manifests.delete(name);
    return { status: 202 };
  }

  #blob(request: SeenRequest, repository: string, digest: string): Reply {
    const bytes = this.blobs.get(`${repository}@${digest}`);
    if (bytes === undefined) return errorReply(404, 'BLOB_UNKNOWN');
    if (request.method === 'DELETE') {
      this.blobs.delete(`${repository}@${digest}`);
      return { status: 202 };
    }
    const range = /^bytes=(\d+)-$/.exec(request.headers['range'] ?? '');
    if (range === null) return { status: 200, body: bytes };
    const from = Number(range[1]);
    if (from >= bytes.length) return { status: 416 };
    const headers = { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
    return { status: 206, headers, body: bytes.subarray(from) };
  }

  #tags(repository: string, query: URLSearchParams): Reply {
    const prefix = `${repository}:`;
    const all = [...this.manifests.keys()].filter((name) => name.startsWith(prefix));
    if (all.length === 0) return errorReply(404, 'NAME_UNKNOWN');
    const after = query.get('last') ?? '';
    const rest = all
      .map((name) => name.slice(prefix.length))
      .sort()
      .filter((tag) => tag > after);
    const page = rest.slice(0, Number(query.get('n') ?? rest.length));
    const more = page.length < rest.length && page.length > 0;
    const next = `</v2/${repository}/tags/list?n=${page.length}&last=${page.at(-1)}>; rel="next"`;
    const headers = { 'content-type': 'application/json', ...(more ? { link: next } : {}) };
    return { status: 200, headers, body: JSON.stringify({ name: repository, tags: page }) };
  }

  #listReferrers(repository: string, digest: string, query: URLSearchParams): Reply {
    if (!this.#referrers) return { status: 404, body: '404 page not found\n' };
    const wanted = query.get('artifactType');
    const manifests = [...this.manifests]
      .filter(([name, { bytes }]) => name.startsWith(`${repository}@`) && subjectOf(bytes) === digest)
      .map(([, manifest]) => referrerOf(manifest))
      .filter(({ artifactType }) => wanted === null || artifactType === wanted);
    const mediaType = 'application/vnd.oci.image.index.v1+json';
    const filtered = wanted === null ? {} : { 'oci-filters-applied': 'artifactType' };
    const body = JSON.stringify({ schemaVersion: 2, mediaType, manifests });
    return { status: 200, headers: { 'content-type': mediaType, ...filtered }, body };
  }
}

function isIn(repository: string, name: string): boolean {
  return name.startsWith(`${repository}:`) || name.startsWith(`${repository}@`);
}

interface Document {
  readonly subject?: { readonly digest?: string };
  readonly artifactType?: string;
  readonly config?: { readonly mediaType?: string };
  readonly annotations?: object;
}

function documentIn(bytes: Buffer): Document {
  const document = parseJson(bytes.toString('utf8'));
  return typeof document === 'object' && document !== null ? document : {};
}

function subjectOf(bytes: Buffer): string | undefined {
  return documentIn(bytes).subject?.digest;
}

/** distribution-spec, "Listing Referrers". */
function referrerOf({ mediaType, bytes }: StoredManifest): { readonly artifactType: string | undefined } {
  const { artifactType, config, annotations } = documentIn(bytes);
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
  return { ...descriptor, artifactType: artifactType ?? config?.mediaType, ...(annotations && { annotations }) };
}
