import { describe, expect, test } from 'vitest';
import { gitAuthorization } from '../../../../src/builder/sources/git/git-authorization.js';
import { splitUrl } from '../../../../src/builder/sources/split-url.js';

function settings(url: string, secrets: Readonly<Record<string, string>>) {
  const split = splitUrl(url);
  if (split === undefined) throw new Error(`${url} is a URL`);
  const values = Object.entries(secrets).map(([id, text]) => [id, Buffer.from(text)] as const);
  return gitAuthorization(split, url, Object.fromEntries(values));
}

const basic = (token: string): string => `basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`;
const URL = 'https://host.example:8443/a/b.git';

describe('the secrets GIT_AUTH_TOKEN and GIT_AUTH_HEADER', () => {
  test.each<[string, Readonly<Record<string, string>>, string]>([
    ['a token', { GIT_AUTH_TOKEN: 'x' }, basic('x')],
    ['a header as it is', { GIT_AUTH_HEADER: 'bearer x' }, 'bearer x'],
    ['the header before the token', { GIT_AUTH_TOKEN: 'x', GIT_AUTH_HEADER: 'bearer y' }, 'bearer y'],
    [
      'that of the host before those for all',
      { 'GIT_AUTH_TOKEN.host.example:8443': 'x', GIT_AUTH_HEADER: 'y' },
      basic('x'),
    ],
    [
      'its header before its token',
      { 'GIT_AUTH_TOKEN.host.example:8443': 'x', 'GIT_AUTH_HEADER.host.example:8443': 'y' },
      'y',
    ],
    ['a line feed at its end is none of it', { GIT_AUTH_TOKEN: 'x\r\n' }, basic('x')],
  ])('%s', (_, secrets, header) => {
    expect(settings(URL, secrets)).toEqual([[`http.${URL}.extraHeader`, `Authorization: ${header}`]]);
  });

  test('are for one repository, but for those of github.com', () => {
    const [[name] = []] = settings('https://github.com/a/b.git', { GIT_AUTH_TOKEN: 'x' });
    expect(name).toBe('http.https://github.com/.extraHeader');
    const [[other] = []] = settings('https://github.com.evil.example/a.git', { GIT_AUTH_TOKEN: 'x' });
    expect(other).toBe('http.https://github.com.evil.example/a.git.extraHeader');
  });

  test('of another host, or of another name, are not used', () => {
    expect(settings(URL, { 'GIT_AUTH_TOKEN.host.example': 'x', GIT_AUTH: 'y' })).toEqual([]);
  });

  test.each([
    ['a\nHost: b', 'it is not one line of text'],
    ['a\0b', 'it is not one line of text'],
    ['\n', 'it is empty'],
  ])('%j is refused, and not shown', (text, state) => {
    expect(() => settings(URL, { GIT_AUTH_TOKEN: text })).toThrow(`cannot use secret "GIT_AUTH_TOKEN": ${state}`);
  });
});
