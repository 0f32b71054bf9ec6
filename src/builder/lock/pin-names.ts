import { createHash } from 'node:crypto';
import { formatPlatform, type Platform } from '../../oci/platform.js';
import { formatReference, type Reference } from '../../oci/reference.js';
import { redactUrl } from '../../registry/http/http-message.js';
import type { GitOperation, HttpOperation } from '../operation.js';
import { splitUrl } from '../sources/split-url.js';

/** Of a digest of what a name may not show; enough that no two queries of one address meet. */
const HEX_DIGITS = 16;

export function imageName(reference: Reference, platform: Platform): string {
  return `${formatReference(reference)} ${formatPlatform(platform)}`;
}

/** Without user, password and what the query says, which may be a token: a digest stands for it. */
export function urlName({ url }: Pick<HttpOperation, 'url'>): string {
  const parsed = new URL(url);
  const shown = redactUrl(parsed);
  if (parsed.search === '') return shown;
  return `${shown}#${createHash('sha256').update(parsed.search).digest('hex').slice(0, HEX_DIGITS)}`;
}

/** Without password, and without a user that may be a token: of ssh it is the account. */
export function gitName({ url, ref }: Pick<GitOperation, 'url' | 'ref'>): string {
  return `${withoutPassword(url)}${ref === undefined ? '' : `#${ref}`}`;
}

function withoutPassword(url: string): string {
  const split = splitUrl(url);
  if (split === undefined || split.user === '') return url;
  const { scheme, user, host, path } = split;
  const account = scheme === 'ssh' ? `${user.split(':')[0] ?? ''}@` : '';
  return `${scheme}://${account}${host}${path}`;
}
