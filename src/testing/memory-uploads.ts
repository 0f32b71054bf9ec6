import { digestOf } from '../oci/digest.js';
import { errorReply, type Reply, type SeenRequest } from './exchange.js';

interface Session {
  readonly repository: string;
  bytes: Buffer;
}

/** Upload sessions (distribution-spec, "Pushing blobs"): whole, in chunks, and with a question for how far they are. */
export class MemoryUploads {
  readonly #blobs: Map<string, Buffer>;
  readonly #sessions = new Map<string, Session>();
  #count = 0;

  constructor(blobs: Map<string, Buffer>) {
    this.#blobs = blobs;
  }

  start(request: SeenRequest, repository: string, query: URLSearchParams): Reply {
    const [digest, from] = [query.get('mount') ?? '', query.get('from') ?? ''];
    const mounted = this.#blobs.get(`${from}@${digest}`);
    if (mounted !== undefined) return this.#store(repository, mounted, digest);
    const whole = query.get('digest');
    if (whole !== null) return this.#store(repository, request.body, whole);
    this.#count += 1;
    const id = String(this.#count);
    const session: Session = { repository, bytes: Buffer.alloc(0) };
    this.#sessions.set(id, session);
    return { status: 202, headers: { location: locationOf(id, session) } };
  }

  /** What comes after the session's beginning. */
  continue(request: SeenRequest, id: string, query: URLSearchParams): Reply {
    const session = this.#sessions.get(id);
    if (session === undefined) return errorReply(404, 'BLOB_UPLOAD_UNKNOWN');
    switch (request.method) {
      case 'GET':
        return { status: 204, headers: progressOf(id, session) };
      case 'PATCH':
        return this.#append(request, id, session);
      case 'PUT':
        return this.#finish(request, id, query.get('digest') ?? '');
      case 'DELETE':
        this.#sessions.delete(id);
        return { status: 204 };
      default:
        return errorReply(405, 'UNSUPPORTED');
    }
  }

  #append(request: SeenRequest, id: string, session: Session): Reply {
    const range = /^(\d+)-(\d+)$/.exec(request.headers['content-range'] ?? '');
    if (range !== null && Number(range[1]) !== session.bytes.length) {
      return { status: 416, headers: progressOf(id, session) };
    }
    session.bytes = Buffer.concat([session.bytes, request.body]);
    return { status: 202, headers: progressOf(id, session) };
  }

  #finish(request: SeenRequest, id: string, digest: string): Reply {
    const { repository, bytes } = this.#sessions.get(id) ?? { repository: '', bytes: Buffer.alloc(0) };
    this.#sessions.delete(id);
    return this.#store(repository, Buffer.concat([bytes, request.body]), digest);
  }

  #store(repository: string, bytes: Buffer, digest: string): Reply {
    const found: string = digestOf(bytes);
    if (found !== digest) return errorReply(400, 'DIGEST_INVALID');
    this.#blobs.set(`${repository}@${digest}`, bytes);
    const headers = { location: `/v2/${repository}/blobs/${digest}`, 'docker-content-digest': digest };
    return { status: 201, headers };
  }
}

function locationOf(id: string, { repository }: Session): string {
  return `/v2/${repository}/blobs/uploads/${id}?_state=a%2Fb`;
}

function progressOf(id: string, session: Session): Readonly<Record<string, string>> {
  return { location: locationOf(id, session), range: `0-${Math.max(0, session.bytes.length - 1)}` };
}
