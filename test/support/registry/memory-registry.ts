import { digestOf } from '../../../src/oci/digest.js';
import type { Reply, SeenRequest } from './scripted-registry.js';

/** A registry that keeps everything in memory and follows the distribution-spec: what a scripted one does when not told otherwise. */
export class MemoryRegistry {
  /** `<repository>@<digest>` */
  readonly blobs = new Map<string, Buffer>();
  /** `<repository>:<tag>` and `<repository>@<digest>` */
  readonly manifests = new Map<string, { readonly mediaType: string; readonly bytes: Buffer }>();
  #sessions = 0;

  putBlob(repository: string, bytes: Buffer): string {
    this.blobs.set(`${repository}@${digestOf(bytes)}`, bytes);
    return digestOf(bytes);
  }

  putManifest(
    repository: string,
    tag: string,
    manifest: { readonly mediaType: string; readonly bytes: Buffer },
  ): string {
    this.manifests.set(`${repository}:${tag}`, manifest);
    this.manifests.set(`${repository}@${digestOf(manifest.bytes)}`, manifest);
    return digestOf(manifest.bytes);
  }

  answer(request: SeenRequest): Reply {
    const url = new URL(request.path, 'http://registry');
    if (url.pathname === '/v2/') return { status: 200, body: '{}' };
    const match = /^\/v2\/(.+)\/(manifests|blobs\/uploads|blobs)\/([^/]*)$/.exec(url.pathname);
    const [, repository = '', kind, name = ''] = match ?? [];
    if (kind === 'manifests') return this.#manifest(request, repository, name);
    if (kind === 'blobs') return this.#blob(request, repository, name);
    if (kind === 'blobs/uploads') return this.#upload(request, repository, url.searchParams);
    return errorReply(404, 'NAME_UNKNOWN');
  }

  #manifest(request: SeenRequest, repository: string, name: string): Reply {
    const key = `${repository}${name.includes(':') ? '@' : ':'}${name}`;
    if (request.method === 'PUT') {
      const mediaType = request.headers['content-type'] ?? '';
      const digest = this.putManifest(repository, name, { mediaType, bytes: request.body });
      return { status: 201, headers: { 'docker-content-digest': digest } };
    }
    const found = this.manifests.get(key);
    if (found === undefined) return errorReply(404, 'MANIFEST_UNKNOWN');
    const headers = { 'content-type': found.mediaType, 'docker-content-digest': digestOf(found.bytes) };
    return { status: 200, headers, body: found.bytes };
  }

  #blob(request: SeenRequest, repository: string, digest: string): Reply {
    const bytes = this.blobs.get(`${repository}@${digest}`);
    if (bytes === undefined) return errorReply(404, 'BLOB_UNKNOWN');
    const range = /^bytes=(\d+)-$/.exec(request.headers['range'] ?? '');
    if (range === null) return { status: 200, body: bytes };
    const from = Number(range[1]);
    if (from >= bytes.length) return { status: 416 };
    const headers = { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
    return { status: 206, headers, body: bytes.subarray(from) };
  }

  #upload(request: SeenRequest, repository: string, query: URLSearchParams): Reply {
    if (request.method === 'PUT') {
      const digest = query.get('digest') ?? '';
      if (digestOf(request.body) !== digest) return errorReply(400, 'DIGEST_INVALID');
      this.blobs.set(`${repository}@${digest}`, request.body);
      return { status: 201, headers: { 'docker-content-digest': digest } };
    }
    const mounted = this.blobs.get(`${query.get('from')}@${query.get('mount')}`);
    if (mounted !== undefined) {
      this.blobs.set(`${repository}@${query.get('mount')}`, mounted);
      return { status: 201 };
    }
    this.#sessions += 1;
    return { status: 202, headers: { location: `/v2/${repository}/blobs/uploads/${this.#sessions}?_state=a%2Fb` } };
  }
}

export function errorReply(status: number, code: string): Reply {
  const body = JSON.stringify({ errors: [{ code, message: code.toLowerCase().replaceAll('_', ' ') }] });
  return { status, headers: { 'content-type': 'application/json' }, body };
}
