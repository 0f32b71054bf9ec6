import { TsbuildError } from '../../../support/errors.js';
import type { BuildRequest } from '../../build-request.js';
import type { SplitUrl } from '../split-url.js';
import type { GitSetting } from './git-program.js';

export type Secrets = BuildRequest['secrets'];

const HEADER = 'GIT_AUTH_HEADER';
const TOKEN = 'GIT_AUTH_TOKEN';

/** Kept for all repositories of the host, as the tokens of its jobs are: submodules are reached with it. */
const GITHUB = /^https:\/\/(?:www\.)?github\.com\//;

/**
 * What a web server is told with the secrets that BuildKit takes for that (source/git, getAuthToken): `GIT_AUTH_HEADER`, a whole
 * header, or `GIT_AUTH_TOKEN`; with `.<host>` at its end a secret is for that host and goes before those for all.
 * @throws `USAGE` for one that cannot stand in a header
 */
export function gitAuthorization(
  { host }: Pick<SplitUrl, 'host'>,
  url: string,
  secrets: Secrets,
): readonly GitSetting[] {
  const id = [`${HEADER}.${host}`, `${TOKEN}.${host}`, HEADER, TOKEN].find((one) => Object.hasOwn(secrets, one));
  const value = id === undefined ? undefined : secrets[id];
  if (id === undefined || value === undefined) return [];
  const text = lineOf(id, value);
  const isToken = id.startsWith(TOKEN);
  const header = isToken ? `basic ${Buffer.from(`x-access-token:${text}`).toString('base64')}` : text;
  return [[`http.${GITHUB.exec(url)?.[0] ?? url}.extraHeader`, `Authorization: ${header}`]];
}

/** Files end in a line feed that is no part of what they hold. */
function lineOf(id: string, value: Uint8Array): string {
  const text = Buffer.from(value).toString('utf8').trimEnd();
  // Further lines would be further headers.
  if (text !== '' && !/\p{Cc}/u.test(text)) return text;
  throw new TsbuildError(
    'USAGE',
    `cannot use secret "${id}": it is ${text === '' ? 'empty' : 'not one line of text'}`,
    {
      hint: 'Give the token, or the value of the header Authorization, alone.',
    },
  );
}
