import { describe, expect, test } from 'vitest';
import { decodePolicy } from '../../../../src/builder/policy/decode-policy.js';
import type { SourcePolicy } from '../../../../src/builder/policy/policy-rules.js';
import { imageByPolicy, remoteByPolicy } from '../../../../src/builder/policy/source-policy.js';
import { formatReference, parseReference, withDefaultTag } from '../../../../src/oci/reference.js';
import { isTsbuildError } from '../../../../src/support/errors.js';

type Rule = Readonly<Record<string, unknown>>;

const policy = (...rules: readonly Rule[]): readonly SourcePolicy[] => [
  decodePolicy(JSON.stringify({ rules }), 'p.json'),
];
const on = (action: string, identifier: string, more: Rule = {}): Rule => ({
  action,
  selector: { identifier, ...more },
});
const to = (identifier: string, target: string, more: Rule = {}): Rule => ({
  ...on('CONVERT', identifier, more),
  updates: { identifier: target },
});

function image(name: string, policies: readonly SourcePolicy[]): string {
  try {
    return formatReference(imageByPolicy(policies, withDefaultTag(parseReference(name))));
  } catch (error) {
    return isTsbuildError(error) ? error.code : String(error);
  }
}

const ALPINE = 'docker-image://docker.io/library/alpine:latest';
const PINNED = `docker.io/library/alpine:latest@sha256:${'b'.repeat(64)}`;

describe('images', () => {
  test.each<[string, readonly Rule[], string, string]>([
    [
      'without a rule for them are allowed',
      [on('DENY', 'docker-image://quay.io/*')],
      'alpine',
      'docker.io/library/alpine:latest',
    ],
    ['are denied by name', [on('DENY', ALPINE, { matchType: 'EXACT' })], 'alpine', 'SOURCE_DENIED'],
    ['are denied by a pattern', [on('DENY', 'docker-image://docker.io/*')], 'alpine:3', 'SOURCE_DENIED'],
    ['are denied where no kind of pattern is said', [on('DENY', 'docker-image://*')], 'alpine', 'SOURCE_DENIED'],
    [
      'are allowed by a later rule',
      [on('DENY', '*'), on('ALLOW', 'docker-image://docker.io/*')],
      'alpine',
      'docker.io/library/alpine:latest',
    ],
    ['are denied by a later rule', [on('ALLOW', '*'), on('DENY', '*')], 'alpine', 'SOURCE_DENIED'],
    ['are not denied by part of a name', [on('DENY', 'docker.io/*')], 'alpine', 'docker.io/library/alpine:latest'],
    ['keep dots for dots', [on('DENY', 'docker-image://docker-io/*')], 'alpine', 'docker.io/library/alpine:latest'],
    [
      'are denied by an expression',
      [on('DENY', 'alpine:3\\.1[0-5]', { matchType: 'REGEX' })],
      'alpine:3.12',
      'SOURCE_DENIED',
    ],
    [
      'are allowed beside an expression',
      [on('DENY', 'alpine:3\\.1[0-5]', { matchType: 'REGEX' })],
      'alpine:3.19',
      'docker.io/library/alpine:3.19',
    ],
    ['are pinned', [to(ALPINE, `docker-image://${PINNED}`)], 'alpine', PINNED],
    [
      'are taken from a mirror, with what a star stands for',
      [to('docker-image://docker.io/library/*', 'docker-image://mirror.test/hub/${1}')],
      'debian:12',
      'mirror.test/hub/debian:12',
    ],
    [
      'are exchanged by an expression',
      [to('docker\\.io/library/(\\w+)', 'mirror.test/$1', { matchType: 'REGEX' })],
      'debian:12',
      'mirror.test/debian:12',
    ],
    [
      'are asked about again when they were exchanged',
      [to(ALPINE, 'docker-image://quay.io/a:1'), on('DENY', 'docker-image://quay.io/*')],
      'alpine',
      'SOURCE_DENIED',
    ],
    [
      'cannot be exchanged forever',
      [to('docker-image://*', 'docker-image://a.test/${1}x')],
      'alpine',
      'CONFIG_INVALID',
    ],
    ['cannot become URLs', [to(ALPINE, 'https://a.test/x')], 'alpine', 'CONFIG_INVALID'],
  ])('%s', (_, rules, name, result) => {
    expect(image(name, policy(...rules))).toBe(result);
  });

  test('are denied by any of several policies, in the name of that one', () => {
    const [allowing] = policy(on('ALLOW', '*'));
    const denying = decodePolicy(JSON.stringify({ rules: [on('DENY', '*')] }), 'strict.json');
    const both = allowing === undefined ? [] : [allowing, denying];
    expect(() => imageByPolicy(both, parseReference('alpine:1'))).toThrow(
      'cannot use "docker-image://docker.io/library/alpine:1": the source policy "strict.json" denies it',
    );
  });
});

describe('URLs and repositories', () => {
  const url = { kind: 'http', url: 'https://a.test/x.tar', name: 'x.tar' } as const;
  const git = { kind: 'git', url: 'https://git.test/a/b.git', ref: 'main', keepGitDir: false } as const;

  test('are denied', () => {
    expect(() => remoteByPolicy(policy(on('DENY', 'https://a.test/*')), url)).toThrow('denies it');
    expect(() => remoteByPolicy(policy(on('DENY', 'git://git.test/*')), git)).toThrow('denies it');
    const scp = { ...git, url: 'git@git.test:a/b.git' };
    expect(() => remoteByPolicy(policy(on('DENY', 'git://git.test/a/b.git#main')), scp)).toThrow('denies it');
    expect(remoteByPolicy(policy(on('DENY', 'http://*')), url)).toEqual(url);
    const secret = { ...url, url: 'https://ann:hunter2@a.test/x.tar?token=hunter2' };
    expect(() => remoteByPolicy(policy(on('DENY', '*')), secret)).toThrow(/^(?!.*hunter2).*denies it$/s);
  });

  test('are exchanged, and keep their name and how they are reached', () => {
    const mirror = policy(
      to('https://a.test/*', 'https://mirror.test/${1}'),
      to('git://git.test/*#main', 'git://mirror.test/${1}#v1:docs'),
    );
    expect(remoteByPolicy(mirror, url)).toEqual({ ...url, url: 'https://mirror.test/x.tar' });
    const { ref: _, ...rest } = git;
    const moved = { ...rest, url: 'https://mirror.test/a/b.git', ref: 'v1', subdirectory: 'docs' };
    expect(remoteByPolicy(mirror, git)).toEqual(moved);
    expect(remoteByPolicy(mirror, { ...git, url: 'git@git.test:a/b.git' })).toEqual({
      ...moved,
      url: 'git@mirror.test:a/b.git',
    });
    expect(() => remoteByPolicy(policy(to('https://*', 'git://a.test/x')), url)).toThrow('is of another kind');
    expect(() => remoteByPolicy(policy(to('git://*', 'git://-oProxyCommand=x/y')), git)).toThrow('is of another kind');
  });

  test('get a checksum', () => {
    const checksum = `sha256:${'c'.repeat(64)}`;
    const checked = policy({
      ...on('CONVERT', 'https://a.test/x.tar'),
      updates: { attrs: { 'http.checksum': checksum } },
    });
    expect(remoteByPolicy(checked, url)).toEqual({ ...url, checksum });
    const commit = policy({
      ...on('CONVERT', 'git://*'),
      updates: { identifier: '', attrs: { 'git.checksum': 'abc1234' } },
    });
    expect(remoteByPolicy(commit, git)).toMatchObject({ url: git.url, ref: 'main', checksum: 'abc1234' });
  });

  test('are told apart by what is known of them', () => {
    const unchecked = on('DENY', 'https://*', {
      constraints: [{ key: 'http.checksum', value: '^$', condition: 'MATCHES' }],
    });
    expect(() => remoteByPolicy(policy(unchecked), url)).toThrow('denies it');
    expect(remoteByPolicy(policy(unchecked), { ...url, checksum: `sha256:${'c'.repeat(64)}` as never })).toHaveProperty(
      'url',
      url.url,
    );
    const named = (condition: string): readonly SourcePolicy[] =>
      policy(on('DENY', 'https://*', { constraints: [{ key: 'http.filename', value: 'x.tar', condition }] }));
    expect(() => remoteByPolicy(named('EQUAL'), url)).toThrow('denies it');
    expect(remoteByPolicy(named('NOTEQUAL'), url)).toEqual(url);
  });
});

test.each([
  ['', 'is no JSON'],
  ['{"rules": {}}', 'wanted an array'],
  ['{"rule": []}', 'rule is not known'],
  ['{"rules": [{"action": "BLOCK", "selector": {"identifier": "*"}}]}', 'is none of ALLOW, DENY, CONVERT'],
  ['{"rules": [{"action": "DENY"}]}', 'selector'],
  ['{"rules": [{"action": "CONVERT", "selector": {"identifier": "*"}}]}', 'rules[0].updates is missing'],
  ['{"rules": [{"action": "DENY", "selector": {"identifier": "(", "matchType": "REGEX"}}]}', 'no regular expression'],
])('a malformed policy is refused: %s', (text, state) => {
  expect(() => decodePolicy(text, 'p.json')).toThrow(state);
  expect(() => decodePolicy(text, 'p.json')).toThrow('cannot read source policy "p.json"');
});

test('what JSON has as numbers is taken', () => {
  const { rules } = decodePolicy(
    '{"version": 1, "rules": [{"action": 1, "selector": {"identifier": "a", "matchType": 2}}]}',
    'p',
  );
  expect(rules).toMatchObject([{ action: 'DENY', selector: { matchType: 'REGEX' } }]);
});
