/** An address taken apart and nothing in it changed, so that a server is asked for what was written. */
export interface SplitUrl {
  /** Lower case; `scp` for `user@host:path`. */
  readonly scheme: string;
  /** `user[:password]`, still encoded. */
  readonly user: string;
  /** `host[:port]`. */
  readonly host: string;
  readonly path: string;
  readonly query: string;
  readonly fragment: string;
  /** All before the query. */
  readonly base: string;
}

/** `scheme://[user@]host/path[?query][#fragment]`; `undefined` for anything that does not begin so. */
export function splitUrl(text: string): SplitUrl | undefined {
  // Most paths are told apart without the work of making an expression ready.
  if (!text.includes('://')) return undefined;
  const match = /^([a-z0-9]+):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/is.exec(text);
  if (match === null) return undefined;
  const [, written = '', authority = '', path = '', query = '', fragment = ''] = match;
  const scheme = written.toLowerCase();
  // The last one: a password may hold an "@".
  const at = authority.lastIndexOf('@');
  return {
    scheme,
    user: authority.slice(0, Math.max(at, 0)),
    host: authority.slice(at + 1),
    path,
    query,
    fragment: decodedFragment(fragment),
    base: `${scheme}://${authority}${path}`,
  };
}

function decodedFragment(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}
