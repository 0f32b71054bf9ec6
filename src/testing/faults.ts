import type { Answer, Script, SeenRequest } from './exchange.js';

/** Which requests a fault is for: by method, by a part of the path, or by looking at them. */
export interface FaultTarget {
  readonly method?: string;
  /** A part of the path with its query, or a pattern for it. */
  readonly path?: string | RegExp;
  /** How many requests get it, counted over all that it is for; all unless given. */
  readonly times?: number;
  /** How many go well before. */
  readonly after?: number;
}

/** A script that gives `answer` to the requests that `target` describes, and leaves all others alone. */
export function fault(target: FaultTarget, answer: Answer | Script): Script {
  const { times = Infinity, after = 0 } = target;
  let count = 0;
  return (request) => {
    if (!isMeant(request, target)) return undefined;
    count += 1;
    if (count <= after || count > after + times) return undefined;
    return typeof answer === 'function' ? answer(request) : answer;
  };
}

/** The first of the scripts that has something to say about a request decides. */
export function firstOf(...scripts: readonly Script[]): Script {
  return (request) => {
    for (const script of scripts) {
      const answer = script(request);
      if (answer !== undefined) return answer;
    }
    return undefined;
  };
}

export interface TokenServiceOptions {
  /** How many requests a token is good for before the registry takes it no more. */
  readonly uses?: number;
  /** What the service says of the tokens' lifetime; nothing unless given. */
  readonly expiresInSeconds?: number;
}

/** A registry that wants bearer tokens, and the service at its `/token` that gives them to everybody. */
export function tokenService({ uses = Infinity, expiresInSeconds }: TokenServiceOptions = {}): Script {
  let issued = 0;
  let left = 0;
  return ({ path, headers }) => {
    const host = headers['host'] ?? '';
    if (path.startsWith('/token')) {
      issued += 1;
      left = uses;
      return { status: 200, body: JSON.stringify({ token: `token-${issued}`, expires_in: expiresInSeconds }) };
    }
    left -= 1;
    if (left >= 0 && headers['authorization'] === `Bearer token-${issued}`) return undefined;
    const repository = /^\/v2\/(.+)\/(?:manifests|blobs|tags|referrers)\//.exec(path)?.[1] ?? '';
    const scope = `scope="repository:${repository}:pull,push"`;
    const challenge = `Bearer realm="http://${host}/token",service="test",${scope}`;
    return { status: 401, headers: { 'www-authenticate': challenge } };
  };
}

function isMeant({ method, path }: SeenRequest, target: FaultTarget): boolean {
  if (target.method !== undefined && target.method !== method) return false;
  if (target.path === undefined) return true;
  return typeof target.path === 'string' ? path.includes(target.path) : target.path.test(path);
}
