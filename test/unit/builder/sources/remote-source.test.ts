import { describe, expect, it } from 'vitest';
import { remoteOperation } from '../../../../src/builder/sources/remote-operation.js';
import { remoteSource } from '../../../../src/builder/sources/remote-source.js';

const github = 'https://github.com/moby/buildkit.git';

describe('remoteSource', () => {
  // The cases of BuildKit's own dfgitutil tests, and those of its ADD of a URL.
  it.each([
    ['https://example.com/foo.git', { url: 'https://example.com/foo.git' }],
    ['https://example.com/foo.git#deadbeef', { url: 'https://example.com/foo.git', ref: 'deadbeef' }],
    ['https://example.com/foo.git#release/1.2', { url: 'https://example.com/foo.git', ref: 'release/1.2' }],
    ['HTTPS://example.com/foo.git', { url: 'https://example.com/foo.git' }],
    ['git://example.com/foo', { url: 'git://example.com/foo' }],
    ['ssh://git@example.com:22/foo', { url: 'ssh://git@example.com:22/foo' }],
    ['git@github.com:moby/buildkit', { url: 'git@github.com:moby/buildkit' }],
    ['me@host:x.git?subdir=/s#v1', { url: 'me@host:x.git', ref: 'v1', subdirectory: 's' }],
    ['https://foo:bar@github.com/a/b.git', { url: 'https://foo:bar@github.com/a/b.git' }],
    ['https://h/b.git#baz/qux:quux/quuz', { url: 'https://h/b.git', ref: 'baz/qux', subdirectory: 'quux/quuz' }],
    ['https://h/b.git#:myfolder', { url: 'https://h/b.git', subdirectory: 'myfolder' }],
    ['https://h/b.git#main:../../x/', { url: 'https://h/b.git', ref: 'main', subdirectory: 'x' }],
    [`${github}?ref=v1&subdir=/sub`, { url: github, ref: 'v1', subdirectory: 'sub' }],
    [`${github}?subdir=/sub#v1.0.0`, { url: github, ref: 'v1.0.0', subdirectory: 'sub' }],
    [`${github}?tag=v1.0.0`, { url: github, ref: 'refs/tags/v1.0.0' }],
    [`${github}?tag=refs/tags/v1.0.0`, { url: github, ref: 'refs/tags/v1.0.0' }],
    [`${github}?branch=v1.0`, { url: github, ref: 'refs/heads/v1.0' }],
    [`${github}?checksum=DEADBEEF`, { url: github, checksum: 'deadbeef' }],
    [`${github}?commit=deadbeef`, { url: github, checksum: 'deadbeef' }],
    [`${github}?keep-git-dir`, { url: github, keepGitDir: true }],
    [`${github}?keep-git-dir=0`, { url: github, keepGitDir: false }],
    [`${github}?submodules=false`, { url: github, skipSubmodules: true }],
    [`${github}?submodules`, { url: github }],
    [`${github}?mtime=commit`, { url: github }],
    [`${github}?fetch-by-commit&checksum=de`, { url: github, checksum: 'de', fetchByCommit: true }],
    [`${github}?fetch-by-commit=false`, { url: github }],
  ])('pitfall 101: takes %s for git', (text, expected) => {
    const { shown, ...source } = remoteSource(text) ?? { shown: '' };
    expect(source).toEqual({ kind: 'git', ...expected });
    expect(shown).not.toContain('bar');
  });

  it.each([
    ['https://example.com/', '__unnamed__'],
    ['https://example.com', '__unnamed__'],
    ['https://example.com/foo', 'foo'],
    ['https://example.com/foo/', 'foo'],
    ['https://example.com/foo.git/', 'foo.git'],
    ['https://example.com/foo.git.bar', 'foo.git.bar'],
    ['https://github.com/moby/buildkit', 'buildkit'],
    ['http://example.com/a/b.txt?x=1&y=2', 'b.txt'],
    ['http://example.com/a/b%20c%2Fd.txt', 'd.txt'],
  ])('pitfalls 99 and 101: takes %s for a file named %s', (url, name) => {
    expect(remoteSource(url)).toMatchObject({ kind: 'http', url, name });
  });

  it.each([
    'github.com/moby/buildkit',
    'custom.xyz/moby/buildkit.git',
    './.git',
    '.git',
    '../git@host:x',
    'ftp://example.com/foo',
    'HTTPS://example.com/foo',
    'C:\\x',
    'dir/file',
    'http:/example.com/foo',
  ])('takes %s for a path', (text) => {
    expect(remoteSource(text)).toBeUndefined();
  });

  it('takes github.com/… of a build context for a repository', () => {
    const options = { githubShorthand: true } as const;
    expect(remoteSource('github.com/moby/buildkit#master', options)).toMatchObject({
      kind: 'git',
      url: 'https://github.com/moby/buildkit',
      ref: 'master',
    });
  });

  it.each([
    [`${github}?ref=v1.0.0#v1.2.3`, 'it names "v1.2.3" and "v1.0.0"'],
    [`${github}?ref=v1.0.0&tag=v1.2.3`, 'it names "v1.0.0" and "refs/tags/v1.2.3"'],
    [`${github}?invalid=123`, '"invalid" is nothing that its query can say'],
    [`${github}?ref=`, '"ref" in its query has no value'],
    [`${github}?ref=a&ref=a`, 'its query has "ref" twice'],
    [`${github}?mtime=invalid`, 'which is not "commit"'],
    [`${github}?mtime=checkout`, 'no two builds would be the same'],
    [`${github}?keep-git-dir=maybe`, 'neither true nor false'],
    [`${github}?fetch-by-commit`, 'needs checksum'],
    [`${github}?checksum=xyz`, 'is no commit'],
    [`${github}#--upload-pack=touch${'$'}{IFS}x`, 'is no name of a branch'],
    [`${github}?ref=a:refs/heads/b`, 'is no name of a branch'],
    [`${github}?ref=*`, 'is no name of a branch'],
    ['ssh://-oProxyCommand=x/y', 'could be taken for an option'],
    ['git@-oProxyCommand:y', 'could be taken for an option'],
    ['git@host:-y', 'could be taken for an option'],
    ['https:///x.git', 'it names no host'],
    ['https://host:port/x', 'it is no URL'],
    ['https://host/%zz', 'it has a "%"'],
    ['https://host/..', 'is no name for a file'],
  ])('refuses %s', (text, state) => {
    expect(() => remoteSource(text)).toThrow(state);
  });

  it('names tag and branch as a contradiction', () => {
    expect(() => remoteSource(`${github}?tag=v1&branch=v1`)).toThrow('it names "refs/tags/v1" and "refs/heads/v1"');
  });

  it.each([
    ['https://me:secret@host/x.git#main', 'https://…@host/x.git#main'],
    ['https://token@host/x.git', 'https://…@host/x.git'],
    ['https://me:s@cret@host/file?sig=secret&x=1', 'https://…@host/file?sig=…&x=…'],
    ['ssh://git@host/x', 'ssh://git@host/x'],
    ['ssh://git:secret@host/x', 'ssh://…@host/x'],
    ['git@host:x', 'git@host:x'],
  ])('shows %s as %s', (text, shown) => {
    expect(remoteSource(text)?.shown).toBe(shown);
  });

  it('says no secret in an error', () => {
    const secret = 'https://me:secret@host/x.git?token=secret';
    expect(() => remoteSource(secret)).toThrow('cannot read address "https://…@host/x.git?token=…"');
  });
});

describe('remoteOperation', () => {
  const git = remoteSource(`${github}?commit=de&keep-git-dir`);
  const file = remoteSource('https://host/file');

  it('pitfall 103: takes a digest for a URL and a commit for a repository', () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    if (git === undefined || file === undefined) throw new Error('both are remote');
    expect(remoteOperation(file, { checksum: digest })).toMatchObject({ kind: 'http', checksum: digest });
    expect(remoteOperation(git, { checksum: 'de' })).toMatchObject({ kind: 'git', checksum: 'de', keepGitDir: true });
    expect(() => remoteOperation(file, { checksum: 'de' })).toThrow('"de" is no digest');
    expect(() => remoteOperation(git, { checksum: digest })).toThrow('is no commit');
  });

  it('refuses flags that the address contradicts', () => {
    if (git === undefined) throw new Error('it is remote');
    expect(() => remoteOperation(git, { checksum: 'ab' })).toThrow('--checksum is ab, and its address says de');
    expect(() => remoteOperation(git, { keepGitDir: false })).toThrow('--keep-git-dir is false');
  });
});
